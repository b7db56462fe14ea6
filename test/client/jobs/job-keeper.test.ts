import { describe, expect, it } from 'vitest';

import type { Phase } from '../../../domain/ceremony-state.js';
import type { JobAnswer } from '../../../domain/job-tasks.js';
import { viewOfRequest } from '../../../domain/request-view.js';
import { JobKeeper, type GivenJob, type KeeperOptions } from '../../../client/jobs/job-keeper.js';
import { ResealError } from '../../../client/api/reseal-error.js';
import { instant } from '../../../domain/identifiers.js';

const ID = '0123456789abcdef';
const T0 = Date.parse('2026-11-21T10:00:00Z');
const ENVELOPE = { payload: '{}', signature: 'x'.repeat(40) };

/** A ceremony and an authority in memory, whose time passes with every look. */
class There {
  nowMs = T0;
  state: Phase = 'active';
  reachable = true;
  refuses: { code: string; message: string } | undefined;
  given = 0;
  deadline = T0 + 30 * 60_000;

  token(): GivenJob {
    this.given += 1;
    return {
      outcome: 'given',
      job: `job/${ID}/${ID}`,
      token: `token.${this.given}.x`,
      expires_at: instant(Math.min(this.nowMs + 120_000, this.deadline)),
      deadline: instant(this.deadline),
      tools: [],
      elevated: false,
    };
  }

  api: KeeperOptions['api'] = {
    get: async () => {
      this.nowMs += 1000;
      if (!this.reachable) throw new ResealError('gateway_unreachable', 'nobody there');
      const at = instant(this.nowMs);
      return { ...viewOfRequest(ID, null, { state: this.state, requested_at: instant(T0) }), now: at };
    },
    job: async (): Promise<JobAnswer> => {
      if (!this.reachable) throw new ResealError('gateway_unreachable', 'nobody there');
      return this.refuses === undefined ? this.token() : { outcome: 'refused', ...this.refuses };
    },
  };

  keeper(): JobKeeper {
    const options = { api: this.api, eventId: ID, envelope: ENVELOPE, now: () => this.nowMs, pollMs: 0 };
    return new JobKeeper({ ...options, first: this.token() });
  }
}

describe('what keeps a job', () => {
  it('asks for another token when half of its time is over, and ends at the deadline', async () => {
    const there = new There();
    const keeper = there.keeper();
    expect(await keeper.over).toMatchObject({ why: 'deadline', code: 'deadline' });
    expect(there.nowMs).toBeGreaterThanOrEqual(there.deadline);
    expect(there.given).toBeGreaterThanOrEqual(29);
    expect(keeper.token).toBe(`token.${there.given}.x`);
  });

  it.each(['resealing', 'revoked', 'closed', 'expired'] as const)('ends when the ceremony is %s', async (state) => {
    const there = new There();
    there.state = state;
    expect(await there.keeper().over).toMatchObject({ why: 'ended', code: state });
    expect(there.nowMs).toBe(T0 + 1000);
  });

  it('ends when the authority gives no more token, and says why', async () => {
    const there = new There();
    const keeper = there.keeper();
    there.refuses = { code: 'end_mark_stands', message: 'an end mark stands: kill' };
    expect(await keeper.over).toMatchObject({ why: 'refused', code: 'end_mark_stands' });
    expect(there.nowMs).toBeLessThanOrEqual(T0 + 62_000);
  });

  it('lives no longer than its token when nobody can be reached', async () => {
    const there = new There();
    const keeper = there.keeper();
    there.reachable = false;
    expect(await keeper.over).toMatchObject({ why: 'unreachable' });
    expect(there.nowMs).toBe(T0 + 120_000);
  });

  it('goes on when somebody is reached again in time', async () => {
    const there = new There();
    const keeper = there.keeper();
    there.reachable = false;
    const over = keeper.over.then(({ why }) => why);
    while (there.nowMs < T0 + 100_000) await new Promise(setImmediate);
    there.reachable = true;
    while (there.nowMs < T0 + 300_000) await new Promise(setImmediate);
    there.state = 'resealing';
    expect(await over).toBe('ended');
  });
});
