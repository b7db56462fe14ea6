import { refuse } from './answer.js';
import { parseRfc3339 } from './clock.js';

/** What can be compared: text, a flag, a time (epoch milliseconds) or nothing. */
export type Comparable = string | boolean | number | null;

type Operator = 'eq' | 'ne' | 'ge' | 'le' | 'startswith';

/** The documented filters of a resource: which operators a property takes, and where its value is found. */
export type FilterSpec<T> = Readonly<Record<string, { ops: readonly Operator[]; get: (row: T) => Comparable }>>;

/** One comparison; a filter is the conjunction of its terms. */
interface Term<T> {
  readonly property: string;
  readonly op: Operator;
  readonly value: Comparable;
  readonly get: (row: T) => Comparable;
}

export interface Filter<T> {
  matches(row: T): boolean;
  /** The text that `property` must equal, where the filter says so: lets a caller use an index. */
  equals(property: string): string | null;
}

const TOKEN = /\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w/]*)|(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))|([(),]))/y;

type Token = { readonly kind: 'text' | 'word' | 'time' | 'mark'; readonly text: string };

function tokenise(source: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    if (source.slice(at).trim() === '') break;
    const [, text, word, time, mark] = TOKEN.exec(source) ?? [];
    if (text !== undefined) tokens.push({ kind: 'text', text: text.slice(1, -1).replaceAll("''", "'") });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (time !== undefined) tokens.push({ kind: 'time', text: time });
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
    else throw syntax(`at position ${at} in '${source}'`);
  }
  return tokens;
}

function syntax(detail: string): Error {
  return refuse('BadRequest', `Invalid filter clause: There is an unterminated or misplaced token ${detail}.`);
}

/**
 * Reads `a eq 'x' and startswith(b,'y') and c ge 2026-01-01T00:00:00Z`. Deliberately no more than the pages
 * document: `or`, `not`, `any()` and filters on other properties are refused with 400, since a client must not
 * come to rely on them. Text is compared exactly, letter case included.
 */
export function parseFilter<T>(source: string | null, spec: FilterSpec<T>, resource: string): Filter<T> {
  const terms = source === null ? [] : new Parser(tokenise(source), spec, resource).conjunction();
  return {
    matches: (row) => terms.every((term) => compare(term.op, term.get(row), term.value)),
    equals: (property) => {
      const term = terms.find((t) => t.property === property && t.op === 'eq' && typeof t.value === 'string');
      return typeof term?.value === 'string' ? term.value : null;
    },
  };
}

class Parser<T> {
  private at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly spec: FilterSpec<T>,
    private readonly resource: string,
  ) {}

  conjunction(): Term<T>[] {
    const terms = [this.term()];
    while (this.at < this.tokens.length) {
      const joint = this.next();
      if (joint.kind !== 'word' || joint.text !== 'and') {
        if (joint.text === 'or') throw unsupported(this.resource, 'or');
        throw syntax(`near '${joint.text}'`);
      }
      terms.push(this.term());
    }
    return terms;
  }

  private term(): Term<T> {
    const first = this.next();
    if (first.text === '(') throw unsupported(this.resource, '(');
    if (first.kind !== 'word') throw syntax(`near '${first.text}'`);
    if (first.text === 'startswith' && this.tokens[this.at]?.text === '(') {
      this.mark('(');
      const property = this.next();
      this.mark(',');
      const value = this.next();
      this.mark(')');
      if (value.kind !== 'text') throw syntax(`near '${value.text}'`);
      return this.bind(property.text, 'startswith', value.text);
    }
    const op = this.next().text;
    if (op !== 'eq' && op !== 'ne' && op !== 'ge' && op !== 'le') throw unsupported(this.resource, op);
    return this.bind(first.text, op, literal(this.next()));
  }

  private bind(property: string, op: Operator, value: Comparable): Term<T> {
    const known = Object.hasOwn(this.spec, property) ? this.spec[property] : undefined;
    if (known === undefined || !known.ops.includes(op)) throw unsupported(this.resource, property);
    return { property, op, value, get: known.get };
  }

  private next(): Token {
    const token = this.tokens[this.at];
    if (token === undefined) throw syntax('at the end of the filter');
    this.at += 1;
    return token;
  }

  private mark(text: string): void {
    if (this.next().text !== text) throw syntax(`where '${text}' was expected`);
  }
}

function literal(token: Token): Comparable {
  if (token.kind === 'text') return token.text;
  if (token.kind === 'time') {
    const ms = parseRfc3339(token.text);
    if (ms !== null) return ms;
  } else if (token.text === 'null') return null;
  else if (token.text === 'true' || token.text === 'false') return token.text === 'true';
  throw syntax(`near '${token.text}'`);
}

function unsupported(resource: string, what: string): Error {
  return refuse(
    'Request_UnsupportedQuery',
    `Unsupported or invalid query filter clause specified for property '${what}' of resource '${resource}'.`,
  );
}

function compare(op: Operator, actual: Comparable, wanted: Comparable): boolean {
  switch (op) {
    case 'eq':
      return actual === wanted;
    case 'ne':
      return actual !== wanted;
    case 'ge':
      return typeof actual === 'number' && typeof wanted === 'number' && actual >= wanted;
    case 'le':
      return typeof actual === 'number' && typeof wanted === 'number' && actual <= wanted;
    case 'startswith':
      return typeof actual === 'string' && typeof wanted === 'string' && actual.startsWith(wanted);
  }
}
