import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId, resealWorkflowId } from '../../domain/identifiers.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { failedTasks, payload, RawTemporal } from '../support/raw-temporal.js';
import { signWithStranger } from '../support/signing.js';

let stack: CeremonyStack;
let raw: RawTemporal;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  raw = new RawTemporal(stack);
});
afterAll(() => stack.stop());

/** Names that people speak under, and one that nobody does. */
const NAMES = ['approve', 'kill', 'no-such-act'];
const long = 'x'.repeat(9 * 1024);

/** What is sent, each as the arguments of one signal. null: no arguments at all. */
const HOSTILE: Record<string, () => Promise<(Payload[] | null)[]>> = {
  'plaintext of any encoding': async () => [
    [payload('json/plain', '{"half":')],
    [payload('json/plain', '{"payload":"{}","signature":"-----BEGIN SSH SIGNATURE-----"}')],
    [payload('json/plain', '"\ud800"')],
    [payload('text/exotic', 'x')],
    [payload('binary/null', '')],
    [payload('json/protobuf', '{}')],
    [payload(null, 'x')],
    [{ metadata: {} }],
    [{}],
  ],
  'garbage in the encrypted envelope': async () => {
    const good = await raw.value({ payload: '{}', signature: 'x'.repeat(40) });
    const flipped = Buffer.from(good.data ?? []);
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    return [
      [payload('binary/encrypted', randomBytes(64), 'k-0000000000000000')],
      [payload('binary/encrypted', randomBytes(64))],
      [{ ...good, data: randomBytes(9) }],
      [{ ...good, data: flipped }],
      [{ metadata: good.metadata ?? {} }],
      [await raw.encrypted('json/plain', '{"half":')],
      [await raw.encrypted('text/exotic', 'x')],
      [await raw.encrypted(null, 'x')],
      [await raw.encrypted('binary/encrypted', good.data ?? '')],
    ];
  },
  'one MiB of noise': async () => {
    const good = await raw.value(0);
    return [
      [payload('json/plain', randomBytes(1 << 20))],
      [{ ...good, data: randomBytes(1 << 20) }],
      [await raw.encrypted('json/plain', JSON.stringify({ payload: 'x'.repeat(1 << 20), signature: '' }))],
    ];
  },
  'no arguments, too many, and the wrong shapes': async () => [
    null,
    [],
    await Promise.all(Array.from({ length: 10 }, (_, index) => raw.value(index))),
    ...(await Promise.all(
      [
        null,
        7,
        'kill',
        [],
        {},
        { payload: 1, signature: 2 },
        { payload: long, signature: long },
        { payload: '{}', signature: long },
        { payload: '{}', signature: 'x'.repeat(40), act: 'kill' },
        { payload: '{"act":"kill"}' },
        { payload: { toString: 1 }, signature: [] },
        JSON.parse('{"__proto__": {"payload": "{}"}, "constructor": 1}') as unknown,
      ].map(async (shape) => [await raw.value(shape)]),
    )),
  ],
};

describe('signals that nobody could have meant', () => {
  for (const [what, make] of Object.entries(HOSTILE)) {
    it.concurrent(`${what}: a kill still works`, async ({ expect }) => {
      const asked = await stack.activate();
      const hostile = await make();
      for (const payloads of hostile) for (const name of NAMES) await raw.signal(asked.event, name, payloads);

      expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
      const ended = await stack.advanceToEnd(asked.event, '20m');
      expect(ended).toMatchObject({ state: 'revoked', cause: 'kill' });
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
      // Each one under the name of an act was refused and counted; those under another name were nobody's to count.
      expect(ended.refused_statements).toBe(hostile.length * 2);
      expect(ended.approvals.map(({ approver }) => approver)).toEqual(['bob@corp.example', 'carol@corp.example']);
      expect(failedTasks(await raw.history(ceremonyWorkflowId(asked.event)))).toEqual([]);
    });
  }

  it.concurrent(
    'a kill that a stranger signed: neither the ceremony nor the effect takes it for one',
    async ({ expect }) => {
      const asked = await stack.activate();
      const common = stack.common(asked.event, asked.request_digest, 'bob', await stack.now(asked.event));
      await stack.signal(asked.event, 'kill', signWithStranger({ ...common, act: 'kill' }));
      await stack.until(asked.event, ({ refused_statements }) => refused_statements === 1);
      expect(await stack.view(asked.event)).toMatchObject({ state: 'active' });
      const { assignments, calls } = await stack.graph.truth(asked.tenant);
      expect(assignments).toHaveLength(1);
      expect(calls.filter(({ action }) => action === 'adminRemove')).toEqual([]);

      expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
      expect(await stack.advanceToEnd(asked.event, '20m')).toMatchObject({ state: 'revoked', cause: 'kill' });
      // Both were tried while they were under check: the forged one came to nothing, bob's to the removal.
      const events = await raw.history(ceremonyWorkflowId(asked.event));
      const names = events.map(({ activityTaskScheduledEventAttributes: task }) => task?.activityType?.name);
      expect(names.filter((name) => name === 'rollbackOnOrder')).toHaveLength(2);
      expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    },
  );

  it.concurrent('as updates and queries they change nothing, and a kill works', async ({ expect }) => {
    const asked = await stack.ask();
    const garbage = [payload('json/plain', '{"half":')];
    await expect(raw.query(asked.event, 'no-such-query', garbage)).rejects.toThrow();
    await expect(raw.query(asked.event, 'verdict', garbage)).resolves.toBeDefined();
    await expect(raw.query(asked.event, 'verdict', [])).resolves.toBeDefined();
    for (const name of ['kill', 'no-such-update']) await raw.update(asked.event, name, garbage);
    await raw.update(asked.event, '__temporal_workflow_metadata', garbage).catch(() => undefined);
    expect(await stack.say(asked, 'alice', 'kill')).toMatchObject({ status: 'accepted' });
    expect(await stack.untilState(asked.event, 'cancelled')).toMatchObject({ cause: 'kill', refused_statements: 0 });
    expect(failedTasks(await raw.history(ceremonyWorkflowId(asked.event)))).toEqual([]);
  });
});

describe('workflows that are started with garbage', () => {
  const inputs: Record<string, () => Promise<Payload[] | null>> = {
    'no input': async () => null,
    'invalid JSON in clear': async () => [payload('json/plain', '{"half":')],
    'encrypted noise': async () => [await raw.encrypted('json/plain', randomBytes(2000))],
    'the wrong shape': async () => [await raw.value({ event_id: 7, envelope: 'x' })],
    'a state of its own making': async () => [
      await raw.value({ event_id: 'f'.repeat(16), state: { phase: 'active' } }),
    ],
  };
  for (const type of ['breakGlass', 'reseal']) {
    for (const [what, make] of Object.entries(inputs)) {
      it.concurrent(`${type} with ${what} ends at once`, async ({ expect }) => {
        const workflowId = `${type}/${what}`;
        await raw.start(workflowId, type, TASK_QUEUES.ceremonies, await make());
        const ended: unknown = await stack.stack.client.workflow
          .getHandle(workflowId)
          .result()
          .catch((error: unknown) => (error as { cause?: { type?: string } }).cause?.type);
        expect(['invalid_input', 'no_intent']).toContain(ended);
        expect(failedTasks(await raw.history(workflowId))).toEqual([]);
      });
    }
  }

  it.concurrent('a type that nobody knows ends at once', async ({ expect }) => {
    await raw.start('unknown', 'no-such-workflow', TASK_QUEUES.ceremonies, [payload('json/plain', '{"half":')]);
    const ended = stack.stack.client.workflow.getHandle('unknown').result() as Promise<string | undefined>;
    const failure = await ended.catch((error: unknown) => (error as { cause?: { type?: string } }).cause?.type);
    expect(failure).toBe('unknown_workflow');
  });

  it.concurrent(
    'breakGlass with a request and a state of its own making begins at the beginning',
    async ({ expect }) => {
      const asked = stack.prepare();
      const state = { phase: 'granting', grant: 'granted', event_id: asked.event };
      const input = await raw.value({ event_id: asked.event, envelope: asked.envelope, state, pending: [] });
      await raw.start(ceremonyWorkflowId(asked.event), 'breakGlass', TASK_QUEUES.ceremonies, [input]);
      await stack.untilState(asked.event, 'awaiting_approval');
      expect(await stack.say(asked, 'alice', 'kill')).toMatchObject({ status: 'accepted' });
      await stack.untilState(asked.event, 'cancelled');
    },
  );

  it.concurrent('an impostor under the id of a reseal does not keep the reconciler from it', async ({ expect }) => {
    const asked = await stack.activate();
    const reseal = resealWorkflowId(asked.event);
    await raw.start(reseal, 'no-such-workflow', 'no-such-queue', null);
    await stack.stack.client.workflow.getHandle(ceremonyWorkflowId(asked.event)).terminate('by somebody');
    await raw.start(ceremonyWorkflowId(asked.event), 'no-such-workflow', 'no-such-queue', null);
    const running = async () => (await stack.stack.client.workflow.getHandle(reseal).describe()).type === 'reseal';
    await expect.poll(running, { timeout: 30_000 }).toBe(true);
    await stack.advance(asked.event, '8m', reseal);
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
  });
});
