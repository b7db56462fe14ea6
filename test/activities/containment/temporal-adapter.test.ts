import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pauseAdapter, signalAdapter } from '../../../activities/containment/temporal-adapter.js';
import { startTemporalServer, type TemporalServer } from '../../../deploy/local/temporal/start-temporal.js';
import { realTemporalCli } from '../../deploy/local/temporal/real-temporal.js';

const { cli, reason } = await realTemporalCli();
const cause = { incident_id: 'INC-20260601-100000-0001', host: 'edge-1' };

describe.skipIf(reason !== null)(`another workflow${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'reseal-freeze-'));
  let server: TemporalServer;
  let connection: Connection;
  let native: NativeConnection;
  let worker: Worker;
  let running: Promise<void>;
  const namespace = 'agents';
  const workflow_id = 'agent/1';

  beforeAll(async () => {
    server = await startTemporalServer({
      cli,
      dbPath: null,
      namespace,
      searchAttributes: {},
      dynamicConfig: { 'frontend.WorkflowPauseEnabled': true },
      uiCodecEndpoint: 'http://127.0.0.1:1',
      logPath: join(folder, 'temporal.log'),
      pidFile: join(folder, 'temporal.pid'),
    });
    [connection, native] = await Promise.all([
      Connection.connect({ address: server.address }),
      NativeConnection.connect({ address: server.address }),
    ]);
    worker = await Worker.create({
      connection: native,
      namespace,
      taskQueue: 'agents',
      workflowsPath: fileURLToPath(new URL('./fixtures/freezable.ts', import.meta.url)),
    });
    running = worker.run();
    await new Client({ connection, namespace }).workflow.start('freezable', {
      taskQueue: 'agents',
      workflowId: workflow_id,
    });
  });
  afterAll(async () => {
    if (worker?.getState() === 'RUNNING') worker.shutdown();
    await running;
    await Promise.all([native?.close(), connection?.close()]);
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const access = () => ({ connection: () => Promise.resolve(connection), namespace });
  const target = {
    kind: 'temporal_signal' as const,
    workflow_id,
    contain: { signal: 'freeze', args: ['an incident'] },
    release: { signal: 'thaw', args: [] },
    state: { query: 'how', member: 'state', contained: 'frozen', released: 'working' },
    timeout_seconds: 30,
  };

  it('is frozen by its own signal, which its query shows, and goes on by another', async () => {
    const adapter = signalAdapter(access(), target);
    expect(await adapter.observe()).toEqual({ state: 'released', revision: null });
    await adapter.contain(cause);
    expect(await adapter.observe()).toEqual({ state: 'contained', revision: null });
    await adapter.release(cause);
    expect(await adapter.observe()).toEqual({ state: 'released', revision: null });
  });

  it('is told apart from one that is not there, or does not know the question', async () => {
    const nobody = signalAdapter(access(), { ...target, workflow_id: 'agent/2' });
    await expect(nobody.contain(cause)).rejects.toMatchObject({ code: 'not_found' });
    const deaf = signalAdapter(access(), { ...target, state: { ...target.state, query: 'who' } });
    await expect(deaf.observe()).rejects.toMatchObject({ code: 'answer_malformed' });
    const elsewhere = signalAdapter(access(), { ...target, namespace: 'nowhere' });
    await expect(elsewhere.contain(cause)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is held by the server, and let go', async () => {
    const adapter = pauseAdapter(access(), { kind: 'temporal_pause', workflow_id, timeout_seconds: 30 });
    // The server reads its dynamic configuration again now and then, and refuses until it has.
    for (;;) {
      const refused = await adapter.contain(cause).then(
        () => null,
        (error: unknown) => error,
      );
      if (refused === null) break;
      expect(refused).toMatchObject({ code: 'not_supported' });
      await sleep(500);
    }
    const held = await adapter.observe();
    expect(held.state).toBe('contained');
    expect(held.revision).toContain('/reseal');
    await adapter.contain(cause);
    expect(await adapter.observe()).toEqual(held);
    await adapter.release(cause);
    expect(await adapter.observe()).toEqual({ state: 'released', revision: null });
  });
});
