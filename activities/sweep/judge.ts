import { epochMs } from '../../domain/identifiers.js';
import type { Tuple } from '../../domain/intent.js';
import { SWEEP_SLACK_MS, type SweepFinding, type SweepReason, type SweepVerdict } from '../../domain/sweep.js';
import { meaningOf } from '../graph/pim/pim-status.js';
import type { PimFamily, PimTuple } from '../graph/pim/pim-family.js';
import { isPim, type Instance, type ScheduleRequest } from '../graph/pim/pim-wire.js';
import {
  ASSIGNING,
  creatorOf,
  historyOf,
  madeAt,
  markedDeadline,
  markerOf,
  markOn,
  scheduleOf,
} from '../graph/pim/tuple-history.js';
import type { Recognition } from '../graph/pim/tuple-history.js';
import type { Sighting } from './look.js';

/** Graph forgets requests after about 45 days; one less, so that a request that is just going is still asked for. */
const FORGOTTEN_MS = 44 * 24 * 3600_000;
/** A request of ours without a marker that does not stand any more is told for so long. */
const TOLD_MS = 24 * 3600_000;

interface About {
  readonly tenantId: string;
  /** Graph's time, epoch ms. */
  readonly nowMs: number;
  readonly by: Recognition;
  /** Whether the sighting is of roles, or of memberships of groups; rows of both have the names of roles. */
  readonly pim: PimFamily;
}

/** A verdict with the due grant behind it, so that it can be ended. */
export interface Judged {
  readonly finding: SweepFinding;
  /** The kind's own. */
  readonly tuple: Tuple;
  /** Of something marked: the request that made it. */
  readonly grant: ScheduleRequest | null;
  /** The requests for the same tuple that the sighting knew. */
  readonly requests: readonly ScheduleRequest[];
}

/**
 * Whose business everything is that a sighting shows. Pure. All of it is attacker-controlled but for the authority's
 * signature and Graph's word on who made a request: never throws.
 */
export function judge(sighting: Pick<Sighting, 'instances' | 'requests' | 'assignments'>, about: About): Judged[] {
  const known = new Known(sighting.requests ?? []);
  const standing = (sighting.instances ?? []).map((instance) =>
    judgeInstance(instance, known, sighting.requests !== null, about),
  );
  const seen = new Set(standing.map(({ finding }) => finding.schedule_id));
  const plain = new Set((sighting.assignments ?? []).map((row) => keyOf({ ...row, directoryScopeId: scopeOf(row) })));
  const rest = (sighting.requests ?? []).flatMap((request) =>
    seen.has(scheduleOf(request)) ? [] : judgeRequest(request, known, plain, about),
  );
  const shown = new Set([...(sighting.instances ?? []), ...rest.map(({ finding }) => wireOf(finding))].map(keyOf));
  // A cross-check alone: instances show assignments made outside PIM too. What PIM's requests know of may be a late read.
  const isUnlisted = (wire: WireTuple): boolean => !shown.has(keyOf(wire)) && known.of(wire).length === 0;
  const unlisted =
    sighting.instances === null
      ? []
      : (sighting.assignments ?? []).filter((row) => isUnlisted({ ...row, directoryScopeId: scopeOf(row) }));
  const outside = unlisted.map((row): Judged => {
    const tuple = namedOf({ ...row, directoryScopeId: scopeOf(row) }, about.tenantId);
    return judged(about, tuple, {
      schedule_id: row.id,
      verdict: 'outside_pim',
      why: 'made_outside_pim',
      standing: true,
    });
  });
  return [...standing, ...rest, ...outside];
}

/** Requests by schedule and by tuple. */
class Known {
  private readonly schedules = new Map<string, ScheduleRequest[]>();
  private readonly tuples = new Map<string, ScheduleRequest[]>();

  constructor(requests: readonly ScheduleRequest[]) {
    for (const request of requests) {
      add(this.schedules, scheduleOf(request), request);
      add(this.tuples, keyOf(request), request);
    }
  }

  /** What made and changed one schedule, its making first. */
  behind(scheduleId: string): ScheduleRequest[] {
    const requests = (this.schedules.get(scheduleId) ?? []).filter(({ action }) => ASSIGNING.has(action ?? ''));
    return requests
      .filter(({ status }) => meaningOf(status) !== 'failed')
      .toSorted((a, b) => Number(changes(a)) - Number(changes(b)) || madeAt(a) - madeAt(b));
  }

  of(tuple: WireTuple): readonly ScheduleRequest[] {
    return this.tuples.get(keyOf(tuple)) ?? [];
  }
}

const changes = ({ action }: ScheduleRequest): boolean => action !== 'adminAssign' && action !== 'selfActivate';

function judgeInstance(instance: Instance, known: Known, readable: boolean, about: About): Judged {
  const named = namedOf(instance, about.tenantId);
  const tuple = about.pim.tupleOf(named);
  const schedule_id = instance.roleAssignmentScheduleId ?? instance.id;
  const requests = known.of(instance);
  const [made, ...later] = known.behind(schedule_id);
  const base = { schedule_id, standing: true, provider_ends_at: instance.endDateTime ?? null };
  const verdict = (word: SweepVerdict, why: SweepReason): Judged =>
    judged(about, named, { ...base, verdict: word, why, ...maker(made) }, requests);
  if (!isPim(instance)) return verdict('outside_pim', 'made_outside_pim');
  if (!isDirect(instance)) return verdict('foreign', 'through_a_group');
  if (!readable) return verdict('unattributed', 'requests_unreadable');
  if (made === undefined) {
    const begun = Date.parse(instance.startDateTime ?? '');
    // Ours ends within hours, and Graph has forgotten who made this one: it is nobody's whom a sweep could name.
    if (about.nowMs - begun > FORGOTTEN_MS) return verdict('foreign', 'request_purged');
    return instance.assignmentType?.toLowerCase() === 'activated'
      ? verdict('self_activated', 'own_activation')
      : verdict('unattributed', 'request_not_visible');
  }
  const eventOn = (request: ScheduleRequest) => markOn(request, tuple, about.by.authorityKeys)?.event_id;
  // Changed by our application, and not under the authority's word about the same event.
  const meddled = later.find((request) => {
    const event = isOurs(request, about) ? eventOn(request) : null;
    return event === undefined || (event !== null && event !== eventOn(made));
  });
  if (meddled !== undefined) {
    const how = { ...base, verdict: 'compromise', why: 'changed_without_marker', ...maker(meddled) } as const;
    return judged(about, named, how, requests);
  }
  if (!isOurs(made, about))
    return made.action === 'selfActivate'
      ? verdict('self_activated', 'own_activation')
      : verdict('foreign', 'made_by_another');
  return judgeOwn(made, named, base, requests, about);
}

/** A request of ours whose assignment no instance shows: about to stand, gone, or merely not visible in this read. */
function judgeRequest(request: ScheduleRequest, known: Known, plain: ReadonlySet<string>, about: About): Judged[] {
  if (!isOurs(request, about) || !ASSIGNING.has(request.action ?? '')) return [];
  const { principalId, roleDefinitionId, directoryScopeId } = request;
  if (!principalId || !roleDefinitionId || !directoryScopeId) return [];
  const wire = { principalId, roleDefinitionId, directoryScopeId };
  const named = namedOf(wire, about.tenantId);
  const tuple = about.pim.tupleOf(named);
  const ends = request.scheduleInfo?.expiration?.endDateTime ?? null;
  const standing = plain.has(keyOf(wire));
  const base = { schedule_id: scheduleOf(request), standing, provider_ends_at: ends };
  const marker = markerOf(request, tuple, about.by.authorityKeys);
  if (!marker.ok) {
    if (about.nowMs - madeAt(request) > TOLD_MS) return [];
    const how = { ...base, verdict: 'compromise', why: marker.reason, ...maker(request) } as const;
    return [judged(about, named, how, known.of(wire))];
  }
  // One that made no assignment, or whose assignment the provider has ended by itself, cannot stand.
  const meaning = meaningOf(request.status);
  if (meaning === 'failed' || meaning === 'revoked') return [];
  const requests = known.of(wire);
  const history = historyOf(requests, { ...marker.marked, tuple }, about.by);
  const extended = history.extensions[0]?.scheduleInfo?.expiration?.endDateTime ?? null;
  const latest = [ends, extended].filter((end) => end !== null).map((end) => Date.parse(end));
  if (latest.length > 0 && Math.max(...latest) <= about.nowMs) return [];
  if (history.grant?.id !== request.id || history.removed !== undefined || history.taken !== undefined) return [];
  return [judgeOwn(request, named, base, requests, about)];
}

type Base = Pick<SweepFinding, 'schedule_id' | 'standing' | 'provider_ends_at'>;

/** Made by our application: by the marker alone, and by what was done to it since. */
function judgeOwn(
  made: ScheduleRequest,
  named: PimTuple,
  base: Base,
  requests: readonly ScheduleRequest[],
  about: About,
): Judged {
  const tuple = about.pim.tupleOf(named);
  const tell = (said: Pick<SweepFinding, 'verdict' | 'why'> & Partial<SweepFinding>, grant?: ScheduleRequest): Judged =>
    judged(about, named, { ...base, ...maker(made), ...said }, requests, grant);
  const marker = markerOf(made, tuple, about.by.authorityKeys);
  if (!marker.ok) return tell({ verdict: 'compromise', why: marker.reason });
  const { event_id } = marker.marked;
  const granted = { ...marker.marked, tuple };
  const history = historyOf(requests, granted, about.by);
  // An extension of the same event's: Graph was told the later deadline, and the authority signed it.
  const deadline = markedDeadline(history, granted, about.by);
  const told = { event_id, deadline };
  const { taken } = history;
  if (taken !== undefined) return tell({ ...told, ...maker(taken), verdict: 'foreign', why: 'taken_over' });
  if (about.nowMs < epochMs(deadline) + SWEEP_SLACK_MS)
    return tell({ ...told, verdict: 'in_time', why: 'deadline_not_passed' }, made);
  const undecided = meaningOf(made.status) !== 'active';
  const why = base.standing ? 'deadline_passed' : undecided ? 'request_undecided' : 'not_seen_to_stand';
  return tell({ ...told, verdict: 'due', why }, made);
}

const isOurs = (request: ScheduleRequest, { by }: About): boolean => by.writerIds.has(creatorOf(request) ?? '');

/** PIM for Groups writes such words in lower case, the roles' API does not. */
const isDirect = ({ memberType }: Instance): boolean => (memberType ?? 'direct').toLowerCase() === 'direct';

const maker = (request: ScheduleRequest | undefined) =>
  request === undefined ? {} : { request_id: request.id, made_by: creatorOf(request) ?? null };

interface WireTuple {
  readonly principalId?: string | null | undefined;
  readonly roleDefinitionId?: string | null | undefined;
  readonly directoryScopeId?: string | null | undefined;
}

const scopeOf = ({ directoryScopeId }: WireTuple): string => directoryScopeId ?? '/';

const keyOf = ({ principalId, roleDefinitionId, directoryScopeId }: WireTuple): string =>
  [principalId, roleDefinitionId, directoryScopeId].join('|');

const wireOf = ({ principal_id, role_template_id, directory_scope_id }: Omit<PimTuple, 'tenant_id'>): WireTuple => ({
  principalId: principal_id,
  roleDefinitionId: role_template_id,
  directoryScopeId: directory_scope_id,
});

const namedOf = (
  { principalId, roleDefinitionId, directoryScopeId }: { [Name in keyof WireTuple]-?: string },
  tenant_id: string,
): PimTuple => ({
  tenant_id,
  principal_id: principalId,
  role_template_id: roleDefinitionId,
  directory_scope_id: directoryScopeId,
});

function judged(
  { pim }: About,
  named: PimTuple,
  said: Partial<SweepFinding> & Pick<SweepFinding, 'schedule_id' | 'verdict' | 'why' | 'standing'>,
  requests: readonly ScheduleRequest[] = [],
  grant: ScheduleRequest | null = null,
): Judged {
  const unsaid = { request_id: null, made_by: null, event_id: null, deadline: null, provider_ends_at: null };
  const kind = pim.kind === 'entra.directory_role' ? {} : { kind: pim.kind };
  const finding = { ...kind, ...named, ...unsaid, outcome: null, ...said };
  return { finding, tuple: pim.tupleOf(named), grant, requests };
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
