import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { assignmentIntent } from './assignment-intent.js';
import { isHeldBy, readAssignments } from './assignments.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { certain, newcomersTo, sight, sightingsSchema } from '../tenant/newcomers.js';
import { judgeNewcomers, keepApart, NEXT_READ_MS, readFailed, recognitionOf, verifiedOf } from '../reading.js';

const PRESENT_READS = 3;

const progressSchema = z.object({
  /** Times of the agreeing reads so far, epoch ms; emptied by one that disagrees. */
  present_at: z.array(z.number()).max(16),
  last_at: z.number().nullable(),
  sightings: sightingsSchema,
  client_request_ids: z.array(z.string()).max(64),
});

/** Sees the assignment with the second identity: three agreeing reads, one an attempt, and what else has changed meanwhile. */
export function verifyAssignment(deps: GraphDeps): VerifierTasks['verify'] {
  const nothing = { present_at: [], last_at: null, sightings: {}, client_request_ids: [] };
  return ({ signed, survey }) =>
    Attempt.run(progressSchema, nothing, async (attempt) => {
      requireAuthentic(signed, deps);
      const intent = assignmentIntent(signed.intent);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const read = await readAssignments(graph, intent.tuple);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const now = deps.clock.now();
      const newcomers = newcomersTo(survey, read.value);
      const ours = newcomers.find((held) => isHeldBy(held, intent.tuple));
      const sightings = sight(attempt.details.sightings, newcomers, now);
      const present_at = ours === undefined ? [] : [...attempt.details.present_at, now].slice(-PRESENT_READS);
      attempt.keep({ present_at, last_at: now, sightings, client_request_ids: ids() });
      if (ours === undefined || present_at.length < PRESENT_READS)
        throw waitFor('not_yet_agreed', `${present_at.length} of ${PRESENT_READS} agreeing reads`, NEXT_READ_MS);
      const others = certain(sightings, newcomers).filter(({ key }) => key !== ours.key);
      // What nobody can be named for yet is left to the watch, which comes next and has time.
      const about = { intent, by: recognitionOf(deps, intent), outOfPatience: () => false };
      const judged = await judgeNewcomers(graph, others, about);
      if (!judged.ok) throw readFailed(judged.failure, attempt);
      const { findings } = judged.value;
      const reads = present_at.map((at) => ({ at: instant(at), present: true }));
      const data = { reads, assignment_id: ours.schedule_id, ends_at: null, findings, client_request_ids: ids() };
      const receipt = receiptOf(deps, intent, { ...verifiedOf(intent), data });
      return { outcome: 'present', ends_at: null, findings, receipt };
    });
}
