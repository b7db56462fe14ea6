import { z } from 'zod';

import type { AccessPolicy } from './access/access-policy.js';
import { NEXT_READ_MS } from './reading.js';

/**
 * What reads of one policy have shown so far. An application's reads come from replicas that may be behind, and a PATCH made
 * from an old read would undo what another administrator has just done: so the same policy must be read twice, apart, and
 * nothing newer may have been seen before. Times are epoch ms.
 */
export const readsSchema = z.object({
  digest: z.string().nullable(),
  since: z.number(),
  newest: z.number(),
  count: z.number().int(),
});
export type Reads = z.output<typeof readsSchema>;
export const NO_READS: Reads = { digest: null, since: 0, newest: 0, count: 0 };

/** Reads that may disagree before the newest of them has to do. */
const ENOUGH = 12;
/** How far apart the two must lie. */
const APART_MS = NEXT_READ_MS - 100;

/** One more read. Pure. */
export function reads(before: Reads, policy: AccessPolicy, nowMs: number): Reads {
  const newest = Math.max(before.newest, policy.modified_at ?? 0);
  const isSame = before.digest === policy.digest;
  return { digest: policy.digest, since: isSame ? before.since : nowMs, newest, count: before.count + 1 };
}

/** Whether a write may be made from this read. A policy that never comes to rest must not keep anything from being ended. */
export function isSettled(seen: Reads, policy: AccessPolicy, nowMs: number): boolean {
  if ((policy.modified_at ?? 0) < seen.newest && seen.count < 2 * ENOUGH) return false;
  return nowMs - seen.since >= APART_MS || seen.count >= ENOUGH;
}
