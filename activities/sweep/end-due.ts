import { epochMs, instant } from '../../domain/identifiers.js';
import { SWEEP_SLACK_MS, type SweepOutcome } from '../../domain/sweep.js';
import { removeOwn } from '../graph/pim/remove-own.js';
import { pimFamily, pimTuple } from '../graph/pim/pim-family.js';
import type { ScheduleRequest } from '../graph/pim/pim-wire.js';
import { historyOf, markedDeadline, markerOf, scheduleOf } from '../graph/pim/tuple-history.js';
import { mayStand } from './absence.js';
import { endInRounds, left, type Stop, type Tried } from './end-rounds.js';
import type { Judged } from './judge.js';
import { codeOf } from './look.js';
import type { TenantSweep } from './tenant-sweep.js';

/**
 * Ends one assignment that is past its time, and reads until it is known to be over. Nothing is removed that a fresh read
 * does not still show to be this grant of ours.
 */
export async function endDue(sweep: TenantSweep, due: Judged): Promise<SweepOutcome> {
  const { deps, graph, patience } = sweep;
  if (deps.protectedIds.has(due.tuple.principal_id)) return left({ end: 'standing', code: 'protected_principal' });
  return endInRounds({
    deps,
    graph,
    patience,
    tryOnce: (evenIfRemoved) => removeOnce(sweep, due, evenIfRemoved),
    mayStand: () => mayStand(sweep, due.tuple),
    receipt: (data) => receiptOf(sweep, due, data),
  });
}

/** Looks again at this tuple alone, and calls for the removal if it is still this grant that stands. */
async function removeOnce(sweep: TenantSweep, due: Judged, evenIfRemoved: boolean): Promise<Tried> {
  const { graph, patience, deps, about } = sweep;
  const { tuple, finding } = due;
  const pim = pimFamily(tuple);
  const query = { $filter: pim.ofTuple(pimTuple(tuple)) };
  const [requests, instances] = await Promise.all([
    patience.ask(() => graph.readAll(pim.requests, pim.requestSchema, query)),
    patience.ask(() => graph.readAll(pim.instances, pim.instanceSchema, query)),
  ]);
  const standing = instances.ok ? instances.value : [];
  const stop = (end: Stop['end'], code: string): Tried => ({ kind: 'left', end, code });
  if (!requests.ok) return stop('unknown', codeOf(requests.failure));
  const granted = { tuple, event_id: finding.event_id ?? '', deadline: finding.deadline ?? '' };
  // A filtered list has been seen to miss requests: what the whole list showed counts too.
  const known = merged(requests.value, due.requests);
  const { by, nowMs } = about(pim);
  const history = historyOf(known, granted, by);
  const { grant } = history;
  if (grant === undefined) return stop('unknown', 'request_not_visible');
  if (known.some((request) => isSuccessor(request, sweep, due))) return stop('ended_otherwise', 'another_ceremony');
  // Extended since it was looked at: it has more time.
  if (epochMs(markedDeadline(history, granted, by)) + SWEEP_SLACK_MS > nowMs)
    return stop('ended_otherwise', 'extended');
  const ours = standing.some((instance) => instance.roleAssignmentScheduleId === scheduleOf(grant));
  const shown = evenIfRemoved && ours ? { ...history, removed: undefined, remover: undefined } : history;
  const justification = `Reseal's sweep ends break-glass ${granted.event_id}, due ${granted.deadline}`;
  const own = { granted, grant, history: shown, standing, justification };
  const beforeWrite = (): void => patience.signal.throwIfAborted();
  const removal = await removeOwn(graph, { ...own, beforeWrite }, deps.clock.now());
  if (removal.kind === 'removed' && removal.how['taken_by'] !== undefined) return stop('ended_otherwise', 'taken_over');
  if (removal.kind === 'removed' && removal.how['replaced_outside_pim_by'] !== undefined)
    return stop('ended_otherwise', 'replaced_outside_pim');
  if (removal.kind === 'too_short')
    return { kind: 'left', end: 'standing', code: 'too_short', retryAtMs: removal.retryAtMs };
  return removal.kind === 'removed' ? { ...removal, seen: ours || finding.standing } : removal;
}

/** Another ceremony's grant of the same tuple, whose time is not over: Graph's removal would address it. */
function isSuccessor(request: ScheduleRequest, { about, deps }: TenantSweep, { finding, tuple }: Judged): boolean {
  if (request.action !== 'adminAssign') return false;
  const { by, nowMs } = about(pimFamily(tuple));
  const marker = markerOf(request, tuple, deps.authorityKeys);
  const creator = request.createdBy?.application?.id ?? '';
  if (!marker.ok || !by.writerIds.has(creator)) return false;
  return marker.marked.event_id !== finding.event_id && epochMs(marker.marked.deadline) > nowMs;
}

function merged(fresh: readonly ScheduleRequest[], earlier: readonly ScheduleRequest[]): ScheduleRequest[] {
  const ids = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...earlier.filter(({ id }) => !ids.has(id))];
}

/** The sweeper's word for the event's ledger: that it was the sweep, what it called, and what it read afterwards. */
function receiptOf({ deps, graph, about }: TenantSweep, { finding, tuple }: Judged, data: Record<string, unknown>) {
  if (deps.signer === null || finding.event_id === null) return null;
  const { deadline, request_id, provider_ends_at } = finding;
  const told = { ended_by: 'sweep', application_id: deps.access.applicationId(tuple.tenant_id) };
  const graph_now = graph.serviceTime === null ? null : instant(about(pimFamily(tuple)).nowMs);
  const kind = finding.kind === undefined ? {} : { kind: finding.kind };
  const grant = { ...kind, tuple: { ...tuple }, deadline, provider_request_id: request_id, provider_ends_at };
  return deps.signer.entry({
    schema: 'reseal.entry.v1',
    event_id: finding.event_id,
    transition: `swept/${(request_id ?? finding.schedule_id).slice(0, 100)}`,
    type: 'swept',
    at: instant(deps.clock.now()),
    data: { ...told, ...grant, graph_now, ...data },
  });
}
