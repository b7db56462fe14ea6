import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { fetchHistory } from '../../deploy/local/record-histories/fetch-history.js';
import { historyFromJson } from '../../deploy/local/record-histories/history-json.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';
import { resealDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { floodOf } from '../support/flood.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

/** Asks a ceremony what it is, over and over, as any client and any open page of the Web UI may. */
function ask(event: string, everyMs: number): { stop: () => Promise<number> } {
  const handle = stack.stack.client.workflow.getHandle(ceremonyWorkflowId(event));
  let asked = 0;
  let stopped = false;
  const asking = (async () => {
    while (!stopped) {
      await handle.query('view').then(
        () => (asked += 1),
        () => undefined,
      );
      await sleep(everyMs);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await asking;
      return asked;
    },
  };
}

/** What a worker says that takes the ceremony up from its history, as after a restart; null when it can. */
async function replayed({ event }: Asked): Promise<string | null> {
  const { connection, dev, layout } = stack.stack;
  const workflowId = ceremonyWorkflowId(event);
  const history = historyFromJson(await fetchHistory(connection, dev.temporal_namespace, { workflowId }));
  const dataConverter = resealDataConverter(await readKeyringFile(layout.keyring));
  const options = { workflowBundle: { codePath: WORKFLOW_BUNDLE }, dataConverter };
  return Worker.runReplayHistory(options, history, workflowId).then(
    () => null,
    (error: unknown) => String(error),
  );
}

describe('a ceremony that is asked what it is every few milliseconds, while statements arrive', () => {
  it('can still be taken up from its history, and hears a kill', async ({ expect }) => {
    const asked = await Promise.all(Array.from({ length: 6 }, () => stack.ask()));
    const askers = asked.map(({ event }) => ask(event, 15));
    await Promise.all(
      asked.map(async (one) => {
        await floodOf(stack, one, 60);
        await stack.approve(one);
        await stack.untilState(one.event, 'active');
      }),
    );
    const questions = await Promise.all(askers.map((asker) => asker.stop()));
    expect(Math.min(...questions)).toBeGreaterThan(10);

    expect(await Promise.all(asked.map(replayed))).toEqual(asked.map(() => null));
    const answers = await Promise.all(asked.map((one) => stack.say(one, 'bob', 'kill')));
    expect(answers).toEqual(asked.map(() => expect.objectContaining({ status: 'accepted' }) as unknown));
  });
});
