import type { z } from 'zod';

const MAX_SHOWN = 64;
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

/** The member that an issue is about, as a path; an unknown member is named itself. */
export const issuePath = (issue: z.core.$ZodIssue): PropertyKey[] =>
  issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : [...issue.path];

/**
 * One issue of a schema in words: what was expected, and what came instead. `value` is what was read, anybody's: of a long
 * text only its length is told.
 */
export function issueText(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'unrecognized_keys') return 'there is no such member here';
  const given = issue.path.reduce<unknown>(
    (at, key) => (at !== null && typeof at === 'object' && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined),
    value,
  );
  const expected = expectedBy(issue);
  return given === undefined && issue.path.length > 0 ? `is missing: ${expected}` : `${expected}, got ${shown(given)}`;
}

function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${unitOf(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${unitOf(issue.origin, issue.maximum)}`;
    case 'invalid_key': {
      const [inner] = issue.issues;
      return inner === undefined ? 'expected another name' : `a name in it: ${expectedBy(inner)}`;
    }
    default:
      return issue.message.startsWith('Invalid') ? 'expected another form' : issue.message;
  }
}

function unitOf(origin: string, count: number | bigint): string {
  const one = Number(count) === 1;
  if (origin === 'string') return one ? ' character' : ' characters';
  return origin === 'array' || origin === 'set' ? (one ? ' item' : ' items') : '';
}

function shown(given: unknown): string {
  if (given === undefined) return 'nothing';
  if (given === null) return 'null';
  if (Array.isArray(given)) return 'a list';
  if (typeof given === 'object') return 'an object';
  const text = JSON.stringify(given);
  return typeof given === 'string' && given.length > MAX_SHOWN ? `a text of ${given.length} characters` : text;
}
