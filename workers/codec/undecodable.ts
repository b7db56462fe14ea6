/**
 * Why a payload could not be read. From the codec: `not_encrypted` (plaintext is never passed through),
 * `unknown_encoding`, `unknown_key`, `truncated`, `tampered` (not made with that key, or changed), `too_large` (over
 * 2 MiB), `malformed` (decrypted, but no Payload). From the converter: `unknown_encoding`, `missing_encoding`,
 * `missing_data`, `invalid_json`.
 */
export type UndecodableReason =
  | 'not_encrypted'
  | 'unknown_encoding'
  | 'unknown_key'
  | 'truncated'
  | 'tampered'
  | 'too_large'
  | 'malformed'
  | 'missing_encoding'
  | 'missing_data'
  | 'invalid_json';

/** What stands in a workflow, activity or client for a payload that could not be read. */
export interface Undecodable {
  undecodable: true;
  reason: UndecodableReason;
}

/** The value for an unreadable payload. Throwing instead would fail the workflow task for ever. */
export function undecodable(reason: UndecodableReason): Undecodable {
  return { undecodable: true, reason };
}
