import { z } from 'zod';
import { digestSchema } from './identifiers.js';

/** What a comparison before and after a ceremony for a tier-0 role covers, in a whole tenant. */
export const SNAPSHOT_PARTS = ['assignments', 'eligibilities', 'access_policies', 'applications'] as const;
export type SnapshotPart = (typeof SNAPSHOT_PARTS)[number];

/** Rows of one part that are kept by name, and how long a name may be: a snapshot travels in histories. */
export const MAX_ROWS = 250;
const MAX_KEY = 200;
/** 16 hex characters of a SHA-256: enough to see that a row is another. */
const rowDigestSchema = z.string().regex(/^[0-9a-f]{16}$/);

const readPartSchema = z.strictObject({
  part: z.enum(SNAPSHOT_PARTS),
  state: z.literal('read'),
  count: z.number().int().min(0),
  /** Of all rows, whatever their order. */
  digest: digestSchema,
  /** Key and digest of each row, by key; null where there are too many to name, and only the whole can be compared. */
  rows: z
    .array(z.tuple([z.string().max(MAX_KEY), rowDigestSchema]))
    .max(MAX_ROWS)
    .nullable(),
});
/** A part that could not be read: nothing is known of it, which is not the same as that nothing is there. */
const unreadPartSchema = z.strictObject({
  part: z.enum(SNAPSHOT_PARTS),
  state: z.literal('unreadable'),
  code: z.string().max(100),
});
export const snapshotPartSchema = z.discriminatedUnion('state', [readPartSchema, unreadPartSchema]);
export type PartSnapshot = z.output<typeof snapshotPartSchema>;
type ReadPart = z.output<typeof readPartSchema>;

export const snapshotSchema = z.array(snapshotPartSchema).max(SNAPSHOT_PARTS.length);
export type Snapshot = z.output<typeof snapshotSchema>;

/** One thing that is not as it was. `key` is null where only the whole part could be compared. */
export interface Difference {
  readonly part: SnapshotPart;
  readonly key: string | null;
  readonly change: 'added' | 'removed' | 'changed';
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Parts that were not read both before and after, with why. */
  readonly not_compared: readonly { readonly part: SnapshotPart; readonly code: string }[];
}

/** What is different after from before. A part that is missing on either side is not compared; it is never taken for empty. */
export function compareSnapshots(before: Snapshot, after: Snapshot): Comparison {
  const differences: Difference[] = [];
  const not_compared: { part: SnapshotPart; code: string }[] = [];
  for (const part of SNAPSHOT_PARTS) {
    const [was, is] = [before, after].map((snapshot) => snapshot.find((one) => one.part === part));
    const unread = [was, is].find((one) => one?.state !== 'read');
    if (was?.state === 'read' && is?.state === 'read') differences.push(...differencesOf(was, is));
    else not_compared.push({ part, code: unread?.state === 'unreadable' ? unread.code : 'not_read' });
  }
  return { differences, not_compared };
}

function differencesOf(was: ReadPart, is: ReadPart): Difference[] {
  if (was.digest === is.digest) return [];
  const { part } = is;
  if (was.rows === null || is.rows === null) {
    const change = is.count > was.count ? 'added' : is.count < was.count ? 'removed' : 'changed';
    return [{ part, key: null, change }];
  }
  const [before, after] = [new Map(was.rows), new Map(is.rows)];
  const found: Difference[] = [];
  for (const [key, digest] of after)
    if (!before.has(key)) found.push({ part, key, change: 'added' });
    else if (before.get(key) !== digest) found.push({ part, key, change: 'changed' });
  for (const key of before.keys()) if (!after.has(key)) found.push({ part, key, change: 'removed' });
  // Digests that differ over rows that do not: two rows had one key. Something is different all the same.
  return found.length > 0 ? found : [{ part, key: null, change: 'changed' }];
}

/** `assignments: added a|b|/|c`, for people. */
export const differenceText = ({ part, key, change }: Difference): string =>
  `${part}: ${key === null ? `${change}, too many to name` : `${change} ${key}`}`;
