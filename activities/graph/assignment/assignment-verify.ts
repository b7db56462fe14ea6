import { instant } from '../../../domain/identifiers.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { assignmentIntent } from './assignment-intent.js';
import { isHeldBy, readAssignments } from './assignments.js';
import { agreeingReadsSchema, callsSoFar, keepRead, NOTHING_READ } from '../agreeing-reads.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { certain, newcomersTo, sight } from '../tenant/newcomers.js';
import { judgeNewcomers, keepApart, readFailed, recognitionOf, verifiedOf } from '../reading.js';

/** Sees the assignment with the second identity: three agreeing reads, one an attempt, and what else has changed meanwhile. */
export function verifyAssignment(deps: GraphDeps): VerifierTasks['verify'] {
  return ({ signed, survey }) =>
    Attempt.run(agreeingReadsSchema, NOTHING_READ, async (attempt) => {
      requireAuthentic(signed, deps);
      const intent = assignmentIntent(signed.intent);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const read = await readAssignments(graph, intent.tuple);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const now = deps.clock.now();
      const newcomers = newcomersTo(survey, read.value);
      const ours = newcomers.find((held) => isHeldBy(held, intent.tuple));
      const sightings = sight(attempt.details.sightings, newcomers, now);
      const present_at = keepRead(attempt, graph, { present: ours !== undefined, sightings, now });
      const others = certain(sightings, newcomers).filter(({ key }) => key !== ours?.key);
      // What nobody can be named for yet is left to the watch, which comes next and has time.
      const about = { intent, by: recognitionOf(deps, intent), outOfPatience: () => false };
      const judged = await judgeNewcomers(graph, others, about);
      if (!judged.ok) throw readFailed(judged.failure, attempt);
      const { findings } = judged.value;
      const reads = present_at.map((at) => ({ at: instant(at), present: true }));
      const data = {
        reads,
        assignment_id: ours?.schedule_id,
        ends_at: null,
        findings,
        client_request_ids: callsSoFar(attempt, graph),
      };
      const receipt = receiptOf(deps, intent, { ...verifiedOf(intent), data });
      return { outcome: 'present', ends_at: null, findings, receipt };
    });
}
