import { z } from 'zod';

import type { Attempt } from './attempt.js';
import type { GraphSession } from './wire/graph-session.js';
import { waitFor } from './wire/graph-error.js';
import { NEXT_READ_MS } from './reading.js';
import { sightingsSchema } from './tenant/newcomers.js';

/** So many reads that agree, one an attempt, make a grant seen: each replica answers for itself. */
const PRESENT_READS = 3;

/** What a verification hands on from attempt to attempt. */
export const agreeingReadsSchema = z.object({
  /** Times of the agreeing reads so far, epoch ms; emptied by one that disagrees. */
  present_at: z.array(z.number()).max(16),
  last_at: z.number().nullable(),
  sightings: sightingsSchema,
  client_request_ids: z.array(z.string()).max(64),
});
export type AgreeingReads = z.output<typeof agreeingReadsSchema>;
export const NOTHING_READ: AgreeingReads = { present_at: [], last_at: null, sightings: {}, client_request_ids: [] };

/** The ids of the calls so far, the latest 64. */
export const callsSoFar = (attempt: Attempt<AgreeingReads>, graph: GraphSession): string[] =>
  [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);

/**
 * Keeps what this read saw, at epoch ms `now`, and returns the times of those that agree. Throws, to be called again,
 * while they are too few.
 */
export function keepRead(
  attempt: Attempt<AgreeingReads>,
  graph: GraphSession,
  { present, sightings, now }: { present: boolean; sightings: AgreeingReads['sightings']; now: number },
): number[] {
  const present_at = present ? [...attempt.details.present_at, now].slice(-PRESENT_READS) : [];
  attempt.keep({ present_at, last_at: now, sightings, client_request_ids: callsSoFar(attempt, graph) });
  if (present_at.length < PRESENT_READS)
    throw waitFor('not_yet_agreed', `${present_at.length} of ${PRESENT_READS} agreeing reads`, NEXT_READ_MS);
  return present_at;
}
