import type { Clock } from '../clock.js';
import { PROOF_SECONDS } from '../../domain/job.js';
import { CLOCK_SKEW_MS } from '../../domain/statement.js';

/** As many calls as one process keeps in mind; a proof lives two minutes at most. Beyond it refuses. */
const MOST = 65_536;

/** What was found of a proof that verified. */
export type Use = 'first' | 'again' | 'too_old' | 'too_many';

/**
 * The proofs that this process has taken, each for as long as it could be presented. A proof is one activity's: its later
 * attempts pass, anything else is a replay. What was made before the process began is refused, because nobody here knows
 * whether it was used before.
 */
export class UsedProofs {
  private readonly taken = new Map<string, { by: string; untilMs: number }>();
  private readonly beganMs: number;

  constructor(private readonly clock: Clock) {
    this.beganMs = clock.now();
  }

  /** `by` is the activity as the server names it: no argument can. `iat` is in seconds since 1970. */
  use({ jti, iat }: { jti: string; iat: number }, by: string): Use {
    const nowMs = this.clock.now();
    if (iat < Math.floor(this.beganMs / 1000)) return 'too_old';
    const before = this.taken.get(jti);
    if (before !== undefined) return before.by === by ? 'first' : 'again';
    this.forget(nowMs);
    if (this.taken.size >= MOST) return 'too_many';
    this.taken.set(jti, { by, untilMs: iat * 1000 + PROOF_SECONDS * 1000 + CLOCK_SKEW_MS });
    return 'first';
  }

  /** In the order in which they came: the first that is not over ends the search. */
  private forget(nowMs: number): void {
    for (const [jti, { untilMs }] of this.taken) {
      if (untilMs > nowMs) return;
      this.taken.delete(jti);
    }
  }
}
