import { MAX_ROWS, type PartSnapshot, type SnapshotPart } from '../domain/snapshot.js';
import { sha256Hex } from './canonical-json.js';

/** One row of a part: what names it, and everything of it that must not change. */
export interface SnapshotRow {
  readonly key: string;
  readonly said: string;
}

const MAX_KEY = 200;
/** A name that is too long, or would break the lines below, is told by its hash. */
const keyOf = (key: string): string => (key.length > MAX_KEY || key.includes('\n') ? `sha256:${sha256Hex(key)}` : key);

/** The snapshot of one part: `digest` is SHA-256 over `key SPACE row-digest LF`, sorted by bytes. */
export function snapshotPart(part: SnapshotPart, found: readonly SnapshotRow[]): PartSnapshot {
  const rows = found.map(({ key, said }): [string, string] => [keyOf(key), sha256Hex(said).slice(0, 16)]);
  rows.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1));
  const digest = sha256Hex(rows.map(([key, row]) => `${key} ${row}\n`).join(''));
  return { part, state: 'read', count: rows.length, digest, rows: rows.length > MAX_ROWS ? null : rows };
}
