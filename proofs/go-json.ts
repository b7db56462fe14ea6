import { hasLoneSurrogate } from './canonical-json.js';

/** Text that already is Go's JSON of some value. */
export class GoJson {
  constructor(readonly text: string) {}
}

/** One member of a Go struct: its JSON name, its value, and whether its tag says `omitempty`. */
export type GoMember = readonly [name: string, value: string | number | boolean | GoJson | undefined, 'omitempty'?];

/** Escaped wherever they stand, so that JSON may lie inside of HTML and JavaScript (Go, encoding/json, `HTMLEscape`). */
const HTML = /[<>&\u2028\u2029]/g;
const escapeHtml = (text: string): string =>
  text.replace(HTML, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * A string as Go's `json.Marshal` writes it (1.22 or newer, which has short forms for backspace and form feed).
 *
 * @throws {TypeError} for a lone surrogate: Go's strings cannot hold one.
 */
export function goString(text: string): string {
  if (hasLoneSurrogate(text)) throw new TypeError('a lone surrogate has no form in Go');
  return escapeHtml(JSON.stringify(text));
}

/**
 * A struct as Go's `json.Marshal` writes it: members in the order of their declaration, `""`, `0` and `false` left out
 * where the tag says so. With `indent`, as `json.MarshalIndent` writes it. Numbers are integers.
 *
 * @throws {TypeError} for a number that is no safe integer, a lone surrogate, or `undefined` without `omitempty`.
 */
export function goStruct(members: readonly GoMember[], indent?: string): string {
  const shown = members.filter(([, value, omit]) => omit === undefined || !isEmpty(value));
  const written = shown.map(([name, value]) => [goString(name), goValue(value)] as const);
  if (indent === undefined || written.length === 0) return `{${written.map((pair) => pair.join(':')).join(',')}}`;
  return `{\n${written.map((pair) => `${indent}${pair.join(': ')}`).join(',\n')}\n}`;
}

/** A slice as Go's `json.Marshal` writes it; `null` is a nil slice. */
export function goSlice(items: readonly (string | GoJson)[] | null): GoJson {
  return new GoJson(items === null ? 'null' : `[${items.map(goValue).join(',')}]`);
}

/**
 * A `map[string]string` as Go's `json.Marshal` writes it: by key, in the order of their bytes in UTF-8. `null` is a nil map.
 *
 * @throws {TypeError} for a lone surrogate.
 */
export function goStringMap(map: Readonly<Record<string, string>> | null): GoJson {
  if (map === null) return new GoJson('null');
  const sorted = Object.entries(map).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return new GoJson(`{${sorted.map(([name, value]) => `${goString(name)}:${goString(value)}`).join(',')}}`);
}

const isEmpty = (value: GoMember[1]): boolean => value === undefined || value === '' || value === 0 || value === false;

function goValue(value: GoMember[1]): string {
  if (value instanceof GoJson) return value.text;
  if (typeof value === 'string') return goString(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new TypeError('expected a string, a boolean, a safe integer or JSON');
}

const STRING_OR_SPACE = /"(?:[^"\\]|\\.)*"|[ \t\n\r]+/gs;

/**
 * Valid JSON as Go's `json.Marshal` writes a `json.RawMessage` of it: no space between tokens, and the five characters
 * escaped; numbers and other escapes stay as they were spelled. What Go itself wrote stays the same bytes.
 */
export function goCompact(json: string): GoJson {
  return new GoJson(escapeHtml(json.replace(STRING_OR_SPACE, (token) => (token.startsWith('"') ? token : ''))));
}
