import { randomUUID } from 'node:crypto';
import { logCoreCopy, logCoreMembership, logPimStep, type Guard, type PimChange } from './audit-log.js';
import type { PimAction, PimRequest, Schedule, Tuple } from './model.js';
import { assignDirectly, directSchedule } from './role-assignments.js';
import { wireSchedule } from './schedule-info.js';
import type { Tenant } from './tenant.js';
import type { Actor } from './token.js';

/** Somebody else's change to a tuple: no rules, no floor, no licence. Times are epoch milliseconds. */
export interface OutsideAssignment {
  readonly tuple: Tuple;
  readonly via: 'pim' | 'direct';
  readonly by: Actor;
  /** null = now. */
  readonly startsAt: number | null;
  /** null = permanent. */
  readonly endsAt: number | null;
  readonly ticketNumber: string | null;
  readonly justification: string | null;
  readonly remove: boolean;
}

/** Carries it out, leaving the records and audit rows that such a change leaves; an existing one is replaced. */
export function applyOutside(tenant: Tenant, input: OutsideAssignment, now: number): void {
  const existing = tenant.currentSchedule(input.tuple, now)?.current ?? null;
  if (input.remove) {
    if (existing !== null) removeOutside(tenant, input, existing, now);
    return;
  }
  if (input.via === 'direct') {
    if (existing !== null && existing.origin === 'pim') tenant.schedule(existing.id)?.put(now, null);
    assignDirectly(tenant, { ...directSchedule(input.tuple, input.by, now), startsAt: input.startsAt ?? now });
    return;
  }
  const replaced = existing?.origin === 'pim' ? existing : null;
  if (existing !== null && replaced === null) tenant.schedule(existing.id)?.put(now, null);
  const id = randomUUID();
  const startsAt = input.startsAt ?? replaced?.startsAt ?? now;
  const schedule: Schedule = {
    ...input.tuple,
    id: replaced?.id ?? id,
    origin: 'pim',
    assignmentType: 'Assigned',
    createdUsing: id,
    createdAt: replaced?.createdAt ?? now,
    modifiedAt: replaced === null ? null : now,
    createdBy: input.by,
    startsAt,
    awaited: startsAt > now,
    endsAt: input.endsAt,
    removesAt: null,
    justification: input.justification,
    ticketNumber: input.ticketNumber,
    ticketSystem: null,
  };
  const guard: Guard = { cell: tenant.putSchedule(now, schedule), scheduleId: schedule.id };
  const window = { type: input.endsAt === null ? 'noExpiration' : 'afterDateTime', duration: null } as const;
  const wire = wireSchedule(window, startsAt, input.endsAt);
  record(tenant, input, now, id, replaced === null ? 'adminAssign' : 'adminUpdate', schedule, wire);
  const change: PimChange = {
    tenant,
    schedule,
    requestId: id,
    justification: input.justification,
    by: input.by,
    now,
  };
  logPimStep(change, 'grantRequested');
  logPimStep(change, 'grantCompleted');
  logCoreCopy(change, 'add');
  if (schedule.endsAt !== null) {
    logPimStep(change, 'expired', schedule.endsAt, guard);
    logCoreCopy(change, 'remove', schedule.endsAt, guard);
  }
}

function removeOutside(tenant: Tenant, input: OutsideAssignment, existing: Schedule, now: number): void {
  tenant.schedule(existing.id)?.put(now, null);
  if (input.via === 'direct') {
    logCoreMembership(tenant, existing, 'remove', input.by, now);
    return;
  }
  const id = randomUUID();
  record(tenant, input, now, id, 'adminRemove', existing, null);
  const change: PimChange = {
    tenant,
    schedule: existing,
    requestId: id,
    justification: input.justification,
    by: input.by,
    now,
  };
  logPimStep(change, 'removeRequested');
  logPimStep(change, 'removeCompleted');
  logCoreCopy(change, 'remove');
}

function record(
  tenant: Tenant,
  input: OutsideAssignment,
  now: number,
  id: string,
  action: PimAction,
  schedule: Schedule,
  scheduleInfo: PimRequest['scheduleInfo'],
): void {
  tenant.putRequest(now, {
    ...input.tuple,
    id,
    action,
    status: action === 'adminRemove' ? 'Revoked' : schedule.startsAt > now ? 'Granted' : 'Provisioned',
    settles: schedule.startsAt > now ? { at: schedule.startsAt, status: 'Provisioned' } : null,
    createdAt: now,
    completedAt: now,
    createdBy: input.by,
    targetScheduleId: schedule.id,
    scheduleInfo,
    justification: input.justification,
    ticketNumber: input.ticketNumber,
    ticketSystem: null,
    canceledAt: null,
  });
}
