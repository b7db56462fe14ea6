import type { NoticeChannel } from '../activities/notify/channel.js';
import { failureCode } from '../activities/notify/channel.js';
import type { ClaimedNotice, NoticeQueue } from '../activities/register/notice-queue.js';

export interface NotifierDeps {
  queue: NoticeQueue;
  channels: ReadonlyMap<string, NoticeChannel>;
  /** Writes what has become due by itself. */
  keepOwed: () => Promise<void>;
  log: (message: string, fields: Record<string, unknown>) => void;
}

/** How often the outbox is looked at, in milliseconds, and how long after a failure of the database. */
const PAUSE_MS = 1_000;
const FAILED_PAUSE_MS = 5_000;
/** Messages under way at once on one channel. */
const AT_ONCE = 4;
const BURY_EVERY_MS = 60_000;

/**
 * Sends what waits in the outbox, each channel by itself, so that one which hangs holds up no other. A loop of the
 * register's process and no part of any ceremony: nothing waits for it. Several processes may run one. Stopping interrupts
 * what is under way, which is then sent again.
 */
export function startNotifier(deps: NotifierDeps): { stop(): Promise<void> } {
  const stop = new AbortController();
  const { signal } = stop;
  const lanes = [...deps.channels].map(([name, channel]) =>
    repeat(deps, signal, name, () => sendDue(deps, name, channel, signal)),
  );
  let buriedAt = -BURY_EVERY_MS;
  const owed = repeat(deps, signal, null, async () => {
    await deps.keepOwed();
    if (performance.now() - buriedAt < BURY_EVERY_MS) return false;
    buriedAt = performance.now();
    await bury(deps);
    return false;
  });
  const running = Promise.all([...lanes, owed]);
  return {
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

/** Runs one round after another, at once while rounds are full, until stopped. A round that fails is tried again. */
async function repeat(
  { log }: NotifierDeps,
  signal: AbortSignal,
  channel: string | null,
  round: () => Promise<boolean>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if (!(await round())) await pause(PAUSE_MS, signal);
    } catch (error) {
      log('notices will be looked at again', { channel, error: errorWord(error, signal) });
      await pause(FAILED_PAUSE_MS, signal);
    }
  }
}

/** Whether there may be more. */
async function sendDue(
  deps: NotifierDeps,
  name: string,
  channel: NoticeChannel,
  signal: AbortSignal,
): Promise<boolean> {
  const claimed = await deps.queue.claim(name, AT_ONCE);
  await Promise.all(claimed.map((notice) => sendOne(deps, channel, notice, signal)));
  return claimed.length === AT_ONCE;
}

async function sendOne(
  { queue, log }: NotifierDeps,
  channel: NoticeChannel,
  notice: ClaimedNotice,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await channel.send(notice, signal);
  const state = await queue.record(notice, outcome);
  if (outcome.code === null) return;
  const { event_id, type, attempt } = notice;
  const { code, status } = outcome;
  const fields = { event_id, type, channel: notice.channel, attempt, code, status };
  log(state === 'dead' ? 'notice_dead' : 'notice_failed', fields);
}

async function bury({ queue, channels, log }: NotifierDeps): Promise<void> {
  for (const lost of await queue.bury([...channels.keys()])) log('notice_dead', lost);
}

/** The error's stable code where it has one, never its text. */
function errorWord(error: unknown, signal: AbortSignal): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[a-z0-9_]{3,64}$/i.test(code) ? code : failureCode(error, signal);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
