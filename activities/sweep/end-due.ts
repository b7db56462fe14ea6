import { epochMs, instant } from '../../domain/identifiers.js';
import { SWEEP_SLACK_MS, type SweepOutcome } from '../../domain/sweep.js';
import { removeOwn, type Removal } from '../graph/pim/remove-own.js';
import { pimFamily, pimTuple } from '../graph/pim/pim-family.js';
import type { ScheduleRequest } from '../graph/pim/pim-wire.js';
import { backoffMs } from '../graph/wire/graph-error.js';
import { historyOf, markedDeadline, markerOf, scheduleOf } from '../graph/pim/tuple-history.js';
import { mayStand, readUntilAgreed } from './absence.js';
import type { Judged } from './judge.js';
import { codeOf } from './look.js';
import type { TenantSweep } from './tenant-sweep.js';

/** Removals in one sweep: a second and third where reads go on showing it. */
const ROUNDS = 3;
/** Tries at one removal that the provider puts off, throttles or leaves unanswered. */
const TRIES = 5;
const AGAIN_MS = 5_000;

type Attempted =
  | { kind: 'removed'; word: 'revoked' | 'gone'; how: Record<string, unknown>; seen: boolean }
  | { kind: 'left'; end: 'standing' | 'unknown' | 'ended_otherwise'; code: string; retryAtMs?: number };

/**
 * Ends one assignment that is past its time, and reads until it is known to be over. Nothing is removed that a fresh read
 * does not still show to be this grant of ours. Idempotent: beside the ceremony's own rollback, or beside another sweep,
 * whoever comes second finds it done.
 */
export async function endDue(sweep: TenantSweep, due: Judged): Promise<SweepOutcome> {
  const { deps } = sweep;
  if (deps.protectedIds.has(due.tuple.principal_id)) return left({ end: 'standing', code: 'protected_principal' });
  let evenIfRemoved = false;
  for (let round = 1; ; round += 1) {
    const began = sweep.graph.clientRequestIds.length;
    const removal = await remove(sweep, due, evenIfRemoved);
    if (removal.kind === 'left') return left(removal);
    const accepted_at = instant(deps.clock.now());
    const absence = await readUntilAgreed(sweep, () => mayStand(sweep, due.tuple));
    const byUs = removal.how['removal'] !== 'seen' && removal.word === 'revoked';
    const code = codeOfRemoval(removal);
    if (absence.state === 'present' && round < ROUNDS) {
      // The word for removed was about something earlier, or was not kept.
      evenIfRemoved = true;
      continue;
    }
    const none = { accepted_at, observed_at: null, confirmed_at: null, retry_at: null, receipt: null };
    if (absence.state === 'present') return { ...none, end: 'standing', code: 'still_shown' };
    if (absence.state === 'unknown') return { ...none, end: 'unknown', code: absence.code };
    const { observed_at, confirmed_at, reads } = absence;
    const otherwise = removal.how['removal'] === 'seen';
    const end = byUs && removal.seen ? 'confirmed' : otherwise ? 'ended_otherwise' : 'observed';
    const times = { accepted_at, observed_at, confirmed_at: end === 'confirmed' ? confirmed_at : null };
    const calls = sweep.graph.clientRequestIds.slice(began).slice(-64);
    const receipt = otherwise
      ? null
      : receiptOf(sweep, due, { ...removal.how, end, word: removal.word, ...times, reads, client_request_ids: calls });
    return { end, code, ...times, retry_at: null, receipt };
  }
}

/** One removal, tried until the provider decides or the sweep has no more time for it. */
async function remove(sweep: TenantSweep, due: Judged, evenIfRemoved: boolean): Promise<Attempted> {
  const { patience } = sweep;
  for (let tried = 1; ; tried += 1) {
    const { removal, seen } = await removeOnce(sweep, due, evenIfRemoved);
    if ('end' in removal) return { kind: 'left', ...removal };
    switch (removal.kind) {
      case 'removed':
        return { kind: 'removed', word: removal.word, how: removal.how, seen };
      case 'too_short':
        return { kind: 'left', end: 'standing', code: 'too_short', retryAtMs: removal.retryAtMs };
      case 'again':
        if (tried < TRIES && (await patience.wait(AGAIN_MS))) break;
        return { kind: 'left', end: 'standing', code: removal.code };
      case 'failed': {
        const code = codeOf(removal.failure);
        const passing = !FINAL.has(removal.failure.kind);
        if (passing && tried < TRIES && (await patience.wait(backoffMs(removal.failure, tried)))) break;
        return { kind: 'left', end: 'standing', code };
      }
    }
  }
}

const FINAL: ReadonlySet<string> = new Set(['denied', 'unauthenticated', 'refused']);

interface Stop {
  end: 'standing' | 'unknown' | 'ended_otherwise';
  code: string;
}

/** Looks again at this tuple alone, and calls for the removal if it is still this grant that stands. */
async function removeOnce(
  sweep: TenantSweep,
  due: Judged,
  evenIfRemoved: boolean,
): Promise<{ removal: Removal | Stop; seen: boolean }> {
  const { graph, patience, deps, about } = sweep;
  const { tuple, finding } = due;
  const pim = pimFamily(tuple);
  const query = { $filter: pim.ofTuple(pimTuple(tuple)) };
  const [requests, instances] = await Promise.all([
    patience.ask(() => graph.readAll(pim.requests, pim.requestSchema, query)),
    patience.ask(() => graph.readAll(pim.instances, pim.instanceSchema, query)),
  ]);
  const standing = instances.ok ? instances.value : [];
  const stop = (end: Stop['end'], code: string) => ({ removal: { end, code }, seen: false });
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
  return { removal, seen: ours || finding.standing };
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

function codeOfRemoval({ word, how }: Extract<Attempted, { kind: 'removed' }>): string {
  const removal = how['removal'];
  if (removal === 'seen') return 'removed_by_another';
  if (typeof removal === 'string') return removal;
  return word;
}

function left({ end, code, retryAtMs }: Stop & { retryAtMs?: number }): SweepOutcome {
  const retry_at = retryAtMs === undefined ? null : instant(retryAtMs);
  return { end, code, accepted_at: null, observed_at: null, confirmed_at: null, retry_at, receipt: null };
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
