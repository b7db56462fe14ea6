import { epochMs, instant } from '../../../domain/identifiers.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { agreeingReadsSchema, callsSoFar, keepRead, NOTHING_READ } from '../agreeing-reads.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { readHoldings } from './holdings.js';
import { certain, newcomersTo, sight } from '../tenant/newcomers.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { judgeNewcomers, keepApart, NEXT_READ_MS, readFailed, recognitionOf, verifiedOf } from '../reading.js';
import { historyOf, scheduleOf } from './tuple-history.js';

/** Sees the grant with the second identity: three agreeing reads, one an attempt, and what else has changed meanwhile. */
export function verifyGrant(deps: GraphDeps): VerifierTasks['verify'] {
  return ({ signed, survey }) =>
    Attempt.run(agreeingReadsSchema, NOTHING_READ, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      const tuple = pimTuple(intent.tuple);
      const pim = pimFamily(intent.tuple);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, tuple.tenant_id, attempt);
      const by = recognitionOf(deps, intent);
      const read = await readHoldings(graph, intent.tuple);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const now = deps.clock.now();
      const newcomers = newcomersTo(survey, read.value);
      const ours = newcomers.filter(
        ({ kind, principal_id, role_template_id, directory_scope_id, ends }) =>
          kind === 'pim' &&
          principal_id === tuple.principal_id &&
          role_template_id === tuple.role_template_id &&
          directory_scope_id === tuple.directory_scope_id &&
          // A read of before the extension is not one of it.
          (intent.round === 1 || endsAsLateAs(ends, intent.dead_man)),
      );
      const sightings = sight(attempt.details.sightings, newcomers, now);
      const present_at = keepRead(attempt, graph, { present: ours.length > 0, sightings, now });
      const query = { $filter: pim.ofTuple(tuple) };
      const requests = await graph.readAll(pim.requests, pim.requestSchema, query);
      if (!requests.ok) throw readFailed(requests.failure, attempt);
      const { grant } = historyOf(requests.value, intent, by);
      const seen = grant && ours.find(({ schedule_id }) => schedule_id === scheduleOf(grant));
      if (grant === undefined || seen === undefined)
        throw waitFor('not_attributed', 'an assignment stands, and none of our requests explains it yet', NEXT_READ_MS);
      const others = certain(sightings, newcomers).filter(({ key }) => key !== seen.key);
      // What nobody can be named for yet is left to the watch, which comes next and has time.
      const judged = await judgeNewcomers(graph, others, { intent, by, outOfPatience: () => false });
      if (!judged.ok) throw readFailed(judged.failure, attempt);
      const { findings } = judged.value;
      const ends_at = seen.ends === null || Number.isNaN(Date.parse(seen.ends)) ? null : instant(epochMs(seen.ends));
      const data = {
        reads: present_at.map((at) => ({ at: instant(at), present: true })),
        provider_request_id: grant.id,
        schedule_id: seen.schedule_id,
        ends_at,
        findings,
        client_request_ids: callsSoFar(attempt, graph),
      };
      const receipt = receiptOf(deps, intent, { ...verifiedOf(intent), data });
      return { outcome: 'present', ends_at, findings, receipt };
    });
}

/** Whether the provider ends it no sooner than this; within a second, to which services round. */
const endsAsLateAs = (ends: string | null, deadMan: string | null): boolean =>
  ends === null || deadMan === null || !(epochMs(ends) < epochMs(deadMan) - 1000);
