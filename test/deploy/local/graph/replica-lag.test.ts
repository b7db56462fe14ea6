import { describe, expect, it } from 'vitest';
import { ALICE, Caller, control, INSTANCES, MINUTE, refusal, REQUESTS, simulator, T0, truth } from './harness.js';

async function counts(caller: Caller, reads: number): Promise<Set<number>> {
  const seen = new Set<number>();
  for (let i = 0; i < reads; i += 1) seen.add((await caller.list(INSTANCES)).length);
  return seen;
}

describe('when replicas lag behind', () => {
  it('shows an acknowledged write to some reads only, for no longer than the lag', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/lag', { ms: 60_000 });
    await caller.pim();
    expect(await counts(caller, 12)).toEqual(new Set([0, 1]));
    caller.now = T0 + 62_000;
    expect(await counts(caller, 12)).toEqual(new Set([1]));
  });

  it('shows what was removed to some reads, for no longer than the lag', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await caller.pim();
    await control(sim, '/lag', { ms: 60_000 });
    caller.now = T0 + 6 * MINUTE;
    await caller.remove();
    expect(await counts(caller, 12)).toEqual(new Set([0, 1]));
    caller.now = T0 + 8 * MINUTE;
    expect(await counts(caller, 12)).toEqual(new Set([0]));
  });

  it('stays consistent where it writes, and tells the truth at once', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/lag', { ms: 60_000 });
    await caller.pim();
    expect(await refusal(caller.pim())).toBe('400 RoleAssignmentExists');
    expect((await truth(sim)).assignments).toMatchObject([{ principal_id: ALICE }]);
  });

  it('can hide a request that was just made from a read by its id', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    await control(sim, '/lag', { ms: 60_000 });
    const { id } = await caller.pim();
    const answers = new Set<string>();
    for (let i = 0; i < 12; i += 1) {
      const read = caller.get(`${REQUESTS}/${String(id)}`);
      answers.add(await read.then(() => 'found').catch(() => refusal(read)));
    }
    expect(answers).toEqual(new Set(['found', '404 RoleAssignmentRequestNotFound']));
  });

  it('repeats itself exactly in another simulator', async () => {
    const runs: number[][] = [];
    for (let run = 0; run < 2; run += 1) {
      const sim = await simulator();
      const caller = new Caller(sim);
      await control(sim, '/lag', { ms: 60_000 });
      await caller.pim();
      const seen: number[] = [];
      for (let i = 0; i < 10; i += 1) seen.push((await caller.list(INSTANCES)).length);
      runs.push(seen);
    }
    expect(runs[0]).toEqual(runs[1]);
  });
});
