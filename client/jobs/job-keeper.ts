import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd } from '../../domain/ceremony-state.js';
import { epochMs } from '../../domain/identifiers.js';
import type { JobAnswer } from '../../domain/job-tasks.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { ResealApi } from '../api/reseal-api.js';

/** A job's token, as the authority gave it. */
export type GivenJob = Extract<JobAnswer, { outcome: 'given' }>;

/** Why a job must end. `code` is for the ledger. */
export interface JobOver {
  why: 'ended' | 'refused' | 'deadline' | 'unreachable';
  code: string;
  message: string;
}

export interface KeeperOptions {
  api: Pick<ResealApi, 'get' | 'job'>;
  eventId: string;
  /** What let the job in: sent again for each token. */
  envelope: SignedStatement;
  first: GivenJob;
  /** Epoch milliseconds; the system's clock. */
  now?: () => number;
  /** How often the ceremony is looked at, in milliseconds (1 s). */
  pollMs?: number;
}

/**
 * Keeps one job's token fresh, and says when the job must end: the ceremony ends for whatever reason, the authority gives
 * no more token, the deadline comes, or nobody could be reached for as long as the token lived. What a gateway says of a
 * ceremony is no proof: it can end a job early, and never keep one alive past its token.
 */
export class JobKeeper {
  private given: GivenJob;
  private renewAt: number;
  private readonly stopping = new AbortController();
  private readonly now: () => number;
  /** Resolves when the job must end; never after `stop`. */
  readonly over: Promise<JobOver>;

  constructor(private readonly options: KeeperOptions) {
    this.now = options.now ?? Date.now;
    this.given = options.first;
    this.renewAt = this.halfLife();
    this.over = this.watch();
  }

  get token(): string {
    return this.given.token;
  }

  /** RFC 3339 UTC. It may be later than at first, where the ceremony was extended. */
  get deadline(): string {
    return this.given.deadline;
  }

  stop(): void {
    this.stopping.abort();
  }

  private async watch(): Promise<JobOver> {
    const { pollMs = 1000 } = this.options;
    const { signal } = this.stopping;
    for (;;) {
      const over = await this.look();
      if (signal.aborted) return new Promise(() => undefined);
      if (over !== undefined) return over;
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async look(): Promise<JobOver | undefined> {
    const view = await this.options.api.get(this.options.eventId).catch(() => undefined);
    if (view !== undefined && (isEnd(view.state) || view.state === 'resealing')) {
      const cause = view.cause ?? view.state;
      return { why: 'ended', code: word(cause), message: `the ceremony is ${view.state} (${cause})` };
    }
    if (this.now() >= epochMs(this.given.deadline))
      return { why: 'deadline', code: 'deadline', message: `its deadline was ${this.given.deadline}` };
    if (this.now() >= this.renewAt) {
      const refused = await this.renew();
      if (refused !== undefined) return refused;
    }
    if (this.now() < epochMs(this.given.expires_at)) return undefined;
    return { why: 'unreachable', code: 'token_expired', message: 'nobody could be reached for another token in time' };
  }

  private async renew(): Promise<JobOver | undefined> {
    try {
      const answer = await this.options.api.job(this.options.envelope);
      if (answer.outcome === 'refused')
        return { why: 'refused', code: word(answer.code), message: `no more token: ${answer.code}: ${answer.message}` };
      this.given = answer;
      this.renewAt = this.halfLife();
    } catch {
      // Not reached, or not answered: asked again until the token's time is over.
    }
    return undefined;
  }

  private halfLife(): number {
    const now = this.now();
    return now + (epochMs(this.given.expires_at) - now) / 2;
  }
}

const word = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z_]/g, '_')
    .slice(0, 64);
