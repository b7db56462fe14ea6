import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SWEEP_SCHEDULE_ID } from '../../domain/sweep.js';
import { ensureSweepSchedule, sweepSchedule } from '../../workers/sweep-schedule.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { commandLine } from '../support/sweeping.js';

const EVERY = 10;
let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start({ sweepSeconds: EVERY });
});
afterAll(() => stack.stop());

const schedule = () => stack.stack.client.schedule.getHandle(SWEEP_SCHEDULE_ID);
const ensure = () => ensureSweepSchedule(stack.stack.client, EVERY);

describe('the worker that plays the sweeper', () => {
  it('makes the schedule, skipping a run while one is under way, and it sweeps', async () => {
    const asked = await stack.activate();
    const giveUpAt = Date.now() + 90_000;
    for (;;) {
      const { status, out } = await commandLine(['sweep', 'status', '-o', 'json'], { cwd: stack.stack.layout.root });
      if (status === 0 && out.includes(asked.event)) {
        expect(JSON.parse(out)).toMatchObject({ proven: true, standing: 'clean', schedule: { exists: true } });
        break;
      }
      if (Date.now() > giveUpAt) throw new Error(`no scheduled sweep: ${status} ${out}`);
      await sleep(1_000);
    }
    const { policies, action } = await schedule().describe();
    expect(policies.overlap).toBe(ScheduleOverlapPolicy.SKIP);
    expect(action).toMatchObject({ workflowType: 'sweep', taskQueue: 'reseal-sweeper' });
    const explained = await commandLine(['sweep', 'explain', asked.event], { cwd: stack.stack.layout.root });
    expect(explained.out).toContain('its ceremony still has time');
  }, 150_000);

  it('leaves it as it is when it is there', async () => {
    expect([await ensure(), await ensure()]).toEqual(['kept', 'kept']);
  });

  it('mends one that was made to start something else', async () => {
    const wanted = sweepSchedule(EVERY);
    const elsewhere = { ...wanted.action, taskQueue: 'a-queue-that-nobody-polls' };
    await schedule().update(({ state }) => ({ ...wanted, action: elsewhere, state }));
    expect(await ensure()).toBe('mended');
    expect((await schedule().describe()).action).toMatchObject({ taskQueue: 'reseal-sweeper' });
  });

  it('tells of a pause and leaves it, which may be an operator’s', async () => {
    await schedule().pause('test');
    expect(await ensure()).toBe('paused');
    const { out } = await commandLine(['sweep', 'status'], { cwd: stack.stack.layout.root });
    expect(out).toContain('the schedule is PAUSED');
    await schedule().unpause();
  });

  it('makes it again when it was deleted', async () => {
    await schedule().delete();
    expect(await ensure()).toBe('created');
    expect(await ensure()).toBe('kept');
  });
});
