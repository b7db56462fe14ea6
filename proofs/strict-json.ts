import { canonicalJson, hasLoneSurrogate, MAX_JSON_DEPTH } from './canonical-json.js';

/** A value that JSON can carry. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** Why a text was refused. */
export type StrictJsonReason =
  | 'too_large'
  | 'too_deep'
  | 'invalid_utf8'
  | 'lone_surrogate'
  | 'duplicate_member'
  | 'forbidden_member'
  | 'number_out_of_range'
  | 'syntax';

/** Outcome of {@link parseStrictJson}; `detail` names the place and never repeats more than a member's name. */
export type StrictJsonResult =
  { ok: true; value: JsonValue } | { ok: false; reason: StrictJsonReason; detail?: string };

/** Outcome of {@link parseCanonicalJson}. */
export type CanonicalJsonResult = StrictJsonResult | { ok: false; reason: 'not_canonical'; detail?: string };

/** Bounds of a text: bytes of UTF-8, and nesting of arrays and objects. */
export interface JsonLimits {
  maxBytes?: number;
  maxDepth?: number;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;

/**
 * Parses one JSON text (RFC 8259) under the stricter rules of RFC 7493: members are unique, strings are well-formed
 * Unicode, numbers are finite; `__proto__` is no member name, and no byte order mark is skipped.
 *
 * The text is attacker-controlled: every refusal is a reason, never an exception. Defaults: 1 MiB, 64 levels.
 */
export function parseStrictJson(text: string | Uint8Array, limits: JsonLimits = {}): StrictJsonResult {
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
  const maxDepth = Math.min(limits.maxDepth ?? MAX_JSON_DEPTH, MAX_JSON_DEPTH);
  // A string's UTF-8 form is never shorter than its length, so the cheap check comes first.
  if (text.length > maxBytes || (typeof text === 'string' && Buffer.byteLength(text) > maxBytes)) {
    return { ok: false, reason: 'too_large', detail: `more than ${maxBytes} bytes` };
  }
  const decoded = typeof text === 'string' ? text : decodeUtf8(text);
  if (decoded === undefined) return { ok: false, reason: 'invalid_utf8' };
  try {
    return { ok: true, value: new Parser(decoded, maxDepth).parse() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.reason, detail: error.message };
    throw error;
  }
}

/**
 * Parses a text that must be exactly its own RFC 8785 form, so that a signed value has one serialisation.
 *
 * The text is attacker-controlled: every refusal is a reason, never an exception.
 */
export function parseCanonicalJson(text: string | Uint8Array, limits: JsonLimits = {}): CanonicalJsonResult {
  const parsed = parseStrictJson(text, limits);
  if (!parsed.ok) return parsed;
  const given = typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
  return canonicalJson(parsed.value) === given ? parsed : { ok: false, reason: 'not_canonical' };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A single JSON string token's value; JSON.parse refuses bad escapes and bare control characters. */
function unquote(token: string): string | undefined {
  try {
    return JSON.parse(token) as string;
  } catch {
    return undefined;
  }
}

class Refusal extends Error {
  constructor(
    readonly reason: StrictJsonReason,
    message: string,
  ) {
    super(message);
  }
}

const WHITESPACE = /[ \t\n\r]*/y;
/** A string with nothing in it that needs a closer look: no escape, no control character, no half of a surrogate pair. */
// eslint-disable-next-line no-control-regex -- control characters are exactly what is left to the closer look
const PLAIN_STRING = /"[^"\\\u0000-\u001f\ud800-\udfff]*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class Parser {
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  parse(): JsonValue {
    const value = this.value(0);
    this.skipWhitespace();
    if (this.#at !== this.text.length) this.fail('syntax', 'text after the value');
    return value;
  }

  private value(depth: number): JsonValue {
    this.skipWhitespace();
    switch (this.text[this.#at]) {
      case '{':
        return this.object(depth + 1);
      case '[':
        return this.array(depth + 1);
      case '"':
        return this.string();
      case 't':
        return this.literal('true', true);
      case 'f':
        return this.literal('false', false);
      case 'n':
        return this.literal('null', null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonValue {
    this.enter(depth);
    const members: { [name: string]: JsonValue } = {};
    if (this.accept('}')) return members;
    do {
      this.skipWhitespace();
      const name = this.string();
      if (name === '__proto__') this.fail('forbidden_member', name);
      if (Object.hasOwn(members, name)) this.fail('duplicate_member', name.slice(0, 64));
      if (!this.accept(':')) this.fail('syntax', 'expected ":"');
      members[name] = this.value(depth);
    } while (this.accept(','));
    if (!this.accept('}')) this.fail('syntax', 'expected "," or "}"');
    return members;
  }

  private array(depth: number): JsonValue {
    this.enter(depth);
    const elements: JsonValue[] = [];
    if (this.accept(']')) return elements;
    do elements.push(this.value(depth));
    while (this.accept(','));
    if (!this.accept(']')) this.fail('syntax', 'expected "," or "]"');
    return elements;
  }

  private string(): string {
    PLAIN_STRING.lastIndex = this.#at;
    if (PLAIN_STRING.test(this.text)) {
      const from = this.#at + 1;
      this.#at = PLAIN_STRING.lastIndex;
      return this.text.slice(from, this.#at - 1);
    }
    if (this.text[this.#at] !== '"') this.fail('syntax', 'expected a string');
    let end = this.#at + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    const value = unquote(this.text.slice(this.#at, end + 1));
    if (value === undefined) this.fail('syntax', 'malformed string');
    if (hasLoneSurrogate(value)) this.fail('lone_surrogate', 'string is not well-formed Unicode');
    this.#at = end + 1;
    return value;
  }

  private number(): number {
    NUMBER.lastIndex = this.#at;
    const token = NUMBER.exec(this.text)?.[0];
    if (token === undefined) this.fail('syntax', 'expected a value');
    const value = Number(token);
    if (!Number.isFinite(value)) this.fail('number_out_of_range', 'number exceeds IEEE 754 double precision');
    this.#at += token.length;
    return value;
  }

  private literal<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.#at)) this.fail('syntax', 'expected a value');
    this.#at += word.length;
    return value;
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth) this.fail('too_deep', `more than ${this.maxDepth} levels`);
    this.#at += 1;
  }

  private accept(character: string): boolean {
    this.skipWhitespace();
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  private skipWhitespace(): void {
    WHITESPACE.lastIndex = this.#at;
    WHITESPACE.test(this.text);
    this.#at = WHITESPACE.lastIndex;
  }

  private fail(reason: StrictJsonReason, message: string): never {
    throw new Refusal(reason, `${message} at offset ${this.#at}`);
  }
}
