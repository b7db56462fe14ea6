import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { MAX_RECORDED_REFUSALS } from '../../domain/hearing.js';
import { ROLES, TASK_QUEUES } from '../../domain/roles.js';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';
import { resealDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { readRoleContext } from '../../workers/role-context.js';
import { startRoles } from '../../workers/start-roles.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { floodOf } from '../support/flood.js';
import { signWithStranger } from '../support/signing.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: ROLES.filter((role) => role !== 'ceremonies') });
});
afterAll(() => stack.stop());

/** The ceremonies role as it is. */
async function whole<T>(during: () => Promise<T>): Promise<T> {
  const { settings, database } = stack.stack;
  const roles = await startRoles(
    await readRoleContext({ ...settings, roles: ['ceremonies'] }, database, () => undefined),
  );
  return during().finally(() => roles.stop());
}

/** The same, but its signature checks wait, as in a worker that is overrun. */
async function withoutChecks<T>(during: () => Promise<T>): Promise<T> {
  const { dev, layout } = stack.stack;
  const connection = await NativeConnection.connect({ address: dev.temporal_address });
  const worker = await Worker.create({
    connection,
    namespace: dev.temporal_namespace,
    taskQueue: TASK_QUEUES.ceremonies,
    dataConverter: resealDataConverter(await readKeyringFile(layout.keyring)),
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
  });
  return worker.runUntil(during).finally(() => connection.close());
}

async function answerTo({ event }: Asked, digest: string): Promise<{ status: string }> {
  const answer = await fetch(`${stack.stack.dev.gateway_url}/v1/events/${event}/statements/${digest}`);
  return (await answer.json()) as { status: string };
}

describe('after more refusals than a ceremony records', () => {
  it('a statement that waits is pending until it has been heard, and only then accepted or unrecorded', async ({
    expect,
  }) => {
    const { asked, kill, forged } = await whole(async () => {
      const one = await stack.ask();
      const counted = await floodOf(stack, one, MAX_RECORDED_REFUSALS * 2);
      await stack.until(one.event, ({ refused_statements }) => refused_statements === counted);
      const now = await stack.now(one.event);
      const common = stack.common(one.event, one.request_digest, 'bob', now);
      return {
        asked: one,
        kill: await stack.act(one, 'bob', 'kill'),
        forged: signWithStranger({ ...common, act: 'approve' }),
      };
    });
    await withoutChecks(async () => {
      await stack.signal(asked.event, 'approve', forged);
      await stack.signal(asked.event, 'kill', kill);
      for (const sent of [kill, forged]) {
        expect(await answerTo(asked, stack.digest(sent))).toMatchObject({ status: 'pending' });
      }
    });
    await whole(async () => {
      const answers = [kill, forged].map((sent) => stack.digest(sent));
      for (const [digest, status] of [
        [answers[0], 'accepted'],
        [answers[1], 'unrecorded'],
      ] as const) {
        await expect.poll(() => answerTo(asked, digest ?? ''), { timeout: 30_000 }).toMatchObject({ status });
      }
    });
  });
});
