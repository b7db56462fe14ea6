import { instant } from '../../domain/identifiers.js';
import type { Receipt } from '../../domain/entry.js';
import type { SweepOutcome } from '../../domain/sweep.js';
import type { GraphFailure } from '../graph/wire/graph-error.js';
import type { GraphSession } from '../graph/wire/graph-session.js';
import { backoffMs } from '../graph/wire/graph-error.js';
import { readUntilAgreed } from './absence.js';
import { codeOf } from './look.js';
import type { Patience } from './patience.js';
import type { SweepDeps } from './sweep-deps.js';

/** Removals in one sweep: a second and third where reads go on showing it. */
const ROUNDS = 3;
/** Tries at one removal that the provider puts off, throttles or leaves unanswered. */
const TRIES = 5;
const AGAIN_MS = 5_000;

/** Why a removal was not made, or not made by the sweep. */
export interface Stop {
  end: 'standing' | 'unknown' | 'ended_otherwise';
  code: string;
  retryAtMs?: number;
}

/** What one try came to: the provider's word, nothing more to try, or something that passes. `seen`: a read showed it. */
export type Tried =
  | { kind: 'removed'; word: 'revoked' | 'gone'; how: Record<string, unknown>; seen: boolean }
  | { kind: 'again'; code: string }
  | { kind: 'failed'; failure: GraphFailure }
  | ({ kind: 'left' } & Stop);

/** How one thing that is past its time is ended, of whatever kind. */
export interface Ending {
  readonly deps: SweepDeps;
  readonly graph: GraphSession;
  readonly patience: Patience;
  /** Looks at it afresh, and calls for the removal if it is still what was judged. `evenIfRemoved`: a removal that was seen
   * has not held. */
  readonly tryOnce: (evenIfRemoved: boolean) => Promise<Tried>;
  /** Whether a read shows something that is ours or may be; the code of a read that failed. */
  readonly mayStand: () => Promise<boolean | string>;
  /** The sweeper's word about what it did; null where nobody signs. */
  readonly receipt: (data: Record<string, unknown>) => Receipt | null;
}

/**
 * Ends one thing that is past its time, and reads until it is known to be over. Idempotent: beside the ceremony's own
 * rollback, or beside another sweep, whoever comes second finds it done.
 */
export async function endInRounds(ending: Ending): Promise<SweepOutcome> {
  const { deps, graph } = ending;
  let evenIfRemoved = false;
  for (let round = 1; ; round += 1) {
    const began = graph.clientRequestIds.length;
    const removal = await remove(ending, evenIfRemoved);
    if (removal.kind === 'left') return left(removal);
    const accepted_at = instant(deps.clock.now());
    const absence = await readUntilAgreed(ending, ending.mayStand);
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
    const calls = graph.clientRequestIds.slice(began).slice(-64);
    const told = { ...removal.how, end, word: removal.word, ...times, reads, client_request_ids: calls };
    return { end, code, ...times, retry_at: null, receipt: otherwise ? null : ending.receipt(told) };
  }
}

type Attempted = Extract<Tried, { kind: 'removed' | 'left' }>;

/** One removal, tried until the provider decides or the sweep has no more time for it. */
async function remove({ patience, tryOnce }: Ending, evenIfRemoved: boolean): Promise<Attempted> {
  for (let tried = 1; ; tried += 1) {
    const removal = await tryOnce(evenIfRemoved);
    switch (removal.kind) {
      case 'removed':
      case 'left':
        return removal;
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

function codeOfRemoval({ word, how }: Extract<Attempted, { kind: 'removed' }>): string {
  const removal = how['removal'];
  if (removal === 'seen') return 'removed_by_another';
  if (typeof removal === 'string') return removal;
  return word;
}

export function left({ end, code, retryAtMs }: Stop): SweepOutcome {
  const retry_at = retryAtMs === undefined ? null : instant(retryAtMs);
  return { end, code, accepted_at: null, observed_at: null, confirmed_at: null, retry_at, receipt: null };
}
