import { linesOf } from './lines.js';
import { parseStrictJson } from './strict-json.js';
import {
  readSentinelLine,
  type SentinelKey,
  type SentinelLine,
  type SentinelLineCode,
} from './sentinel-signed-entry.js';

/** A line that is no history, by its number from 1. */
export interface RefusedLine {
  line: number;
  code: SentinelLineCode;
  message: string;
}

/** A verified line and its number from 1. */
export interface NumberedLine extends SentinelLine {
  number: number;
}

/** Every line of a file of Sentinel's: those that verify, and those that do not. */
export interface SentinelFile {
  lines: NumberedLine[];
  refused: RefusedLine[];
}

/**
 * Verifies a file of Sentinel's signed audit log, a line at a time. With `key_id`, lines by another key id are refused.
 *
 * The bytes are attacker-controlled: never throws. A break-glass event as plain JSON, on however many lines, is refused
 * once, as what it is: nothing signs it.
 */
export function readSentinelFile(bytes: Uint8Array, key: SentinelKey): SentinelFile {
  if (isPlainEvent(bytes)) {
    const message = 'it is a JSON document that nothing signs: only lines of the signed log are history';
    return { lines: [], refused: [{ line: 1, code: 'unsigned', message }] };
  }
  const file: SentinelFile = { lines: [], refused: [] };
  const secretOf = (keyId: string): Uint8Array | undefined =>
    key.key_id === undefined || key.key_id === keyId ? key.secret : undefined;
  let number = 0;
  for (const line of linesOf(bytes)) {
    number += 1;
    const verdict = readSentinelLine(line, secretOf);
    if (verdict.ok) file.lines.push({ number, ...verdict.line });
    else file.refused.push({ line: number, code: verdict.code, message: verdict.message });
  }
  return file;
}

/** One JSON text over several lines: no log has one. */
function isPlainEvent(bytes: Uint8Array): boolean {
  if (bytes.indexOf(0x0a) < 0 || bytes[0] !== 0x7b || bytes[1] !== 0x0a) return false;
  return parseStrictJson(bytes).ok;
}
