import type { ForcedStatus, PimRequest } from './model.js';

/** What an accepted request comes to: its first status, what that turns into, and when it takes effect. */
export interface Outcome {
  readonly status: string;
  readonly settles: PimRequest['settles'];
  readonly effect: 'now' | 'later' | 'never';
}

const REFUSED: ReadonlySet<string> = new Set([
  'Failed',
  'FailedAsResourceIsLocked',
  'Denied',
  'AdminDenied',
  'Canceled',
  'Invalid',
  'TimedOut',
]);

const UNDECIDED: ReadonlySet<string> = new Set([
  'PendingApproval',
  'PendingApprovalProvisioning',
  'PendingAdminDecision',
]);

const IN_PROGRESS: ReadonlySet<string> = new Set([
  'Accepted',
  'AdminApproved',
  'Granted',
  'PendingEvaluation',
  'PendingExternalProvisioning',
  'PendingProvisioning',
  'PendingRevocation',
  'PendingScheduleCreation',
  'ProvisioningStarted',
  'ScheduleCreated',
]);

const SETTLES_AFTER_SECONDS = 30;
const UNDECIDED_SECONDS = 24 * 3600;

/** Whether a request in this status keeps its tuple busy; one that is merely scheduled does not. */
export function inFlight(status: string): boolean {
  return UNDECIDED.has(status) || (IN_PROGRESS.has(status) && status !== 'Granted' && status !== 'ScheduleCreated');
}

/** The outcome of a grant that would start at `startsAt`; without a forced status that of a healthy service. */
export function planGrant(forced: ForcedStatus | null, startsAt: number, now: number): Outcome {
  if (forced !== null) return plan(forced, 'Provisioned', startsAt, now);
  if (startsAt <= now) return { status: 'Provisioned', settles: null, effect: 'now' };
  return { status: 'Granted', settles: { at: startsAt, status: 'Provisioned' }, effect: 'later' };
}

/** The outcome of a removal. */
export function planRemoval(forced: ForcedStatus | null, now: number): Outcome {
  if (forced === null || forced.status === 'Provisioned') {
    return { status: forced?.status ?? 'Revoked', settles: null, effect: 'now' };
  }
  return plan(forced, 'Revoked', now, now);
}

/**
 * A refused word has no effect; a word of progress takes effect later and then becomes `done`; an undecided one
 * times out after a day. Any other word, known or not, takes effect at once: a client that does not know a word
 * must count it as granted.
 */
function plan(forced: ForcedStatus, done: 'Provisioned' | 'Revoked', startsAt: number, now: number): Outcome {
  const { status } = forced;
  const opposite = done === 'Provisioned' && status === 'Revoked';
  const settle = (to: string, seconds: number): PimRequest['settles'] => ({
    at: Math.max(startsAt, now + (forced.after_seconds ?? seconds) * 1000),
    status: forced.settles_to ?? to,
  });
  const chosen = forced.settles_to === undefined ? null : settle(forced.settles_to, SETTLES_AFTER_SECONDS);
  const settlesWell = chosen !== null && !REFUSED.has(chosen.status);
  let outcome: Outcome;
  if (UNDECIDED.has(status)) {
    outcome = {
      status,
      settles: chosen ?? settle('TimedOut', UNDECIDED_SECONDS),
      effect: settlesWell ? 'later' : 'never',
    };
  } else if (REFUSED.has(status) || opposite) {
    outcome = { status, settles: chosen, effect: settlesWell ? 'later' : 'never' };
  } else if (IN_PROGRESS.has(status)) {
    const settles = chosen ?? settle(done, SETTLES_AFTER_SECONDS);
    outcome = { status, settles, effect: REFUSED.has(settles?.status ?? '') ? 'never' : 'later' };
  } else {
    outcome = { status, settles: chosen, effect: startsAt > now ? 'later' : 'now' };
  }
  if (forced.takes_effect === undefined) return outcome;
  if (!forced.takes_effect) return { ...outcome, effect: 'never' };
  return outcome.effect === 'never' ? { ...outcome, effect: 'now' } : outcome;
}
