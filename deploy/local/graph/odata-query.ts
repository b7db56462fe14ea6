import { GRAPH, refuse, type Answer } from './answer.js';

const PAGE = 100;
const MAX_PAGE = 999;

type OptionName = '$filter' | '$top' | '$select' | '$orderby' | '$expand' | '$skiptoken';

/** The query options of one request, each at most once; names in any letter case, as the service takes them. */
export interface QueryOptions {
  readonly filter: string | null;
  readonly select: readonly string[] | null;
  readonly orderby: string | null;
  readonly expand: string | null;
  readonly top: number;
  readonly skip: number;
}

/** Reads the query; an option that the resource does not document is a 400, never ignored. */
export function readQuery(query: URLSearchParams, allowed: readonly OptionName[]): QueryOptions {
  const found = new Map<string, string>();
  for (const [name, value] of query) {
    const key = name.toLowerCase();
    if (!allowed.some((option) => option === key)) {
      throw refuse('BadRequest', `The query parameter '${name}' is not supported on this resource.`);
    }
    if (found.has(key)) throw refuse('BadRequest', `Query option '${name}' was specified more than once.`);
    found.set(key, value);
  }
  const top = found.get('$top');
  if (top !== undefined && (!/^\d{1,9}$/.test(top) || Number(top) < 1 || Number(top) > MAX_PAGE)) {
    throw refuse('BadRequest', `Invalid value '${top}' for the query option '$top': 1 to ${MAX_PAGE} is allowed.`);
  }
  return {
    filter: found.get('$filter') ?? null,
    select: list(found.get('$select')),
    orderby: found.get('$orderby') ?? null,
    expand: found.get('$expand') ?? null,
    top: top === undefined ? PAGE : Number(top),
    skip: readSkipToken(found.get('$skiptoken')),
  };
}

function list(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(',').map((name) => name.trim());
}

function readSkipToken(token: string | undefined): number {
  if (token === undefined) return 0;
  const match = /^after:(\d{1,9})$/.exec(Buffer.from(token, 'base64url').toString('latin1'));
  if (match === null) throw refuse('BadRequest', 'The skip token is not valid.');
  return Number(match[1]);
}

/**
 * One page of `rows` in wire form. The next link always names the public host, as the real service does, and keeps
 * the other options of the query.
 */
export function page<T>(
  set: string,
  query: URLSearchParams,
  options: QueryOptions,
  rows: readonly T[],
  wire: (row: T) => Record<string, unknown>,
): Answer {
  const end = options.skip + options.top;
  const value = rows.slice(options.skip, end).map((row) => selected(wire(row), options.select));
  const body: Record<string, unknown> = {
    '@odata.context': `${GRAPH}/$metadata#${set}${options.select === null ? '' : `(${options.select.join(',')})`}`,
  };
  if (rows.length > end) body['@odata.nextLink'] = nextLink(set, query, end);
  body['value'] = value;
  return { status: 200, body };
}

function nextLink(set: string, query: URLSearchParams, skip: number): string {
  const token = Buffer.from(`after:${skip}`, 'latin1').toString('base64url');
  const kept = [...query].filter(([name]) => name.toLowerCase() !== '$skiptoken');
  const options = [...kept, ['$skiptoken', token]].map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`);
  return `${GRAPH}/${set}?${options.join('&')}`;
}

/** Keeps the selected properties (and what was expanded); a property that does not exist is a 400. */
export function selected(row: Record<string, unknown>, select: readonly string[] | null): Record<string, unknown> {
  if (select === null) return row;
  const kept: Record<string, unknown> = {};
  for (const name of select) {
    if (!Object.hasOwn(row, name)) {
      throw refuse('BadRequest', `Parsing OData Select and Expand failed: Could not find a property named '${name}'.`);
    }
    kept[name] = row[name];
  }
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'object' && value !== null && EXPANDABLE.has(name)) kept[name] = value;
  }
  return kept;
}

const EXPANDABLE: ReadonlySet<string> = new Set(['principal', 'roleDefinition', 'targetSchedule', 'policy']);

/** The expanded navigation properties, each of which must be one of `allowed`. */
export function readExpand(expand: string | null, allowed: readonly string[]): readonly string[] {
  const names = list(expand ?? undefined) ?? [];
  for (const name of names) {
    if (!allowed.includes(name)) {
      throw refuse('BadRequest', `Parsing OData Select and Expand failed: cannot expand '${name}'.`);
    }
  }
  return names;
}
