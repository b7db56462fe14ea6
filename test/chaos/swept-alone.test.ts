import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGraphSimulator, type GraphSimulator } from '../../deploy/local/graph/server.js';
import { workerFile } from '../../deploy/local/stack/worker-settings.js';
import { LOCAL_APPLICATIONS } from '../../deploy/local/stack/local-world.js';
import { readEntry } from '../../proofs/receipt.js';
import { parseTrust } from '../../proofs/trust.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { GraphControl } from '../support/graph-control.js';
import { commandLine, foundIn, sweep } from '../support/sweeping.js';

let folder: string;
let graph: GraphSimulator;
let control: GraphControl;
let asked: Asked;
let config: string;
let trustPath: string;

/** A ceremony whose glass is broken; then everything of ours is gone, and only Graph goes on. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-alone-'));
  const stack = await CeremonyStack.start({ dir: folder, ephemeral: false });
  asked = await stack.activate();
  config = workerFile(stack.stack.layout, 'sweeper');
  trustPath = stack.stack.layout.trust;
  const { graph_url: url } = stack.stack.dev;
  const { graphState } = stack.stack.layout;
  await stack.stop();
  graph = await startGraphSimulator({ port: Number(new URL(url).port), statePath: graphState });
  control = new GraphControl(graph.controlUrl);
}, 180_000);
afterAll(async () => {
  await graph?.close();
  await rm(folder, { recursive: true, force: true });
});

const alone = (...argv: string[]) => sweep(folder, trustPath, ...argv, '--standalone', '--config', config);

describe('a sweep with Temporal and the register stopped', () => {
  it('leaves what has time, and says why', async () => {
    const told = await alone('run');
    expect(told).toMatchObject({ status: 0, standing: 'clean' });
    expect(foundIn(told, asked.tenant)).toMatchObject([{ verdict: 'in_time', event_id: asked.event }]);
    expect((await control.truth(asked.tenant)).assignments).toHaveLength(1);
  }, 60_000);

  it('ends with 6 and not with 0 where Graph cannot be read', async () => {
    const { tenant } = asked;
    await control.fault({
      tenant,
      method: 'GET',
      path: '*/roleAssignmentScheduleRequests',
      effect: 'status',
      status: 403,
    });
    const told = await alone('run');
    expect(told).toMatchObject({ status: 6, standing: 'unknown' });
  }, 60_000);

  it('says 8 while it may not remove what is past its time', async () => {
    await control.post('/clock', { tenant: asked.tenant, advance_seconds: 32.5 * 60 });
    const denied = { action: 'adminRemove', app: LOCAL_APPLICATIONS.sweeper, effect: 'status', status: 403 };
    await control.fault({ tenant: asked.tenant, ...denied });
    const told = await alone('run');
    expect(told).toMatchObject({ status: 8, standing: 'standing' });
    expect(foundIn(told, asked.tenant)).toMatchObject([{ verdict: 'due', outcome: { end: 'standing' } }]);
    const { status, out } = await commandLine(['sweep', 'explain', asked.event, '--standalone', '--config', config], {
      cwd: folder,
    });
    expect(status).toBe(0);
    expect(out).toContain('its deadline is over by two minutes: the sweep ends it');
    expect((await control.truth(asked.tenant)).assignments).toHaveLength(1);
  }, 60_000);

  it('reseals it, with a receipt that verifies from the trust roots alone', async () => {
    const told = await alone('run');
    expect(told).toMatchObject({ status: 0, standing: 'clean' });
    const [finding] = foundIn(told, asked.tenant);
    expect(finding).toMatchObject({ verdict: 'due', event_id: asked.event, outcome: { end: 'confirmed' } });
    expect((await control.truth(asked.tenant)).assignments).toEqual([]);
    const trust = parseTrust(await readFile(trustPath));
    if (!trust.ok) throw new Error(trust.message);
    const read = readEntry(finding?.outcome?.receipt?.envelope, asked.event, trust.trust.keyOf);
    expect(read).toMatchObject({ ok: true, role: 'sweeper', entry: { type: 'swept', data: { ended_by: 'sweep' } } });
    const status = await alone('status');
    expect(status.report).toEqual(told.report);
    expect((await alone('run')).report.counts).toMatchObject({ due: 0 });
  }, 120_000);

  it('names the file and the member of settings that cannot work', async () => {
    const { status, err } = await commandLine(['sweep', 'run', '--standalone', '--config', 'nothing.json'], {
      cwd: folder,
    });
    expect(status).toBe(2);
    expect(err).toContain('nothing.json cannot be read');
  });
});
