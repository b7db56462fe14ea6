import { z } from 'zod';

import type { GraphFailure } from '../wire/graph-error.js';
import type { GraphSession } from '../wire/graph-session.js';
import { meaningOf } from './pim-status.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { isPim } from './pim-wire.js';
import type { Instance, ScheduleRequest } from './pim-wire.js';
import { creatorOf, scheduleOf, type Granted, type TupleHistory } from './tuple-history.js';

/** Graph removes nothing in an assignment's first five minutes; a few seconds more were needed in practice. */
const FLOOR_MS = 305_000;

/**
 * What one try to remove an assignment of ours came to. `removed`: the provider's word that it is over, and how it is known;
 * `too_short`: Graph's floor, until then; `again`: undecided, look again soon; `failed`: the call failed.
 */
export type Removal =
  | { kind: 'removed'; word: 'revoked' | 'gone'; how: Record<string, unknown> }
  | { kind: 'too_short'; retryAtMs: number }
  | { kind: 'again'; code: string; message: string }
  | { kind: 'failed'; failure: GraphFailure };

/** What is to be removed, and what was read of it just before. */
export interface OwnAssignment {
  readonly granted: Granted;
  readonly grant: ScheduleRequest;
  readonly history: Pick<TupleHistory, 'removed' | 'remover' | 'taken'>;
  /** What stands for the tuple; empty also where that could not be read. */
  readonly standing: readonly Instance[];
  /** Told to the directory's audit log with the removal. */
  readonly justification: string;
  /** Called right before the one write: throws where it must not be made any more. */
  readonly beforeWrite?: () => void;
}

/**
 * Removes one assignment of ours, and nothing else: Graph's adminRemove addresses the tuple, so what was read must not say
 * that another's stands there. One POST at most. For the ceremony's own rollback and for the sweep.
 */
export async function removeOwn(graph: GraphSession, own: OwnAssignment, nowMs: number): Promise<Removal> {
  const { grant, standing } = own;
  const { removed, remover, taken } = own.history;
  if (removed !== undefined) {
    const how = { removal: 'seen', removed_by: remover ?? null };
    return { kind: 'removed', word: removed, how };
  }
  if (taken !== undefined) return gone({ taken_by: creatorOf(taken) ?? null });
  // Ours was ended by the provider, or outside PIM, and somebody gave the role again outside PIM, of which its requests do
  // not tell. Another's made through PIM is `taken` above.
  const [other] = standing;
  if (other !== undefined && !standing.some(isPim)) return gone({ replaced_outside_pim_by: other.id });
  own.beforeWrite?.();
  const pim = pimFamily(own.granted.tuple);
  const answer = await graph.write(pim.requests, bodyOf(own), pim.requestSchema);
  if (answer.ok) {
    if (meaningOf(answer.value.status) === 'revoked')
      return { kind: 'removed', word: 'revoked', how: { removal_request_id: answer.value.id } };
    return { kind: 'again', code: 'removal_undecided', message: `status ${answer.value.status ?? 'absent'}` };
  }
  switch (answer.failure.kind) {
    case 'too_short':
      return { kind: 'too_short', retryAtMs: floorOf(grant, nowMs) };
    case 'does_not_exist':
      return checkGone(graph, own);
    case 'pending':
      return cancel(graph, own, answer.failure);
    default:
      return { kind: 'failed', failure: answer.failure };
  }
}

const gone = (how: Record<string, unknown>): Removal => ({ kind: 'removed', word: 'gone', how });

/** "Does not exist" is also said of a removal that was carried out a moment ago, and of one that was never needed. */
async function checkGone(graph: GraphSession, { granted, grant }: OwnAssignment): Promise<Removal> {
  const pim = pimFamily(granted.tuple);
  const query = { $filter: pim.ofTuple(pimTuple(granted.tuple)) };
  const instances = await graph.readAll(pim.instances, pim.instanceSchema, query);
  if (!instances.ok) return { kind: 'failed', failure: instances.failure };
  if (!instances.value.some((instance) => instance.roleAssignmentScheduleId === scheduleOf(grant)))
    return gone({ removal: 'did_not_exist' });
  const message = 'the provider says it does not exist, and still shows it';
  return { kind: 'again', code: 'removal_not_seen', message };
}

/** A grant that has not begun cannot be removed, only cancelled (204); one that is being carried out, neither. */
async function cancel(graph: GraphSession, { granted, grant }: OwnAssignment, failure: GraphFailure): Promise<Removal> {
  if (meaningOf(grant.status) !== 'undecided') return { kind: 'failed', failure };
  const answer = await graph.write(
    `${pimFamily(granted.tuple).requests}/${encodeURIComponent(grant.id)}/cancel`,
    {},
    z.unknown(),
  );
  if (answer.ok) return { kind: 'removed', word: 'revoked', how: { removal: 'cancelled' } };
  return { kind: 'failed', failure: answer.failure };
}

/** When the floor is over, epoch ms; a minute from now where Graph does not say when it began. */
function floorOf(grant: ScheduleRequest, nowMs: number): number {
  const start = Date.parse(grant.scheduleInfo?.startDateTime ?? grant.createdDateTime ?? '');
  const floor = Number.isNaN(start) ? 0 : start + FLOOR_MS;
  return floor > nowMs ? floor : nowMs + 60_000;
}

function bodyOf({ granted, grant, justification }: OwnAssignment): object {
  return {
    action: 'adminRemove',
    ...pimFamily(granted.tuple).bodyOf(pimTuple(granted.tuple)),
    justification,
    ticketInfo: {
      ticketNumber: grant.ticketInfo?.ticketNumber ?? null,
      ticketSystem: grant.ticketInfo?.ticketSystem ?? null,
    },
  };
}
