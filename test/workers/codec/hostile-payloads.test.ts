import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { Payload, ProtoFailure } from '@temporalio/common';
import proto from '@temporalio/proto';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundle,
} from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTemporalServer, type TemporalServer } from '../../../deploy/local/temporal/start-temporal.js';
import { clientDataConverter, converterPaths } from '../../../workers/codec/data-converter.js';
import { makeKeyring } from '../../../workers/codec/keyring.js';
import { EncryptionCodec } from '../../../workers/codec/payload-codec.js';
import { realTemporalCli } from '../../deploy/local/temporal/real-temporal.js';
import { workerDataConverterFromSource } from './fixtures/compiled-converters.js';
import type { failing, inbox } from './fixtures/inbox.js';

const { cli, reason } = await realTemporalCli();
type Event = proto.temporal.api.history.v1.IHistoryEvent;
const FORCE_CLOSE_COMMAND =
  proto.temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND;
const taskQueue = 'codec';
const namespace = 'default';
const keyring = makeKeyring('k-1', [['k-1', randomBytes(32)]]);
const codec = new EncryptionCodec(keyring);
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

function payload(encoding: string, data: string | Uint8Array, keyId?: string): Payload {
  const metadata: Record<string, Uint8Array> = { encoding: utf8(encoding) };
  if (keyId !== undefined) metadata['reseal-key-id'] = utf8(keyId);
  return { metadata, data: typeof data === 'string' ? utf8(data) : data };
}

async function encrypted(encoding: string, data: string): Promise<Payload> {
  return (await codec.encode([payload(encoding, data)]))[0] as Payload;
}

/** Payloads that must not be believed, with the reason that each arrives as. */
async function hostilePayloads(): Promise<[reason: string, payload: Payload][]> {
  const flipped = await encrypted('json/plain', '"good"');
  const data = Buffer.from(flipped.data ?? []);
  data[20] = (data[20] ?? 0) ^ 1;
  return [
    ['not_encrypted', payload('json/plain', '{"half":')],
    ['not_encrypted', payload('json/plain', '{"act":"approve"}')],
    ['not_encrypted', payload('json/plain', randomBytes(1 << 20))],
    ['unknown_encoding', payload('text/exotic', 'x')],
    ['missing_encoding', { metadata: {} }],
    ['unknown_key', payload('binary/encrypted', randomBytes(64), 'k-2')],
    ['truncated', payload('binary/encrypted', randomBytes(9), 'k-1')],
    ['tampered', payload('binary/encrypted', randomBytes(1 << 20), 'k-1')],
    ['tampered', { ...flipped, data }],
    ['invalid_json', await encrypted('json/plain', '{"half":')],
    ['unknown_encoding', await encrypted('text/exotic', 'x')],
  ];
}

/** A history as text, payload bytes included. */
function readable(history: unknown): string {
  const bytesAsText = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  return JSON.stringify(history, bytesAsText);
}

describe.skipIf(reason !== null)(
  `hostile payloads on a real server${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-codec-'));
    let server: TemporalServer;
    let connection: Connection;
    let native: NativeConnection;
    let client: Client;
    let worker: Worker;
    let running: Promise<void>;
    let bundle: WorkflowBundle;

    beforeAll(async () => {
      Runtime.install({ logger: new DefaultLogger('ERROR') });
      const workflowsPath = fileURLToPath(new URL('./fixtures/inbox.ts', import.meta.url));
      [server, bundle] = await Promise.all([
        startTemporalServer({ cli, dbPath: null, searchAttributes: {}, logPath: join(folder, 'temporal.log') }),
        bundleWorkflowCode({ workflowsPath, ...converterPaths, logger: new DefaultLogger('ERROR') }),
      ]);
      connection = await Connection.connect({ address: server.address });
      native = await NativeConnection.connect({ address: server.address });
      client = new Client({ connection, dataConverter: clientDataConverter(keyring) });
      const dataConverter = workerDataConverterFromSource(keyring);
      worker = await Worker.create({ connection: native, taskQueue, workflowBundle: bundle, dataConverter });
      running = worker.run();
    }, 60_000);

    afterAll(async () => {
      worker.shutdown();
      await running;
      await connection.close();
      await native.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }, 30_000);

    const signal = (workflowId: string, signalName: string, payloads: Payload[]) =>
      connection.workflowService.signalWorkflowExecution({
        ...{ namespace, workflowExecution: { workflowId }, signalName, input: { payloads } },
      });

    /** Batch by batch: the server cannot answer with more than 4 MiB at once. */
    async function historyOf(workflowId: string): Promise<Event[]> {
      const events: Event[] = [];
      let nextPageToken: Uint8Array | undefined;
      do {
        const page = await connection.workflowService.getWorkflowExecutionHistory({
          ...{ namespace, execution: { workflowId }, maximumPageSize: 1, nextPageToken },
        });
        events.push(...(page.history?.events ?? []));
        nextPageToken = page.nextPageToken;
      } while (nextPageToken && nextPageToken.length > 0);
      return events;
    }

    it('become values with a reason, and a following kill works', async () => {
      const handle = await client.workflow.start<typeof inbox>('inbox', { taskQueue, workflowId: 'hostile' });
      const hostile = await hostilePayloads();
      for (const [, payload] of hostile) {
        for (const name of ['approve', 'no-such-signal', 'kill']) await signal('hostile', name, [payload]);
      }
      await signal('hostile', 'approve', []);
      await signal('hostile', 'approve', [await encrypted('json/plain', '"good"')]);
      await handle.signal('kill', { person: 'alice' });

      expect(await handle.result()).toEqual({
        received: [...hostile.map(([reason]) => ({ undecodable: true, reason })), 'nothing', 'good'],
        killedBy: 'alice',
      });
      const events = await historyOf('hostile');
      // The server itself restarts a workflow task when over 2 MiB of signals wait behind it; nothing else may fail one.
      const failures = events.map((event) => event.workflowTaskFailedEventAttributes?.cause ?? null);
      expect(failures.filter((cause) => cause !== null && cause !== FORCE_CLOSE_COMMAND)).toEqual([]);
      // A replay decides the same from the same bytes.
      const dataConverter = workerDataConverterFromSource(keyring);
      await Worker.runReplayHistory({ workflowBundle: bundle, dataConverter }, { events }, 'hostile');
    }, 30_000);

    it('as failures of an activity arrive as failures', async () => {
      const garbage = payload('json/plain', '{');
      const failures: [type: string, failure: ProtoFailure][] = [
        ['a', { message: 'x', applicationFailureInfo: { type: 'a' }, encodedAttributes: garbage }],
        ['b', { message: 'x', applicationFailureInfo: { type: 'b', details: { payloads: [{ metadata: {} }] } } }],
        [
          'c',
          { message: 'x', applicationFailureInfo: { type: 'c' }, cause: { childWorkflowExecutionFailureInfo: {} } },
        ],
        ['d', { message: 'x', applicationFailureInfo: { type: 'd' }, cause: { activityFailureInfo: {} } }],
      ];
      for (const [type, failure] of failures) {
        const options = { taskQueue, workflowId: `failing-${type}` };
        const handle = await client.workflow.start<typeof failing>('failing', options);
        const poll = { namespace, taskQueue: { name: 'nobody-honest' } };
        const { taskToken } = await connection.withDeadline(Date.now() + 10_000, () =>
          connection.workflowService.pollActivityTaskQueue(poll),
        );
        await connection.workflowService.respondActivityTaskFailed({ namespace, taskToken, failure });
        expect(await handle.result()).toMatchObject({ name: 'ApplicationFailure', type });
      }
    }, 30_000);

    it('leave nothing readable in a history, failures included', async () => {
      const options = { taskQueue, workflowId: 'quiet', staticSummary: 'a hush-hush summary' };
      const handle = await client.workflow.start<typeof inbox>('inbox', options);
      await handle.signal('approve', 'hush-hush');
      await handle.signal('kill', { person: 'hush-hush' });
      expect(await handle.result()).toEqual({ received: ['hush-hush'], killedBy: 'hush-hush' });
      expect(readable(await handle.fetchHistory())).not.toContain('hush');

      const failing = await client.workflow.start('secretFailure', { taskQueue, workflowId: 'secret-failure' });
      await expect(failing.result()).rejects.toMatchObject({ cause: { message: 'hush-hush' } });
      expect(readable(await failing.fetchHistory())).not.toContain('hush');
    }, 30_000);
  },
);
