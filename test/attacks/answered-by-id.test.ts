import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NativeConnection, Worker } from '@temporalio/worker';
import { ceremonyWorkflowId, instant, resealWorkflowId } from '../../domain/identifiers.js';
import { TOOLS } from '../../domain/contract.js';
import { TASK_QUEUES, type Role } from '../../domain/roles.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import type { EntryType } from '../../domain/entry.js';
import type { SignedIntent } from '../../domain/intent.js';
import { signIntent } from '../../proofs/signed-intent.js';
import type { SignedStatement } from '../../domain/statement.js';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';
import { resealDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { approveExtension, askToExtend } from '../support/extending.js';
import { advanceResealToEnd, resealed } from '../chaos/lost-ceremony.js';
import { aftermath } from '../support/good-end.js';
import { PEOPLE } from '../support/people.js';
import { PlayedRoles } from '../support/played-roles.js';
import { failedTasks, RawTemporal } from '../support/raw-temporal.js';
import { ledgerOf } from '../support/records.js';
import { signWithStranger } from '../support/signing.js';
import { Tampering } from '../support/tampering.js';

/** The liar has the payload key and a key of their own, and none of any role. */
const liar = generateRoleKey();
const EFFECT = 'effect:entra.directory_role';

let stack: CeremonyStack;
let raw: RawTemporal;
let roles: PlayedRoles;

beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: [] });
  raw = new RawTemporal(stack);
  roles = new PlayedRoles(stack);
});
afterAll(async () => {
  await roles.stop();
  await stack.stop();
});

const allBut = (...unplayed: Role[]): Promise<void> => roles.allBut(...unplayed);

const lieAbout = async (asked: Asked, activity: string, answer: unknown): Promise<void> => {
  const workflowId = ceremonyWorkflowId(asked.event);
  await raw.complete(workflowId, await raw.pendingActivity(workflowId, activity), await raw.value(answer));
};
const receipt = (asked: Asked, type: EntryType, data: Record<string, unknown> = {}, transition: string = type) =>
  signReceipt(
    { schema: 'reseal.entry.v1', event_id: asked.event, transition, type, at: instant(Date.now()), data },
    liar,
  );

async function nothingGranted(asked: Asked): Promise<void> {
  const { assignments, calls } = await stack.graph.truth(asked.tenant);
  expect(assignments).toEqual([]);
  expect(calls.filter(({ action, validation_only }) => action === 'adminAssign' && !validation_only)).toEqual([]);
  expect(failedTasks(await raw.history(ceremonyWorkflowId(asked.event)))).toEqual([]);
}
/** Entries that the liar signed are in no ledger. */
async function noLieKept(asked: Asked, ...types: EntryType[]): Promise<void> {
  const told = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
  for (const type of types) expect(told).not.toContain(type);
}

describe('answers in the place of a role', () => {
  it('`check`: forged approvals are called good, and the authority refuses them by their bytes', async () => {
    await allBut('ceremonies');
    const { dev, layout } = stack.stack;
    const connection = await NativeConnection.connect({ address: dev.temporal_address });
    const worker = await Worker.create({
      connection,
      namespace: dev.temporal_namespace,
      taskQueue: TASK_QUEUES.ceremonies,
      dataConverter: resealDataConverter(await readKeyringFile(layout.keyring)),
      workflowBundle: { codePath: WORKFLOW_BUNDLE },
    });
    await worker.runUntil(async () => {
      const asked = await stack.ask();
      for (const person of ['bob', 'carol']) {
        const statement = {
          ...stack.common(asked.event, asked.request_digest, person, Date.now()),
          act: 'approve',
        };
        const envelope = signWithStranger(statement);
        await stack.signal(asked.event, 'approve', envelope);
        await lieAbout(asked, 'check', [vouched(person, statement, envelope)]);
      }
      const { refusal } = await stack.until(asked.event, (view) => view.refusal !== null);
      expect(refusal).toMatchObject({ code: 'quorum_not_met' });
      await nothingGranted(asked);
      await expect
        .poll(async () => (await ledgerOf(stack, asked.event)).map(({ type }) => type), { timeout: 20_000 })
        .toContain('end_mark');
    });
    await connection.close();
  });

  it('`apply`: "granted" grants nothing, and what never stood is not called active', async () => {
    await allBut(EFFECT);
    const asked = await stack.ask();
    await stack.approve(asked);
    await raw.pendingActivity(ceremonyWorkflowId(asked.event), 'apply');
    await lieAbout(asked, 'apply', {
      outcome: 'granted',
      provider_request_id: 'x',
      provider_status: 'Provisioned',
      ends_at: (await stack.view(asked.event)).dead_man_at,
      adopted: false,
      receipt: receipt(asked, 'granted'),
    });
    await raw.pendingActivity(ceremonyWorkflowId(asked.event), 'verify');
    expect((await stack.view(asked.event)).state).not.toBe('active');
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    await stack.untilState(asked.event, 'resealing');
    await nothingGranted(asked);
    await noLieKept(asked, 'granted', 'verified');
  });

  it('`issue` of an extension: the effect refuses what the authority did not sign, and the deadline stays', async () => {
    await allBut();
    const asked = await stack.activate();
    const { signed } = (await answerTo(asked, 'issue')) as { signed: SignedIntent };
    await allBut('authority');
    const extending = await askToExtend(stack, asked, 20);
    await approveExtension(stack, asked, extending);
    const { deadline } = extending;
    const dead_man = instant(Date.parse(deadline) + 10 * 60_000);
    const intent = { ...signed.intent, round: 2, deadline, dead_man };
    const forged = { signed: signIntent(intent, liar), reissued: false, receipt: receipt(asked, 'extension') };
    await lieAbout(asked, 'issue', { outcome: 'issued', ...forged, warrant: null });
    const view = await stack.until(asked.event, ({ extension }) => extension?.state === 'refused');
    expect(view).toMatchObject({ state: 'active', expires_at: signed.intent.deadline });
    expect(view.extension?.refusal?.code).toBe('intent_not_authentic');
    const { assignments } = await stack.graph.truth(asked.tenant);
    expect(assignments.map(({ ends_at }) => Date.parse(ends_at ?? ''))).toEqual([
      Date.parse(signed.intent.dead_man ?? ''),
    ]);
    await noLieKept(asked, 'extension', 'extended');
  });

  it('`survey` and `mark`: nothing of what the liar signed is kept, and nothing is granted', async () => {
    await allBut('verifier');
    const surveyed = stack.prepare();
    await stack.send(surveyed);
    await lieAbout(surveyed, 'survey', {
      outcome: 'surveyed',
      survey: { holders: [], principal_assignments: [] },
      receipt: receipt(surveyed, 'surveyed'),
    });
    await stack.untilState(surveyed.event, 'awaiting_approval');
    await noLieKept(surveyed, 'surveyed');

    await allBut('authority');
    const marked = await stack.ask();
    expect(await stack.say(marked, 'bob', 'deny')).toMatchObject({ status: 'accepted' });
    await lieAbout(marked, 'mark', { receipt: receipt(marked, 'end_mark'), standing: null, standing_receipt: null });
    await stack.until(marked.event, ({ ended_at }) => ended_at !== null);
    await noLieKept(marked, 'end_mark');

    await nothingGranted(surveyed);
    await nothingGranted(marked);
  });

  it('`admit`: who says that it was admitted is not the register, so the authority issues nothing', async () => {
    await allBut();
    const honest = await stack.ask();
    const answer = (await answerTo(honest, 'admit')) as { opened: object };
    await allBut('register');
    const asked = stack.prepare({ profile: honest.profile });
    const opened = { ...answer.opened, request: asked.request, request_digest: asked.request_digest };
    await stack.send(asked);
    await lieAbout(asked, 'admit', { ...answer, opened, receipt: receipt(asked, 'request', { opened }) });
    for (const person of ['bob', 'carol']) {
      await stack.signal(asked.event, 'approve', await stack.act(asked, person, 'approve'));
    }
    const issued = async () => (await answerTo(asked, 'issue')) as object | undefined;
    await expect
      .poll(issued, { timeout: 30_000 })
      .toMatchObject({ outcome: 'refused', code: 'admission_not_authentic' });
    await nothingGranted(asked);
  });

  it('`recall`: "nothing was issued" ends no reseal while a grant stands', async () => {
    await allBut();
    const asked = await stack.activate();
    await allBut('authority');
    const tamper = new Tampering(stack);
    await tamper.terminate(asked.event);
    await tamper.untilResealing(asked.event);
    const workflowId = resealWorkflowId(asked.event);
    // First what is no answer at all: it must not hold the run for ever.
    const runId = async () => (await stack.stack.client.workflow.getHandle(workflowId).describe()).runId;
    const first = await runId();
    const pending = await raw.pendingActivity(workflowId, 'recall');
    await raw.complete(workflowId, pending, await raw.value({ signed: 'nothing' }));
    await expect.poll(runId, { timeout: 60_000 }).not.toBe(first);
    await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'recall'), await raw.value(null));
    await allBut();
    // The run that was lied to has ended: the reconciler finds the row open, and begins another.
    for (
      const giveUpAt = Date.now() + 90_000;
      (await stack.view(asked.event)).ended_at === null && Date.now() < giveUpAt;
    )
      await advanceResealToEnd(stack, asked).catch(() => undefined);
    expect(await aftermath(stack, asked)).toMatchObject(resealed(1));
  }, 180_000);

  it('`authorise`: what is no answer leaves a call unanswered, and holds nothing up', async () => {
    await allBut('authority');
    const call = { event_id: '0123456789abcdef', tool: TOOLS.write, body: {}, token: 'none', proof: 'none' };
    const workflowId = 'tool/0123456789abcdef/answered-by-id';
    const input = await raw.value({ call, role: EFFECT });
    await raw.start(workflowId, 'tool', TASK_QUEUES.ceremonies, [input]);
    const pending = await raw.pendingActivity(workflowId, 'authorise');
    await raw.complete(workflowId, pending, await raw.value({ outcome: 'authorised' }));
    const handle = stack.stack.client.workflow.getHandle(workflowId);
    const status = async () => (await handle.describe()).status.name;
    await expect.poll(status, { timeout: 60_000 }).toBe('COMPLETED');
    expect(await handle.result()).toEqual({ outcome: 'unanswered' });
  });
});

/** What a role answered, or somebody in its place. */
async function answerTo(asked: Asked, activity: string): Promise<unknown> {
  const events = await raw.history(ceremonyWorkflowId(asked.event));
  const scheduled = events.find(
    ({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name === activity,
  );
  const done = events.find(({ activityTaskCompletedEventAttributes: answer }) =>
    scheduled?.eventId ? answer?.scheduledEventId?.equals(scheduled.eventId) : false,
  );
  const [said] = done?.activityTaskCompletedEventAttributes?.result?.payloads ?? [];
  return said ? raw.decoded(said) : undefined;
}

/** What the ceremonies role would say of a good statement. */
function vouched(id: string, statement: object, envelope: SignedStatement): object {
  const { object_id, upn, groups } = PEOPLE.find((person) => person.id === id) ?? PEOPLE[0]!;
  const statement_digest = createHash('sha256').update(envelope.payload).digest('hex');
  const person = { id, kind: 'human', object_ids: [object_id], aliases: [upn], groups };
  return { ok: true, digest: stack.digest(envelope), statement_digest, statement, person, method: 'software' };
}
