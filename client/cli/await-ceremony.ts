import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd, type Phase } from '../../domain/ceremony-state.js';
import { parseDuration } from '../../domain/duration.js';
import type { CeremonyView } from '../../domain/view.js';
import { EXIT } from '../api/exit-status.js';
import type { EventView, ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { changeLine } from './ceremony-text.js';
import { INTERRUPTED } from './interrupted.js';
import type { Session } from './session.js';
import { didYouMean } from './suggest.js';
import { relative, timeText } from './times.js';

export const WAITS = ['active', 'ended'] as const;
export type Wait = (typeof WAITS)[number];

const FIRST_POLL_MS = 250;
const SLOWEST_POLL_MS = 2_000;
/** How long the gateway may be away while somebody waits. */
const PATIENCE_MS = 60_000;

/** @throws {ResealError} `usage`. */
export function parseWait(text: string | undefined): Wait | undefined {
  if (text === undefined) return undefined;
  const wait = WAITS.find((name) => name === text);
  if (wait !== undefined) return wait;
  throw new ResealError('usage', `--wait is ${WAITS.join(' or ')}, not "${text}".${didYouMean(text, WAITS)}`);
}

/** A flag's duration in milliseconds. @throws {ResealError} `usage`, naming the flag. */
export function parseFlagDuration(flag: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds * 1000;
  throw new ResealError('usage', `${flag} is a duration such as 45s, 30m or 1h30m, not "${text}"`);
}

/** What became of the waiting: the last view, and why it ended. */
export interface Awaited {
  view: EventView;
  why: 'done' | 'timeout' | 'interrupted';
}

/** Follows a ceremony until `done`, telling each change; `timeoutMs` undefined waits as long as it takes. */
export async function follow(
  session: Session,
  api: ResealApi,
  eventId: string,
  done: (view: CeremonyView) => boolean,
  options: { timeoutMs?: number; told?: (view: EventView) => void } = {},
): Promise<Awaited> {
  const seen: { view?: EventView } = {};
  const over = session.status.begin(() => waitingText(seen.view));
  try {
    return await poll(session, api, eventId, done, options, seen);
  } finally {
    over();
  }
}

async function poll(
  session: Session,
  api: ResealApi,
  eventId: string,
  done: (view: CeremonyView) => boolean,
  options: { timeoutMs?: number; told?: (view: EventView) => void },
  seen: { view?: EventView },
): Promise<Awaited> {
  const { signal } = session.io;
  const told = options.told ?? ((view) => session.say(changeLine(view, view.now, session.zone)));
  const until = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  let pause = FIRST_POLL_MS;
  let last: { view: EventView; text: string } | undefined;
  let answeredAt = performance.now();
  for (;;) {
    const view = await api.get(eventId).catch((error: unknown) => {
      // What waits for hours outlives a restart of the gateway.
      const passing = error instanceof ResealError && error.exit === EXIT.unreachable;
      if (last === undefined || !passing || performance.now() - answeredAt > PATIENCE_MS) throw error;
      return undefined;
    });
    if (view !== undefined) {
      answeredAt = performance.now();
      const text = changeKey(view);
      if (text !== last?.text) {
        told(view);
        pause = FIRST_POLL_MS;
      }
      last = { view, text };
      seen.view = view;
      if (done(view)) return { view, why: 'done' };
    }
    const left = until - performance.now();
    if (last !== undefined && signal?.aborted === true) {
      session.afterInterrupt();
      return { view: last.view, why: 'interrupted' };
    }
    if (last !== undefined && left <= 0) return { view: last.view, why: 'timeout' };
    await sleep(Math.max(1, Math.min(pause, left)), undefined, signal ? { signal } : {}).catch(() => undefined);
    pause = Math.min(pause * 1.5, SLOWEST_POLL_MS);
  }
}

const changeKey = ({ now: _now, ...view }: EventView): string => changeLine(view, '', 'UTC');

/** What is waited for, while nothing changes. */
function waitingText(view: EventView | undefined): string {
  const how = 'Ctrl-C stops watching, the ceremony goes on';
  if (view === undefined) return `waiting for the ceremony; ${how}`;
  const { state, approvals, approvals_wanted: wanted, expires_at: until } = view;
  const about =
    state === 'awaiting_approval' && wanted !== null
      ? `, ${approvals.length} of ${wanted} approvals`
      : until !== null && (state === 'active' || state === 'active_unverified')
        ? `, ends ${relative(until, Date.parse(view.now))}`
        : '';
  return `${state}${about}; ${how}`;
}

export const reached = (wait: Wait, view: CeremonyView): boolean =>
  isEnd(view.state) || (wait === 'active' && (view.state === 'active' || view.state === 'active_unverified'));

/** The exit status of a command that waited. */
export function exitOf(wait: Wait, { view, why }: Awaited): number {
  if (why === 'done') return exitOfState(wait, view.state);
  // From the intent on privilege may stand, and nobody has confirmed that it does not.
  if (view.status === 'active' || view.state === 'issuing') return EXIT.rollback_unconfirmed;
  return why === 'interrupted' ? INTERRUPTED : EXIT.expired;
}

function exitOfState(wait: Wait, state: Phase): number {
  switch (state) {
    case 'refused':
    case 'not_granted':
      return EXIT.refused;
    case 'denied':
    case 'cancelled':
      return EXIT.denied;
    case 'unapproved':
      return EXIT.expired;
    case 'closed':
    case 'revoked':
      return wait === 'active' ? EXIT.denied : EXIT.done;
    case 'expired':
      return wait === 'active' ? EXIT.expired : EXIT.done;
    default:
      return EXIT.done;
  }
}

/** Says why a wait that did not reach its goal ended, and what to run next. */
export function explain(session: Session, { view, why }: Awaited): void {
  const { event_id: id } = view;
  if (why === 'done') {
    if (view.state === 'active_unverified') {
      session.warn(
        'WARNING: granted, but the verifier has not seen it: what is active is not confirmed by a second identity',
      );
    }
    if (view.refusal !== null) session.warn(`${view.state}: ${view.refusal.code}: ${view.refusal.message}`);
    else if (isEnd(view.state)) session.next(`reseal evidence export ${id} --out ${id}.json`);
    return;
  }
  session.warn(
    why === 'timeout' ? `still ${view.state}: the time to wait is over` : `stopped waiting; it is ${view.state}`,
  );
  const stands = view.state === 'active' || view.state === 'active_unverified';
  if (stands && view.expires_at !== null) {
    const until = timeText(view.expires_at, Date.parse(view.now), session.zone);
    session.warn(`the privilege stands, and its rollback is NOT confirmed: the ceremony ends it by itself ${until}`);
  } else if (view.status === 'active' || view.state === 'issuing') {
    session.warn('the rollback is NOT confirmed: privilege may stand. The ceremony goes on by itself and ends it');
  } else {
    session.warn('the ceremony goes on without you');
  }
  session.next(`reseal breakglass watch ${id}`);
}
