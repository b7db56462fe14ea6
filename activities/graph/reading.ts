import type { Intent } from '../../domain/intent.js';
import type { Finding } from '../../domain/outcomes.js';
import type { Attempt } from './attempt.js';
import { attribute, findingOf, type Attribution } from './pim/attribution.js';
import type { GraphDeps } from './effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from './wire/graph-error.js';
import type { GraphSession } from './wire/graph-session.js';
import type { Holding } from './pim/holdings.js';
import type { Recognition } from './pim/tuple-history.js';

/** Agreeing reads are at least this far apart, so that they do not all come from one moment of one replica. */
export const APART_MS = 5_000;
/** The delay that makes them so, whatever is lost to rounding on the way. */
export const NEXT_READ_MS = APART_MS + 100;

/** Ends the attempt unless the last read lies far enough back. A clock that went backwards waits a full distance. */
export function keepApart(lastAt: number | null, nowMs: number): void {
  if (lastAt === null || nowMs - lastAt >= APART_MS) return;
  throw waitFor('read_too_soon', 'reads must lie apart', Math.min(NEXT_READ_MS, lastAt + NEXT_READ_MS - nowMs));
}

/** A read that failed says nothing about presence or absence. */
export function readFailed<D extends object>(failure: GraphFailure, attempt: Attempt<D>): Error {
  return toApplicationFailure(failure, Math.max(backoffMs(failure, Math.min(5, attempt.number)), 1000));
}

/** The verifier's entry that it has seen what an intent is about: one a round. */
export const verifiedOf = ({ round }: Pick<Intent, 'round'>) => ({
  type: 'verified' as const,
  transition: round === 1 ? 'verified' : `verified/${round}`,
});

export function recognitionOf(deps: GraphDeps, intent: Intent): Recognition {
  return { writerIds: deps.writerIds(intent.tuple.tenant_id), authorityKeys: deps.authorityKeys };
}

/** More than this in one attempt would be throttled; the rest is judged in the next. */
const MAX_JUDGED = 20;

export interface Judged {
  readonly findings: Finding[];
  /** Keys of those that need no more attention: told, or explained. */
  readonly settled: string[];
  readonly unknown: Holding[];
}

/** Attributes newcomers. Those nobody can be named for stay `unknown`, unless `patience` for them is over. */
export async function judgeNewcomers(
  graph: GraphSession,
  newcomers: readonly Holding[],
  about: { intent: Intent; by: Recognition; outOfPatience: (holding: Holding) => boolean },
): Promise<{ ok: true; value: Judged } | { ok: false; failure: GraphFailure }> {
  const judged: Judged = { findings: [], settled: [], unknown: [] };
  for (const holding of newcomers.slice(0, MAX_JUDGED)) {
    const answer = await attribute(graph, holding, about.intent, about.by);
    // The audit log is the one source that is throttled hard; without its word the newcomer is told all the same.
    if (!answer.ok && holding.kind !== 'direct') return answer;
    const found: Attribution = answer.ok ? answer.value : { verdict: 'unknown', by: null };
    if (found.verdict === 'unknown' && !about.outOfPatience(holding)) {
      judged.unknown.push(holding);
      continue;
    }
    judged.settled.push(holding.key);
    const finding = findingOf(holding, found);
    if (finding !== undefined) judged.findings.push(finding);
  }
  return { ok: true, value: judged };
}
