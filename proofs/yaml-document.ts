import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument, type Document, type Node } from 'yaml';
import type { z } from 'zod';

/** One thing wrong with a file, and where: `line` and `column` count from 1. */
export interface Fault {
  line: number;
  column: number;
  /** Dotted path of the member, empty for the document. */
  path: string;
  message: string;
}

export type ReadYaml<T> = { ok: true; value: T } | { ok: false; faults: Fault[] };

/** `FILE:LINE:COLUMN: member: what is wrong`, as editors and compilers write it. */
export const faultLine = (file: string, { line, column, path, message }: Fault): string =>
  `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;

/** The first fault in one line; the others are counted. */
export function faultsLine(file: string, faults: readonly Fault[]): string {
  const [first] = faults;
  if (first === undefined) return `${file} is not valid`;
  return `${faultLine(file, first)}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''}`;
}

/**
 * Reads one YAML document by a schema. Never throws: the text is somebody's file. Duplicate keys, aliases and more than
 * one document are refused, so that what a reader sees is what is meant.
 */
export function readYaml<S extends z.ZodType>(text: string, schema: S): ReadYaml<z.output<S>> {
  const lines = new LineCounter();
  const at = (offset: number, path: string, message: string): Fault => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), path, message };
  };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) return { ok: false, faults: broken.map(({ pos, message }) => at(pos[0], '', message)) };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch {
    return { ok: false, faults: [at(0, '', 'aliases (&name, *name) are not allowed')] };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const faults = parsed.error.issues.flatMap((issue) => placesOf(issue).map((path) => ({ path, issue })));
  return {
    ok: false,
    faults: faults.map(({ path, issue }) =>
      at(offsetOf(document, path), path.map(String).join('.'), messageOf(issue, value, path)),
    ),
  };
}

/** Where members of a document that was read begin; of one that is not there, the deepest part of its path that is. */
export function placesIn(text: string): (path: readonly PropertyKey[]) => Pick<Fault, 'line' | 'column'> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return (path) => {
    const { line, col } = lines.linePos(offsetOf(document, path));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
}

/** Unknown members are reported at themselves, not at the object that holds them. */
function placesOf(issue: z.core.$ZodIssue): PropertyKey[][] {
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [[...issue.path]];
}

function messageOf(issue: z.core.$ZodIssue, value: unknown, path: readonly PropertyKey[]): string {
  if (issue.code === 'unrecognized_keys') return 'there is no such member here';
  const given = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
  const shown =
    typeof given === 'string' || typeof given === 'number' ? ` (it is ${JSON.stringify(given).slice(0, 80)})` : '';
  return `${issue.message}${issue.message.includes(String(given)) ? '' : shown}`;
}

/** Where the deepest part of the path that exists begins: the key of a member, the item of a list. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? (node as Node).range?.[0] : undefined);
