import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremoniesTasks } from '../../activities/evidence/ceremonies-tasks.js';
import { resealWorkflowId } from '../../domain/identifiers.js';
import { ROLES, TASK_QUEUES } from '../../domain/roles.js';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';
import { resealDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { readRosterFile } from '../../workers/policy-files.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';

let stack: CeremonyStack;
let connection: NativeConnection;
let folder: string;
beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: ROLES.filter((role) => role !== 'ceremonies') });
  connection = await NativeConnection.connect({ address: stack.stack.dev.temporal_address });
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-stuck-'));
});
afterAll(async () => {
  await connection.close();
  await stack.stop();
  await rm(folder, { recursive: true });
});

/** Plays the ceremonies role with these workflows until stopped. */
async function play(codePath: string): Promise<{ stop: () => Promise<void> }> {
  const { layout, dev } = stack.stack;
  const roster = await readRosterFile(layout.roster);
  const worker = await Worker.create({
    connection,
    namespace: dev.temporal_namespace,
    taskQueue: TASK_QUEUES.ceremonies,
    workflowBundle: { codePath },
    dataConverter: resealDataConverter(await readKeyringFile(layout.keyring)),
    activities: ceremoniesTasks({ roster: () => roster }),
    stickyQueueScheduleToStartTimeout: '1s',
  });
  const running = worker.run();
  return {
    stop: async () => {
      worker.shutdown();
      await running;
    },
  };
}

/** The workflows as somebody might deploy them who did not replay the committed histories: no ceremony's task completes. */
async function brokenBundle(): Promise<string> {
  const code = await readFile(WORKFLOW_BUNDLE, 'utf8');
  const begin = 'async function breakGlass(raw) {';
  if (!code.includes(begin)) throw new Error('the bundle has no breakGlass to break');
  const file = path.join(folder, 'bundle.js');
  await writeFile(
    file,
    code.replace(begin, `${begin} throw new TypeError('a change that breaks a running ceremony');`),
  );
  return file;
}

describe('a ceremony that the code which runs cannot take up', () => {
  it('is resealed without it: what it granted ends, and the bundle verifies', async ({ expect }) => {
    const good = await play(WORKFLOW_BUNDLE);
    const asked = await stack.activate();
    await good.stop();
    const broken = await play(await brokenBundle());
    try {
      // Past the five minutes in which Graph removes nothing; whatever is done to a stuck ceremony now is in vain.
      await stack.signal(asked.event, 'kill', await stack.act(asked, 'bob', 'kill'));
      const { workflow } = stack.stack.client;
      await expect
        .poll(
          () =>
            workflow
              .getHandle(resealWorkflowId(asked.event))
              .describe()
              .then(
                ({ type }) => type,
                () => null,
              ),
          {
            timeout: 90_000,
            interval: 500,
          },
        )
        .toBe('reseal');
      for (let step = 0; step < 24; step += 1) {
        if ((await stack.advance(asked.event, '5m', resealWorkflowId(asked.event))) === 'ended') break;
      }
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
      expect((await verifiedBundle(stack, asked.event)).errors).toEqual([]);
    } finally {
      await broken.stop();
    }
  }, 240_000);
});
