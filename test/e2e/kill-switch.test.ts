import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { LOCAL_APPLICATIONS } from '../../deploy/local/stack/local-world.js';
import { workerFile } from '../../deploy/local/stack/worker-settings.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { ROLES } from '../../domain/roles.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { letIn, type Job } from '../support/jobs.js';
import { PEOPLE, testPolicy } from '../support/people.js';
import { entriesOf, hurry, isOver, ledgerOf } from '../support/records.js';
import { RoleProcess } from '../support/role-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const CREDENTIALS = 'effect:entra.credentials';
const APPLICATION = 'a9900000-0000-4000-8000-000000000001';
const SECURITY_READER = '5d6b6bb7-de71-4623-b4af-96380a352509';
const [ALICE, BOB] = [PEOPLE[0]!, PEOPLE[1]!];
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Everything that a kill can do, on the first profile; the others say nothing of it. */
function policy(): string {
  const read = parse(testPolicy(4)) as { profiles: Record<string, object> };
  const on_kill = {
    report_granted: true,
    disable_account: true,
    halt_job: ['runner'],
    rotate: [
      { kind: 'application_secret', application_id: APPLICATION, sink: 'plugin' },
      { kind: 'user_password', user_id: 'principal', sink: 'local' },
    ],
  };
  const profiles = { ...read.profiles, p0: { ...read.profiles['p0'], on_kill } };
  return stringify({ ...read, profiles });
}

/**
 * A vault that hangs on the first secret it is given, until the role that gave it is dead, and takes the next. What it held
 * first is kept too, to be searched for.
 */
const PLUGIN = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
if [ ! -e go ]; then
  cat > first; : > asked
  while [ ! -e go ]; do sleep 0.2; done
  exit 1
fi
cat > last.new && mv last.new last
`;

describe('the kill switch', () => {
  let folder: string;
  let stack: CeremonyStack;
  let rotator: RoleProcess;
  /** A runtime of jobs that is not under `reseal exec`, and cannot be told at first. */
  let runner: WebhookReceiver;
  let job: Job;
  const runnerKey = `whsec_${randomBytes(32).toString('base64')}`;
  let asked: Asked;
  const said: string[] = [];
  const start = () => RoleProcess.start({ roles: [CREDENTIALS], config: workerFile(stack.stack.layout, CREDENTIALS) });
  const secretIn = async (file: string): Promise<string> =>
    (JSON.parse(await readFile(file, 'utf8')) as { secret: string }).secret;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-vault-'));
    const plugin = path.join(folder, 'plugin.sh');
    await writeFile(plugin, PLUGIN);
    await chmod(plugin, 0o700);
    runner = await WebhookReceiver.start();
    runner.answers(503);
    const secret_path = path.join(folder, 'runner-key');
    await writeFile(secret_path, runnerKey, { mode: 0o600 });
    stack = await CeremonyStack.start({
      policyYaml: policy(),
      jobRuntimes: { runner: { kind: 'webhook', url: runner.url, secret_path } },
      roles: ROLES.filter((role) => role !== CREDENTIALS),
      sinks: { plugin: { kind: 'exec', command: [plugin], timeout_seconds: 30 } },
      log: (message, fields) => said.push(JSON.stringify({ message, ...fields })),
    });
    rotator = await start();
    asked = await stack.activate();
    job = await letIn(stack, asked);
    await stack.graph.post('/applications', { id: APPLICATION, tenant: asked.tenant, passwords: ['its own'] });
    await stack.advance(asked.event, '6m');
    // What the principal did with the privilege, before somebody noticed.
    const given = { principal_id: BOB.object_id, role_definition_id: SECURITY_READER, tenant: asked.tenant };
    const ends_at = new Date((await stack.now(asked.event)) + 36_000_000).toISOString();
    await stack.graph.assignment({ ...given, ends_at, created_by_user: ALICE.object_id });
    // A permission that somebody forgot: the account cannot be disabled until it is given.
    const denied = { method: 'PATCH', path: '/users', app: LOCAL_APPLICATIONS.account, effect: 'status', status: 403 };
    await stack.graph.fault({ tenant: asked.tenant, ...denied, times: null });
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    await untilThere(path.join(folder, 'asked'));
    // Between addPassword and the sink: the secret is lost.
    await rotator.end('SIGKILL');
    await writeFile(path.join(folder, 'go'), '');
    said.push(rotator.stderr);
    rotator = await start();
  }, 180_000);

  afterAll(async () => {
    await rotator?.end('SIGKILL');
    await stack?.stop();
    await runner?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('ends the grant without waiting for anything else, and says what is pending', async () => {
    const ended = await hurry(stack, asked.event, isOver);
    expect(ended).toMatchObject({ state: 'revoked', cause: 'kill', kill: { trigger: 'operator_statement' } });
    expect(ended.flags).toContain('actions_pending');
    await stack.graph.clearFaults(asked.tenant);
    await expect.poll(() => runner.received.length, { timeout: 60_000 }).toBeGreaterThan(0);
    runner.answers(204);
  });

  it('does everything else all the same, and records each', async () => {
    const isDone = ({ flags }: { flags: string[] }): boolean => !flags.includes('actions_pending');
    const view = await hurry(stack, asked.event, isDone, { step: '2m' });
    expect(view.kill?.actions.map(({ key, result }) => [key, result])).toEqual([
      ['halt_job/0', 'done'],
      ['disable_account', 'done'],
      ['rotate/0', 'done'],
      ['rotate/1', 'done'],
      ['report_granted', 'done'],
      ['report_granted/settled', 'done'],
    ]);
    expect(view.kill?.granted).toMatchObject([
      { via: 'pim', principal_id: BOB.object_id, role_template_id: SECURITY_READER, standing: true },
    ]);
    expect(await entriesOf(stack, asked.event, 'credential_rotated', 2)).toHaveLength(2);
    expect(await entriesOf(stack, asked.event, 'account_disabled')).toMatchObject([{ was_enabled: true }]);
    expect(await entriesOf(stack, asked.event, 'granted_listed', 2)).toMatchObject([{ total: 1 }, { total: 1 }]);
    // Sealed again with what came after the end.
    await expect
      .poll(async () => (await verifiedBundle(stack, asked.event)).facts.kill_actions.length, { timeout: 60_000 })
      .toBe(6);
    const { errors, not_verified, facts } = await verifiedBundle(stack, asked.event);
    expect(errors).toEqual([]);
    expect(not_verified.filter((sentence) => sentence.includes('the kill called for it'))).toEqual([]);
    expect(facts.kill_actions.map(({ result }) => result)).toEqual(Array(6).fill('done'));
  });

  it('has told the runtime to halt the jobs that were let in, signed, and under one id however often', () => {
    const [first, ...later] = runner.received;
    const { 'webhook-id': id } = first?.headers ?? {};
    expect(later.length).toBeGreaterThan(0);
    for (const { headers, body } of runner.received) {
      expect(headers['webhook-id']).toBe(id);
      const told = new Webhook(runnerKey).verify(body, headers);
      expect(told).toMatchObject({ type: 'halt_job', event_id: asked.event, runtime: 'runner', jobs: [job.job] });
    }
  });

  it('leaves one secret standing, the one that its sink holds, whatever the crash lost', async () => {
    const truth = (await stack.graph.truth(asked.tenant)) as unknown as {
      applications: { passwords: { secret_sha256: string }[] }[];
      accounts: { id: string; enabled: boolean; password_sha256: string }[];
    };
    const secret = await secretIn(path.join(folder, 'last'));
    expect(truth.applications[0]?.passwords.map(({ secret_sha256 }) => secret_sha256)).toEqual([sha256(secret)]);
    expect(await secretIn(path.join(folder, 'first'))).not.toBe(secret);
    const file = path.join(stack.stack.layout.rotated, `user_password-${ALICE.object_id}.json`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(truth.accounts.find(({ id }) => id === ALICE.object_id)).toMatchObject({
      enabled: false,
      password_sha256: sha256(await secretIn(file)),
    });
  });

  it('keeps the secrets out of history, ledger, view, bundle, database and logs', async () => {
    const secrets = [
      await secretIn(path.join(folder, 'first')),
      await secretIn(path.join(folder, 'last')),
      await secretIn(path.join(stack.stack.layout.rotated, `user_password-${ALICE.object_id}.json`)),
    ];
    const bundle = await (await fetch(`${stack.stack.dev.gateway_url}/v1/events/${asked.event}/bundle`)).text();
    const places = {
      history: await decodedHistory(stack, asked.event),
      ledger: JSON.stringify(await ledgerOf(stack, asked.event)),
      view: JSON.stringify(await stack.view(asked.event)),
      bundle: bundle + Buffer.from(bundle, 'base64').toString('latin1') + payloadsIn(bundle),
      database: await everyRow(stack),
      simulator: JSON.stringify(await stack.graph.truth(asked.tenant)),
      logs: [...said, rotator.stderr].join('\n'),
    };
    // The places are read at all: each tells something of the ceremony.
    expect(places.history).toContain(asked.event);
    expect(places.database).toContain(asked.event);
    for (const [place, text] of Object.entries(places))
      for (const secret of secrets) {
        expect(text.includes(secret), place).toBe(false);
        expect(text.includes(Buffer.from(secret).toString('base64')), place).toBe(false);
      }
  });
});

async function untilThere(file: string, withinMs = 90_000): Promise<void> {
  for (const giveUpAt = Date.now() + withinMs; Date.now() < giveUpAt; await sleep(50))
    if ((await stat(file).catch(() => null)) !== null) return;
  throw new Error(`no ${path.basename(file)} within ${withinMs} ms`);
}

/** The payloads of DSSE envelopes in a text, in plain. */
const payloadsIn = (text: string): string =>
  [...text.matchAll(/"payload":"([A-Za-z0-9+/=]+)"/g)]
    .map(([, payload = '']) => Buffer.from(payload, 'base64').toString('utf8'))
    .join('\n');

/** All that a workflow's history holds, each payload decrypted. */
async function decodedHistory(stack: CeremonyStack, event: string): Promise<string> {
  const { client } = stack.stack;
  const history = await client.workflow.getHandle(ceremonyWorkflowId(event)).fetchHistory();
  const [codec] = client.options.loadedDataConverter.payloadCodecs;
  const texts: string[] = [];
  const visit = async (value: unknown): Promise<void> => {
    if (typeof value !== 'object' || value === null) return;
    const { metadata, data } = value as { metadata?: unknown; data?: unknown };
    if (metadata instanceof Object && data instanceof Uint8Array) {
      const [opened] = (await codec?.decode([value])) ?? [];
      const text = Buffer.from(opened?.data ?? data).toString('utf8');
      texts.push(text, payloadsIn(text));
      return;
    }
    for (const member of Object.values(value)) await visit(member);
  };
  await visit(history.events);
  return texts.join('\n');
}

/** Every row of the register and of the authority's journal. */
async function everyRow(stack: CeremonyStack): Promise<string> {
  const { database } = stack.stack;
  const tables = await database.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('register', 'authority') AND c.relkind IN ('r', 'p')`,
  );
  const rows = await Promise.all(tables.map(({ name }) => database.query(`SELECT * FROM ${name}`)));
  const text = JSON.stringify(rows);
  return text + payloadsIn(text.replaceAll('\\"', '"'));
}
