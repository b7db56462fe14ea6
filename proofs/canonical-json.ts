import { createHash } from 'node:crypto';

import canonicalize from 'canonicalize';

/** Deepest nesting of arrays and objects that is hashed or parsed anywhere. */
export const MAX_JSON_DEPTH = 64;

/** Why a value has no RFC 8785 form. */
export type CanonicalJsonErrorCode =
  'not_json_value' | 'number_not_finite' | 'lone_surrogate' | 'value_too_deep' | 'value_cyclic';

/** Thrown by {@link canonicalJson}: the caller passed something that cannot be signed without loss. */
export class CanonicalJsonError extends Error {
  constructor(
    readonly code: CanonicalJsonErrorCode,
    /** RFC 6901 pointer of the offending value. */
    readonly pointer: string,
  ) {
    super(`no canonical JSON form at "${pointer}": ${code}`);
    this.name = 'CanonicalJsonError';
  }
}

/** Whether a string has a UTF-8 form: RFC 8785 §3.2.2.2 refuses the others. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/**
 * The RFC 8785 form of a value.
 *
 * What JSON would drop or change silently is refused instead: `undefined` (also as a member or an array element),
 * functions, symbols, bigints, `NaN`, infinities, class instances, anything with `toJSON`, lone surrogates, cycles.
 *
 * @throws {CanonicalJsonError} when the value has no exact JSON form.
 */
export function canonicalJson(value: unknown): string {
  assertJsonValue(value, '', 0, new Set());
  const text = canonicalize(value);
  if (text === undefined) throw new CanonicalJsonError('not_json_value', '');
  return text;
}

/** Lower-case hex SHA-256 of bytes, or of a string's UTF-8 form. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Lower-case hex SHA-256 of the value's RFC 8785 form: the digest of a request, a policy or a statement.
 *
 * @throws {CanonicalJsonError} when the value has no exact JSON form.
 */
export function digestOf(value: unknown): string {
  return sha256Hex(canonicalJson(value));
}

/**
 * The same digest written `b64u:` followed by unpadded base64url (RFC 4648 §5): the form of a contract hash.
 *
 * @throws {CanonicalJsonError} when the value has no exact JSON form.
 */
export function b64uSha256(value: unknown): string {
  return `b64u:${createHash('sha256').update(canonicalJson(value)).digest('base64url')}`;
}

function assertJsonValue(value: unknown, pointer: string, depth: number, ancestors: Set<object>): void {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new CanonicalJsonError('number_not_finite', pointer);
      return;
    case 'string':
      if (hasLoneSurrogate(value)) throw new CanonicalJsonError('lone_surrogate', pointer);
      return;
    case 'object':
      if (value !== null) assertJsonContainer(value, pointer, depth, ancestors);
      return;
    default:
      throw new CanonicalJsonError('not_json_value', pointer);
  }
}

function assertJsonContainer(value: object, pointer: string, depth: number, ancestors: Set<object>): void {
  if (ancestors.has(value)) throw new CanonicalJsonError('value_cyclic', pointer);
  if (depth >= MAX_JSON_DEPTH) throw new CanonicalJsonError('value_too_deep', pointer);
  if ('toJSON' in value && typeof value.toJSON === 'function') throw new CanonicalJsonError('not_json_value', pointer);
  ancestors.add(value);
  if (Array.isArray(value)) {
    // An index loop also visits holes, which forEach would skip.
    for (let index = 0; index < value.length; index += 1) {
      assertJsonValue(value[index], `${pointer}/${index}`, depth + 1, ancestors);
    }
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw new CanonicalJsonError('not_json_value', pointer);
    for (const [name, member] of Object.entries(value)) {
      const memberPointer = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (hasLoneSurrogate(name)) throw new CanonicalJsonError('lone_surrogate', pointer);
      assertJsonValue(member, memberPointer, depth + 1, ancestors);
    }
  }
  ancestors.delete(value);
}
