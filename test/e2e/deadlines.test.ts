import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import Long from 'long';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { ROLES, type Role } from '../../domain/roles.js';
import { readRoleContext } from '../../workers/role-context.js';
import { startRoles, type RunningRoles } from '../../workers/start-roles.js';
import type { CeremonyView } from '../../domain/view.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { entriesOf, hurry, isOver } from '../support/records.js';

let stack: CeremonyStack;
let ceremonies: RunningRoles;
let others: RunningRoles;
let authority: RunningRoles;

const play = async (roles: readonly Role[]): Promise<RunningRoles> => {
  const { settings, database } = stack.stack;
  return startRoles(await readRoleContext({ ...settings, roles: [...roles] }, database, () => undefined));
};

/** What waited for the only worker that runs workflows: messages and timers, handed to it in one task each. */
interface Waited {
  lateApproval: Asked;
  approvalSeenLate: Asked;
  killAfterDeadline: Asked;
  killSeenLate: Asked;
}
let waited: Waited;
/** Seconds that were left when the two messages in time were sent. */
let sentInTime: number[];
let issuingKilled: { asked: Asked; issuing: CeremonyView; answer: Awaited<ReturnType<CeremonyStack['say']>> };

beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: [] });
  ceremonies = await play(['ceremonies']);
  others = await play(ROLES.filter((role) => role !== 'ceremonies' && role !== 'authority'));
  const asked = await stack.ask();
  await stack.approve(asked);
  const issuing = await stack.untilState(asked.event, 'issuing');
  issuingKilled = { asked, issuing, answer: await stack.say(asked, 'erin', 'kill') };
  authority = await play(['authority']);
  const [lateApproval, approvalSeenLate, killAfterDeadline, killSeenLate] = await Promise.all([
    withOneApproval(),
    withOneApproval(),
    active(),
    active(),
  ]);
  waited = { lateApproval, approvalSeenLate, killAfterDeadline, killSeenLate };
  await Promise.all([advanceTo(lateApproval, 'approval_by', 80), advanceTo(killAfterDeadline, 'expires_at', 80)]);
  // Last, because their time passes while the others are moved.
  await Promise.all([advanceTo(approvalSeenLate, 'approval_by', 30), advanceTo(killSeenLate, 'expires_at', 30)]);
  const signed = {
    lateApproval: await stack.act(lateApproval, 'carol', 'approve'),
    approvalSeenLate: await stack.act(approvalSeenLate, 'carol', 'approve'),
    killAfterDeadline: await stack.act(killAfterDeadline, 'erin', 'kill'),
    killSeenLate: await stack.act(killSeenLate, 'erin', 'kill'),
  };
  await ceremonies.stop();
  sentInTime = [await secondsLeft(approvalSeenLate), await secondsLeft(killSeenLate)];
  await stack.signal(approvalSeenLate.event, 'approve', signed.approvalSeenLate);
  await stack.signal(killSeenLate.event, 'kill', signed.killSeenLate);
  await Promise.all([passTime(lateApproval, 110), passTime(killAfterDeadline, 110)]);
  await stack.signal(lateApproval.event, 'approve', signed.lateApproval);
  await stack.signal(killAfterDeadline.event, 'kill', signed.killAfterDeadline);
  // Time is not skipped while a task waits: the two that were sent in time wait for real.
  while ((await secondsLeft(approvalSeenLate)) > -1 || (await secondsLeft(killSeenLate)) > -1) await sleep(200);
  ceremonies = await play(['ceremonies']);
});
afterAll(async () => {
  await ceremonies.stop();
  await authority.stop();
  await others.stop();
  await stack.stop();
});

async function withOneApproval(): Promise<Asked> {
  const asked = await stack.ask();
  await stack.approve(asked, 'bob');
  return asked;
}

async function active(): Promise<Asked> {
  const asked = await stack.ask();
  await stack.approve(asked);
  await hurry(stack, asked.event, ({ state }) => state === 'active');
  return asked;
}

const deadlines = new Map<string, number>();
const secondsLeft = async ({ event }: Asked): Promise<number> =>
  ((deadlines.get(event) ?? 0) - (await stack.now(event))) / 1000;

async function advanceTo(asked: Asked, what: 'approval_by' | 'expires_at', secondsBefore: number): Promise<void> {
  deadlines.set(asked.event, Date.parse((await stack.view(asked.event))[what] ?? ''));
  await stack.advance(asked.event, `${Math.floor(await secondsLeft(asked)) - secondsBefore}s`);
}

/** Lets a ceremony's time pass although nobody runs it: its timers fire, and wait. */
async function passTime({ event }: Asked, seconds: number): Promise<void> {
  const { connection, dev } = stack.stack;
  const target = (await stack.now(event)) + seconds * 1000;
  await connection.workflowService.updateWorkflowExecutionOptions({
    namespace: dev.temporal_namespace,
    workflowExecution: { workflowId: ceremonyWorkflowId(event) },
    workflowExecutionOptions: {
      timeSkippingConfig: {
        enabled: true,
        fastForwardConfig: { id: randomUUID(), duration: { seconds: Long.fromNumber(seconds) } },
      },
    },
    updateMask: { paths: ['time_skipping_config'] },
  });
  for (let tries = 0; tries < 100 && (await stack.now(event)) < target - 1000; tries += 1) await sleep(100);
}

const verdictOf = async ({ event }: Asked): Promise<unknown[]> =>
  (await entriesOf(stack, event, 'statement_refused')).map(({ reason }) => reason);

describe.concurrent('when a message and a passed deadline wait for the same workflow task', () => {
  it('an approval sent after the window does not count', async ({ expect }) => {
    const asked = waited.lateApproval;
    const view = await stack.until(asked.event, isOver);
    expect(view).toMatchObject({ state: 'unapproved', cause: 'window', status: null });
    expect(view.approvals).toHaveLength(1);
    expect(await verdictOf(asked)).toEqual(['too_late']);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true } });
  });

  it('an approval sent in time but heard after the window does not count either', async ({ expect }) => {
    const asked = waited.approvalSeenLate;
    expect(Math.min(...sentInTime)).toBeGreaterThan(0);
    const view = await stack.until(asked.event, isOver);
    expect(view).toMatchObject({ state: 'unapproved', cause: 'window' });
    expect(await verdictOf(asked)).toEqual(['too_late']);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true } });
  });

  it.for([['killAfterDeadline'], ['killSeenLate']] as const)(
    'a kill and the deadline converge on one removal: %s',
    async ([which], { expect }) => {
      const asked = waited[which];
      const view = await hurry(stack, asked.event, isOver);
      expect(view).toMatchObject({ state: 'expired', status: 'expired', cause: 'deadline' });
      expect(await verdictOf(asked)).toEqual(['wrong_state']);
      const { calls } = await stack.graph.truth(asked.tenant);
      expect(calls.filter(({ action }) => action === 'adminRemove')).toHaveLength(1);
      expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 1, bundle: { ok: true } });
    },
  );
});

describe.concurrent('when the deadline passes while a kill is being carried out', () => {
  it('stays revoked by the kill, and removes it once', async ({ expect }) => {
    const asked = await active();
    await stack.advance(asked.event, '28m');
    const removal = { tenant: asked.tenant, action: 'adminRemove', effect: 'status', status: 503, times: null };
    await stack.graph.fault(removal);
    expect(await stack.say(asked, 'erin', 'kill')).toMatchObject({ status: 'accepted' });
    await stack.advance(asked.event, '4m');
    const late = await stack.view(asked.event);
    expect(await stack.now(asked.event)).toBeGreaterThan(Date.parse(late.expires_at ?? ''));
    expect(late).toMatchObject({ state: 'resealing', cause: 'kill' });
    await stack.graph.clearFaults(asked.tenant);
    const view = await hurry(stack, asked.event, isOver, { step: '30s' });
    expect(view).toMatchObject({ state: 'revoked', status: 'closed', cause: 'kill', ended_by: 'erin' });
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 1, bundle: { ok: true } });
  });
});

describe.concurrent('a window that closes with one approval', () => {
  it('ends unapproved exactly then, and never calls the provider for a grant', async ({ expect }) => {
    const asked = await withOneApproval();
    await stack.advance(asked.event, '29m');
    expect((await stack.view(asked.event)).state).toBe('awaiting_approval');
    await stack.advance(asked.event, '2m');
    const view = await stack.until(asked.event, isOver);
    expect(view).toMatchObject({ state: 'unapproved', cause: 'window', status: null });
    const [by, at] = [view.approval_by, view.ended_at].map((time) => Date.parse(time ?? ''));
    expect((at ?? 0) - (by ?? 0)).toBeGreaterThanOrEqual(0);
    expect((at ?? 0) - (by ?? 0)).toBeLessThan(5_000);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true } });
  });
});

describe.concurrent('a timebox', () => {
  it.for([
    ['under ten minutes', '9m59s', 'duration_too_short'],
    ["over the policy's maximum", '4h1s', 'duration_too_long'],
  ] as const)('%s is refused', async ([, duration, code], { expect }) => {
    const asked = stack.prepare({ duration });
    await stack.send(asked);
    expect(await stack.until(asked.event, isOver)).toMatchObject({ state: 'refused', refusal: { code } });
    expect((await stack.graph.truth(asked.tenant)).calls).toEqual([]);
  });

  it.for([['10m'], ['4h']] as const)(
    "of %s ends at the provider with the policy's grace",
    async ([duration], { expect }) => {
      const asked = await stack.ask({ duration });
      await stack.approve(asked);
      const view = await hurry(stack, asked.event, ({ state }) => state === 'active');
      expect((await stack.graph.truth(asked.tenant)).assignments).toMatchObject([{ ends_at: view.dead_man_at }]);
      expect(Date.parse(view.dead_man_at ?? '') - Date.parse(view.expires_at ?? '')).toBe(10 * 60_000);
      const [intent] = await entriesOf(stack, asked.event, 'intent');
      const seconds = duration === '10m' ? 600 : 14_400;
      expect(Date.parse(view.expires_at ?? '') - Date.parse(String(intent?.at))).toBe(seconds * 1000);
      expect((await stack.say(asked, 'alice', 'close')).status).toBe('accepted');
      await hurry(stack, asked.event, isOver, { step: '1m' });
      expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true } });
    },
  );
});

describe.concurrent('when a kill comes while the authority cannot be reached', () => {
  it('is heard at once, and leaves nothing to grant whichever of the two the authority takes first', async ({
    expect,
  }) => {
    const { asked, issuing, answer } = issuingKilled;
    expect(issuing).toMatchObject({ state: 'issuing', status: null, expires_at: null });
    expect(answer).toMatchObject({ status: 'accepted', mark: 'pending' });
    const view = await hurry(stack, asked.event, isOver);
    expect(['cancelled', 'revoked']).toContain(view.state);
    expect(view).toMatchObject({ cause: 'kill', ended_by: 'erin', mark: 'standing' });
    const { calls } = await stack.graph.truth(asked.tenant);
    expect(calls.filter(({ action }) => action === 'adminAssign')).toEqual([]);
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true } });
  });
});
