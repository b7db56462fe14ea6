import { instant } from '../../../domain/identifiers.js';
import type { IntentOf } from '../../../domain/intent.js';
import type { SweepFinding, SweepOutcome } from '../../../domain/sweep.js';
import { toldPolicy } from '../../graph/access/access-deps.js';
import { accessOf } from '../../graph/access/access-intent.js';
import { ACCESS_POLICIES, readAccessPolicy } from '../../graph/access/access-policy.js';
import { assignmentPath, readStanding } from '../../graph/assignment/assignments.js';
import { NEXT_READ_MS } from '../../graph/reading.js';
import { isSettled, NO_READS, reads } from '../../graph/settled-read.js';
import { endInRounds, left, type Tried } from '../end-rounds.js';
import { codeOf } from '../look.js';
import type { UnmarkedIntent } from './unmarked-change.js';
import type { UnmarkedSweep } from './unmarked-sweep.js';

/** What is past its time, and as whose it was judged. */
export interface UnmarkedDue {
  readonly intent: UnmarkedIntent;
  readonly finding: SweepFinding;
}

/** Takes back one change that the audit log says is ours, and reads until it is known to be gone. */
export async function endUnmarked(sweep: UnmarkedSweep, due: UnmarkedDue): Promise<SweepOutcome> {
  const { deps, graph, patience } = sweep;
  const { intent, finding } = due;
  if (deps.protectedIds.has(intent.tuple.principal_id)) return left({ end: 'standing', code: 'protected_principal' });
  if (deps.protectedIds.has(finding.role_template_id)) return left({ end: 'standing', code: 'protected_policy' });
  const how =
    intent.kind === 'entra.role_assignment' ? assignmentEnding(sweep, intent, finding) : accessEnding(sweep, intent);
  return endInRounds({ deps, graph, patience, ...how, receipt: (data) => receiptOf(sweep, due, data) });
}

interface How {
  tryOnce: () => Promise<Tried>;
  mayStand: () => Promise<boolean | string>;
}

function assignmentEnding(
  { graph, patience }: UnmarkedSweep,
  { tuple }: IntentOf<'entra.role_assignment'>,
  { schedule_id }: SweepFinding,
): How {
  const read = () => patience.ask(() => readStanding(graph, tuple));
  return {
    tryOnce: async () => {
      const standing = await read();
      if (!standing.ok) return { kind: 'left', end: 'unknown', code: codeOf(standing.failure) };
      if (standing.value === null) return { kind: 'removed', word: 'gone', how: { removal: 'seen' }, seen: true };
      const { id } = standing.value;
      if (id !== schedule_id) return { kind: 'left', end: 'ended_otherwise', code: 'another_assignment' };
      patience.signal.throwIfAborted();
      const answer = await graph.remove(assignmentPath(id));
      if (answer.ok) return { kind: 'removed', word: 'revoked', how: { assignment_id: id }, seen: true };
      if (answer.failure.kind !== 'not_found') return { kind: 'failed', failure: answer.failure };
      return { kind: 'removed', word: 'gone', how: { removal: 'did_not_exist' }, seen: true };
    },
    mayStand: async () => {
      const standing = await read();
      return standing.ok ? standing.value !== null : codeOf(standing.failure);
    },
  };
}

function accessEnding({ graph, patience, deps }: UnmarkedSweep, intent: UnmarkedIntent): How {
  const { tuple, toggle } = accessOf(intent);
  const read = () => patience.ask(() => readAccessPolicy(graph, tuple.policy_id));
  return {
    tryOnce: async () => {
      // As the ceremony does it: from a policy that has come to rest, all that stands but ours.
      for (let seen = NO_READS; ;) {
        const policy = await read();
        if (!policy.ok) {
          if (policy.failure.kind !== 'not_found')
            return { kind: 'left', end: 'unknown', code: codeOf(policy.failure) };
          return { kind: 'removed', word: 'gone', how: { removal: 'policy_deleted' }, seen: true };
        }
        if (!toggle.stands(policy.value))
          return { kind: 'removed', word: 'gone', how: { removal: 'seen' }, seen: true };
        const now = deps.clock.now();
        seen = reads(seen, policy.value, now);
        if (!isSettled(seen, policy.value, now)) {
          if (await patience.wait(NEXT_READ_MS)) continue;
          return { kind: 'left', end: 'standing', code: 'out_of_time' };
        }
        patience.signal.throwIfAborted();
        const path = `${ACCESS_POLICIES}/${encodeURIComponent(tuple.policy_id)}`;
        const answer = await graph.amend(path, toggle.undo(policy.value));
        if (!answer.ok) return { kind: 'failed', failure: answer.failure };
        return { kind: 'removed', word: 'revoked', how: { policy_before: toldPolicy(policy.value) }, seen: true };
      }
    },
    mayStand: async () => {
      const policy = await read();
      if (policy.ok) return toggle.stands(policy.value);
      return policy.failure.kind === 'not_found' ? false : codeOf(policy.failure);
    },
  };
}

/** The sweeper's word for the event's ledger: under which intent, whose hand it was, what it called and read afterwards. */
function receiptOf(sweep: UnmarkedSweep, { intent, finding }: UnmarkedDue, data: Record<string, unknown>) {
  const { deps, graph, unmarked } = sweep;
  if (deps.signer === null) return null;
  const { event_id, kind, tuple, deadline, round } = intent;
  const told = { ended_by: 'sweep', application_id: unmarked.access.applicationId(tuple.tenant_id) };
  const graph_now = graph.serviceTime === null ? null : instant(graph.serviceTime);
  const grant = { kind, tuple: { ...tuple }, deadline, round, made_by: finding.made_by, provider_ends_at: null };
  return deps.signer.entry({
    schema: 'reseal.entry.v1',
    event_id,
    transition: `swept/${finding.schedule_id.slice(0, 100)}`,
    type: 'swept',
    at: instant(deps.clock.now()),
    data: { ...told, ...grant, graph_now, ...data },
  });
}
