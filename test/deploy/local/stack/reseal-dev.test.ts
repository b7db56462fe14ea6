import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { DevJson } from '../../../../deploy/local/stack/dev-json.js';
import type { CeremonyView } from '../../../../domain/view.js';
import { descendantsOf, isAlive, ResealProcess } from '../../../support/dev-process.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-dev-'));
const at = (...parts: string[]): string => join(folder, '.reseal', ...parts);
const devJson = (): DevJson => JSON.parse(readFileSync(at('dev.json'), 'utf8')) as DevJson;
const pidIn = (file: string): number => (JSON.parse(readFileSync(at(file), 'utf8')) as { pid: number }).pid;
const LOCKS = ['dev.json', 'dev.pid', 'temporal.pid', 'register.lock'];

const reseal = (...args: string[]) => ResealProcess.run(['--no-input', ...args], folder);
async function view(event: string): Promise<CeremonyView> {
  const { stdout, stderr, status } = await reseal('breakglass', 'check', event, '-o', 'json');
  expect({ status, stderr }).toMatchObject({ status: expect.any(Number) as number });
  return JSON.parse(stdout) as CeremonyView;
}

/** One folder through the life of a stack: each test takes up where the one before it left off. */
describe('reseal dev', () => {
  let dev: ResealProcess | undefined;
  let event = '';
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`reseal dev said: ${dev?.stderr ?? ''}\n`);
  });
  afterAll(async () => {
    await dev?.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  it('prints its addresses and then `ready`, and tells other commands where everything is', async () => {
    dev = await ResealProcess.dev(folder);
    const told = devJson();
    expect(dev.stdout.trim().split('\n').at(-1)).toBe('ready');
    for (const address of [told.gateway_url, told.temporal_ui_url, told.temporal_address, told.graph_url]) {
      expect(dev.stdout).toContain(address);
    }
    expect(told).toMatchObject({ pid: dev.pid, temporal_namespace: 'default', database_url: null });
    expect(told.graph_control_url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(told.identities.map(({ upn }) => upn.split('@')[0])).toEqual(['alice', 'bob', 'carol']);
    for (const { key_path, object_id } of told.identities) {
      expect(readFileSync(key_path, 'utf8')).toContain('BEGIN OPENSSH PRIVATE KEY');
      expect(object_id).toMatch(/^[0-9a-f]{8}-/);
    }
    const [gateway, ui] = await Promise.all([fetch(`${told.gateway_url}/v1/events`), fetch(told.temporal_ui_url)]);
    expect([gateway.status, ui.status]).toEqual([200, 200]);
  });

  it('says that one is running to a second one in the same folder', async () => {
    const started = Date.now();
    for (const args of [[], ['--ephemeral']]) {
      const second = await ResealProcess.run(['dev', ...args], folder);
      expect(second.status).toBe(2);
      expect(second.stderr).toContain(`a local stack is running in ${at()} (pid ${dev?.pid})`);
    }
    expect(Date.now() - started).toBeLessThan(20_000);
    expect(devJson().pid).toBe(dev?.pid);
  });

  it('lets the command line ask and approve without being told anything', async () => {
    const why = ['--reason-code', 'incident', '--justification', 'Sign-in is broken for everybody since noon'];
    const asked = await reseal('breakglass', '--as', 'alice', '--profile', 'security-admin', ...why, '-o', 'json');
    expect(asked).toMatchObject({ status: 0 });
    event = (JSON.parse(asked.stdout) as { event_id: string }).event_id;
    expect(await reseal('approve', event, '--as', 'bob')).toMatchObject({ status: 0 });
  });

  it('leaves no process and no lock behind at Ctrl-C', async () => {
    const children = descendantsOf(dev?.pid ?? 0);
    expect(children.length).toBeGreaterThan(0);
    expect(await dev?.end('SIGINT')).toBe(0);
    expect(children.filter(isAlive)).toEqual([]);
    expect(LOCKS.filter((file) => existsSync(at(file)))).toEqual([]);
  });

  it('says what to do when nothing runs', async () => {
    const check = await reseal('breakglass', 'check', event);
    expect(check.status).toBe(6);
    const advance = await reseal('dev', 'advance', event, '5m');
    expect(advance.status).toBe(2);
    expect(advance.stderr).toContain('reseal dev');
  });

  it('goes on with its ceremonies when it is started again', async () => {
    dev = await ResealProcess.dev(folder);
    expect(await view(event)).toMatchObject({
      state: 'awaiting_approval',
      approvals: [{ approver: 'bob@corp.example' }],
    });
    expect(await reseal('approve', event, '--as', 'carol')).toMatchObject({ status: 0 });
    await expect.poll(async () => (await view(event)).state, { timeout: 120_000, interval: 1_000 }).toBe('active');
  });

  it('leaves a Temporal server when it is killed, which the next start finds and stops', async () => {
    const server = pidIn('temporal.pid');
    await dev?.end('SIGKILL');
    expect(isAlive(server)).toBe(true);
    dev = await ResealProcess.dev(folder);
    expect(dev.stderr).toContain('stopped a Temporal server that an earlier stack left behind');
    expect(isAlive(server)).toBe(false);
    expect(pidIn('temporal.pid')).not.toBe(server);
  });

  it('ends on time what was active when it was killed', async () => {
    expect(await view(event)).toMatchObject({ state: 'active' });
    expect(await reseal('dev', 'advance', event, '31m')).toMatchObject({ status: 0 });
    await expect.poll(async () => (await view(event)).state, { timeout: 120_000, interval: 1_000 }).toBe('expired');
    const truth = (await (await fetch(`${devJson().graph_control_url}/truth`)).json()) as { assignments: unknown[] };
    expect(truth.assignments).toEqual([]);
    const file = join(folder, 'bundle.json');
    await expect
      .poll(async () => (await reseal('evidence', 'export', event, '--out', file)).status, { timeout: 90_000 })
      .toBe(0);
    expect(await reseal('evidence', 'verify', file)).toMatchObject({ status: 0 });
  });

  it('ends with an error when its server is killed, and leaves nothing', async () => {
    process.kill(pidIn('temporal.pid'), 'SIGKILL');
    expect(await dev?.ended()).toBe(1);
    expect(dev?.stderr).toContain("Temporal's server ended by itself");
    expect(LOCKS.filter((file) => existsSync(at(file)))).toEqual([]);
  });
});
