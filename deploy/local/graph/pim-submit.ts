import { randomUUID } from 'node:crypto';
import { entity, GraphFailure, refuse, type Answer } from './answer.js';
import { logCoreCopy, logPimStep, type Guard, type PimChange } from './audit-log.js';
import { accessOf, GROUP_REQUESTS, wireGroupRequest } from './group-views.js';
import { isOfGroup, stands, statusAt } from './model.js';
import type { ForcedStatus, PimRequest, Schedule, Tuple, WireSchedule } from './model.js';
import { demand } from './permissions.js';
import { readPimInput, type PimInput } from './pim-input.js';
import { planGrant, planRemoval, type Outcome } from './pim-outcome.js';
import { checkFree, checkNothingInFlight, checkRules, checkSubject } from './pim-rules.js';
import { doesNotExist, FLOOR_MS, pending, tooShort } from './pim-rules.js';
import { wireRequest } from './pim-views.js';
import { readWindow, wireSchedule } from './schedule-info.js';
import type { Tenant } from './tenant.js';
import type { Caller } from './token.js';

/** A write to a tenant. `takeStatus` yields the next forced status, once, where a test has set any. */
export interface PimWrite {
  readonly tenant: Tenant;
  readonly caller: Caller;
  readonly now: number;
  readonly takeStatus: () => ForcedStatus | null;
}

/**
 * POST roleAssignmentScheduleRequests. 201 says only that the request was taken: the body's status decides. With
 * isValidationOnly everything is judged and nothing changes.
 */
export function submitPimRequest(write: PimWrite, body: unknown): Answer {
  demand(write.caller, 'pimRemove');
  const input = readPimInput(body);
  if (input.action !== 'adminRemove') demand(write.caller, 'pimWrite');
  return submitPim(write, input);
}

/** The same for roles and groups, once it is known who asks and for what. */
export function submitPim(write: PimWrite, input: PimInput): Answer {
  const { actor } = write.caller;
  if (input.action.startsWith('self') && (actor.kind !== 'user' || actor.id !== input.tuple.principalId)) {
    throw new GraphFailure(403, 'UnauthorizedAccessException', 'Attempted to perform an unauthorized operation.');
  }
  checkSubject(write.tenant, input.tuple);
  switch (input.action) {
    case 'adminAssign':
    case 'adminRenew':
    case 'selfActivate':
      return assign(write, input);
    case 'adminUpdate':
    case 'adminExtend':
      return update(write, input);
    case 'adminRemove':
    case 'selfDeactivate':
      return remove(write, input);
    case 'selfExtend':
    case 'selfRenew':
      return askAdministrator(write, input);
  }
}

function assign(write: PimWrite, input: PimInput): Answer {
  const { tenant, caller, now } = write;
  const window = readWindow(input.scheduleInfo, now);
  checkRules(tenant, caller, input, window, now);
  checkFree(tenant, input.tuple, now);
  if (input.validationOnly) return validated(write, input, wireSchedule(window, window.startsAt, window.endsAt));
  const outcome = planGrant(write.takeStatus(), window.startsAt, now);
  const awaited = outcome.effect === 'later';
  const startsAt = awaited ? Math.max(window.startsAt, outcome.settles?.at ?? 0) : window.startsAt;
  const shift = window.type === 'afterDuration' ? startsAt - window.startsAt : 0;
  const endsAt = window.endsAt === null ? null : window.endsAt + shift;
  const id = randomUUID();
  const schedule: Schedule = {
    ...input.tuple,
    id: scheduleIdOf(input.tuple, id),
    origin: 'pim',
    assignmentType: input.action === 'selfActivate' ? 'Activated' : 'Assigned',
    createdUsing: id,
    createdAt: now,
    modifiedAt: null,
    createdBy: caller.actor,
    startsAt,
    awaited,
    endsAt,
    removesAt: null,
    justification: input.justification,
    ticketNumber: input.ticketNumber,
    ticketSystem: input.ticketSystem,
  };
  return grant(write, input, outcome, schedule, wireSchedule(window, startsAt, endsAt), id);
}

/** adminUpdate and adminExtend: a new window for an assignment that exists; its start stays if it has begun. */
function update(write: PimWrite, input: PimInput): Answer {
  const { tenant, caller, now } = write;
  const existing = tenant.currentSchedule(input.tuple, now)?.current ?? null;
  // PIM changes only what it made: a plain assignment has no schedule of its own.
  if (existing === null || existing.assignmentType === 'Activated' || existing.origin !== 'pim') throw doesNotExist();
  checkNothingInFlight(tenant, input.tuple, now);
  const asked = readWindow(input.scheduleInfo, now);
  const begun = stands(existing, now);
  const window = begun ? { ...asked, startsAt: existing.startsAt } : asked;
  checkRules(tenant, caller, input, window, now);
  if (input.action === 'adminExtend' && (existing.endsAt === null || (window.endsAt ?? Infinity) <= existing.endsAt)) {
    throw refuse('InvalidRoleAssignmentRequest', 'Only an expiring assignment can be extended, to a later end.');
  }
  const wire = wireSchedule(window, window.startsAt, window.endsAt);
  if (input.validationOnly) return validated(write, input, wire);
  const outcome = planGrant(write.takeStatus(), now, now);
  const id = randomUUID();
  const schedule: Schedule = {
    ...existing,
    createdUsing: id,
    modifiedAt: now,
    createdBy: caller.actor,
    startsAt: window.startsAt,
    awaited: !begun,
    endsAt: window.endsAt,
    justification: input.justification,
    ticketNumber: input.ticketNumber,
    ticketSystem: input.ticketSystem,
  };
  // A changed window counts from its acceptance, whatever the status says meanwhile.
  return grant(write, input, outcome.effect === 'later' ? { ...outcome, effect: 'now' } : outcome, schedule, wire, id);
}

function grant(
  write: PimWrite,
  input: PimInput,
  outcome: Outcome,
  schedule: Schedule,
  scheduleInfo: WireSchedule,
  id: string,
): Answer {
  const { tenant, now } = write;
  const change: PimChange = {
    tenant,
    schedule,
    requestId: id,
    justification: input.justification,
    by: write.caller.actor,
    now,
  };
  logPimStep(change, 'grantRequested');
  if (outcome.effect !== 'never') {
    const guard: Guard = { cell: tenant.putSchedule(now, schedule), scheduleId: schedule.id };
    const effective = schedule.awaited ? schedule.startsAt : now;
    logPimStep(change, 'grantCompleted', effective, guard);
    logCoreCopy(change, 'add', effective, guard);
    if (schedule.endsAt !== null) {
      logPimStep(change, 'expired', schedule.endsAt, guard);
      logCoreCopy(change, 'remove', schedule.endsAt, guard);
    }
  }
  return accepted(write, input, outcome, id, schedule.id, scheduleInfo);
}

/** Removal addresses the tuple: whatever assignment stands there ends, whoever made it. */
function remove(write: PimWrite, input: PimInput): Answer {
  const { tenant, now } = write;
  const existing = tenant.currentSchedule(input.tuple, now)?.current ?? null;
  const wanted = input.action === 'selfDeactivate' ? existing?.assignmentType === 'Activated' : true;
  if (existing === null || !wanted || !stands(existing, now)) {
    checkNothingInFlight(tenant, input.tuple, now);
    // Scheduled and not begun: there is nothing to remove yet, and a cancel is what would end it.
    if (existing !== null && wanted) throw pending();
    throw doesNotExist();
  }
  checkNothingInFlight(tenant, input.tuple, now);
  if (existing.origin === 'pim' && now - existing.startsAt < FLOOR_MS) throw tooShort();
  if (input.validationOnly) return validated(write, input, null);
  const outcome = planRemoval(write.takeStatus(), now);
  const id = randomUUID();
  const { justification } = input;
  const change: PimChange = { tenant, schedule: existing, requestId: id, justification, by: write.caller.actor, now };
  logPimStep(change, 'removeRequested');
  if (outcome.effect !== 'never') {
    const at = outcome.effect === 'later' ? (outcome.settles?.at ?? now) : now;
    const cell = tenant.schedule(existing.id);
    cell?.put(now, at > now ? { ...existing, removesAt: at } : null);
    logPimStep(change, 'removeCompleted', at);
    logCoreCopy(change, 'remove', at);
  }
  return accepted(write, input, outcome, id, existing.id, null);
}

/** selfExtend and selfRenew wait for an administrator's decision. */
function askAdministrator(write: PimWrite, input: PimInput): Answer {
  const window = readWindow(input.scheduleInfo, write.now);
  checkRules(write.tenant, write.caller, input, window, write.now);
  checkNothingInFlight(write.tenant, input.tuple, write.now);
  const wire = wireSchedule(window, window.startsAt, window.endsAt);
  if (input.validationOnly) return validated(write, input, wire);
  const outcome = planGrant({ status: 'PendingAdminDecision' }, window.startsAt, write.now);
  return accepted(write, input, outcome, randomUUID(), null, wire);
}

function accepted(
  { tenant, caller, now }: PimWrite,
  input: PimInput,
  { status, settles }: Outcome,
  id: string,
  targetScheduleId: string | null,
  scheduleInfo: WireSchedule | null,
): Answer {
  const request: PimRequest = {
    ...input.tuple,
    id,
    action: input.action,
    status,
    settles,
    createdAt: now,
    completedAt: settles?.at ?? now,
    createdBy: caller.actor,
    targetScheduleId,
    scheduleInfo,
    justification: input.justification,
    ticketNumber: input.ticketNumber,
    ticketSystem: input.ticketSystem,
    canceledAt: null,
  };
  tenant.putRequest(now, request);
  return entity(201, setOf(input), wireOf(request, now));
}

/** A dry run is answered like a request, but nothing keeps it. */
function validated({ caller, now }: PimWrite, input: PimInput, scheduleInfo: WireSchedule | null): Answer {
  const request: PimRequest = {
    ...input.tuple,
    id: randomUUID(),
    action: input.action,
    status: 'Granted',
    settles: null,
    createdAt: now,
    completedAt: null,
    createdBy: caller.actor,
    targetScheduleId: null,
    scheduleInfo,
    justification: input.justification,
    ticketNumber: input.ticketNumber,
    ticketSystem: input.ticketSystem,
    canceledAt: null,
  };
  return entity(201, setOf(input), { ...wireOf(request, now), isValidationOnly: true });
}

const REQUESTS = 'roleManagement/directory/roleAssignmentScheduleRequests';
const setOf = ({ tuple }: PimInput): string => (isOfGroup(tuple) ? GROUP_REQUESTS : REQUESTS);
const wireOf = (request: PimRequest, now: number): Record<string, unknown> =>
  isOfGroup(request) ? wireGroupRequest(request, now) : wireRequest(request, now);
/** A role's schedule has the id of the request that made it; a membership's names group, access and an id of its own. */
const scheduleIdOf = (tuple: Tuple, requestId: string): string =>
  isOfGroup(tuple) ? `${tuple.roleDefinitionId}_${accessOf(tuple)}_${randomUUID()}` : requestId;

/** POST …/{id}/cancel: only a `Granted` request, one that is scheduled and has not begun, can be cancelled. */
export function cancelPimRequest(write: PimWrite, id: string): Answer {
  const { tenant, caller, now } = write;
  const cell = tenant.request(id.toLowerCase());
  const request = cell?.current ?? null;
  demand(caller, request !== null && isOfGroup(request) ? 'groupPimRemove' : 'pimRemove');
  if (cell === undefined || request === null) throw requestNotFound();
  if (statusAt(request, now) !== 'Granted') {
    throw refuse('InvalidRoleAssignmentRequest', `A request in status ${statusAt(request, now)} cannot be canceled.`);
  }
  cell.put(now, { ...request, canceledAt: now, completedAt: now });
  const target = request.targetScheduleId === null ? undefined : tenant.schedule(request.targetScheduleId);
  const schedule = target?.current ?? null;
  if (target !== undefined && schedule !== null && !stands(schedule, now)) {
    target.put(now, null);
    const { justification } = request;
    logPimStep({ tenant, schedule, requestId: request.id, justification, by: caller.actor, now }, 'grantCanceled');
  }
  return { status: 204 };
}

export const requestNotFound = (): Error =>
  new GraphFailure(404, 'RoleAssignmentRequestNotFound', 'The role assignment request is not found.');
