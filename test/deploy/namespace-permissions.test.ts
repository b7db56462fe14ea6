import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { DirectApi } from '../../client/api/direct-api.js';
import { eventReader } from '../../activities/register/events.js';
import { settingsFileText } from '../../deploy/local/stack/worker-settings.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import { ROLES, type Role } from '../../domain/roles.js';
import type { CeremonyView } from '../../domain/view.js';
import { clientDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { readRoleContext } from '../../workers/role-context.js';
import { startRoles, type RunningRoles } from '../../workers/start-roles.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { jwt, JwtTemporal, jwtServerMissing } from '../support/jwt-temporal.js';
import { RoleProcess } from '../support/role-process.js';
import { signWith, signWithStranger } from '../support/signing.js';

const NAMESPACE = 'reseal';
const WRITE = [`${NAMESPACE}:write`];
const READ = [`${NAMESPACE}:read`];
/** PERMISSION_DENIED of gRPC. */
const DENIED = 7;

const why = jwtServerMissing;
describe.skipIf(why !== null)(`a Temporal server that requires JWTs${why === null ? '' : ` (${why})`}`, () => {
  let server: JwtTemporal;
  let stack: CeremonyStack;
  let asked: Asked;
  const running: RunningRoles[] = [];
  const open: Connection[] = [];

  const settingsWith = (token: string) => ({
    ...stack.stack.settings,
    temporal: { address: server.address, namespace: NAMESPACE, tls: false, api_key: token },
  });
  const clientOf = async (subject: string, permissions: readonly string[], expires?: string): Promise<Client> => {
    const connection = await server.connect(await jwt(subject, permissions, expires));
    open.push(connection);
    const dataConverter = clientDataConverter(await readKeyringFile(stack.stack.layout.keyring));
    return new Client({ connection, namespace: NAMESPACE, dataConverter });
  };
  const view = (client: Client): Promise<CeremonyView> =>
    client.workflow.getHandle(ceremonyWorkflowId(asked.event)).query('view');

  beforeAll(async () => {
    server = await JwtTemporal.start(NAMESPACE);
    stack = await CeremonyStack.start({ roles: [] });
    for (const role of ROLES) {
      const settings = { ...settingsWith(await jwt(`svc:${role}`, WRITE)), roles: [role] };
      running.push(await startRoles(await readRoleContext(settings, stack.stack.database, () => undefined)));
    }
  });
  afterAll(async () => {
    for (const roles of running) await roles.stop();
    for (const connection of open) await connection.close();
    await stack?.stop();
    await server?.stop();
  });

  it('every role works with write on the one namespace, and so does a gateway', async ({ expect }) => {
    const client = await clientOf('svc:gateway', WRITE);
    const nothing = (): Promise<never> => Promise.reject(new Error('not asked for here'));
    const register = eventReader(stack.stack.database);
    const api = new DirectApi({ client, uiUrl: null, register, policy: nothing, roster: nothing });
    asked = stack.prepare();
    await api.open(asked.envelope, asked.event);
    const handle = client.workflow.getHandle(ceremonyWorkflowId(asked.event));
    await expect.poll(async () => (await view(client)).state, { timeout: 30_000 }).toBe('awaiting_approval');
    for (const person of ['bob', 'carol']) {
      const act = { ...stack.common(asked.event, asked.request_digest, person, Date.now()), act: 'approve' };
      await handle.signal('approve', signWith(stack.keyOf(person), act));
    }
    await expect.poll(async () => (await view(client)).state, { timeout: 60_000 }).toBe('active');
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
  });

  it('who reads can look, and neither signal nor start nor answer for a role', async ({ expect }) => {
    const reader = await clientOf('sre@corp.example', READ);
    const { workflowService } = reader.connection;
    const execution = { workflowId: ceremonyWorkflowId(asked.event) };
    expect((await reader.workflow.getHandle(execution.workflowId).describe()).status.name).toBe('RUNNING');
    const poll = { namespace: NAMESPACE, taskQueue: { name: 'reseal-authority' }, identity: 'somebody' };
    const attempts = [
      () => reader.workflow.getHandle(execution.workflowId).signal('kill', {}),
      () => reader.workflow.getHandle(execution.workflowId).terminate(),
      () => reader.workflow.start('reseal', { workflowId: 'x', taskQueue: 'reseal-ceremonies', args: [] }),
      () => workflowService.pollActivityTaskQueue(poll),
      () => workflowService.resetWorkflowExecution({ namespace: NAMESPACE, workflowExecution: execution }),
      () =>
        workflowService.respondActivityTaskCompletedById({
          namespace: NAMESPACE,
          workflowId: execution.workflowId,
          activityId: '1',
        }),
    ];
    for (const attempt of attempts) expect(await codeOf(attempt)).toBe(DENIED);
  });

  it.for([
    ['of another namespace', ['payroll:write'], '1h'],
    ['that has run out', WRITE, '-1h'],
    ['without a permission', [], '1h'],
    ['that may only be a worker', [`${NAMESPACE}:worker`], '1h'],
  ] as const)('a token %s is refused', async ([, permissions, expires], { expect }) => {
    const attempt = async (): Promise<unknown> => {
      const client = await clientOf('mallory@corp.example', permissions, expires);
      return client.workflow.getHandle(ceremonyWorkflowId(asked.event)).describe();
    };
    expect(await codeOf(attempt)).toBe(DENIED);
  });

  it('a role that may only read says so in one line, and ends', async ({ expect }) => {
    const role: Role = 'verifier';
    const { api_key: _, ...temporal } = settingsWith('').temporal;
    const token = path.join(stack.stack.layout.workers, 'token.jwt');
    const config = path.join(stack.stack.layout.workers, 'read-only.json');
    await writeFile(token, await jwt(`svc:${role}`, READ), { mode: 0o600 });
    const settings = { ...stack.stack.settings, temporal: { ...temporal, api_key_path: token } };
    await writeFile(config, settingsFileText(settings, [role]));
    const process = RoleProcess.spawn({ roles: [role], config });
    expect(await process.ended()).toBe(2);
    const last = process.stderr.trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ code: 'temporal_refused' });
    expect(last).toContain('write');
    expect(process.stderr).not.toContain(await readFile(token, 'utf8'));
  });

  it('a writer who is no role reaches the ceremony, and moves nothing there', async ({ expect }) => {
    const mallory = await clientOf('mallory@corp.example', WRITE);
    const handle = mallory.workflow.getHandle(ceremonyWorkflowId(asked.event));
    const before = await view(mallory);
    const forged = { ...stack.common(asked.event, asked.request_digest, 'bob', Date.now()), act: 'kill' };
    await handle.signal('kill', signWithStranger(forged));
    await expect.poll(async () => (await view(mallory)).refused_statements, { timeout: 20_000 }).toBe(1);
    expect(await view(mallory)).toMatchObject({ state: 'active', expires_at: before.expires_at });
  });
});

async function codeOf(attempt: () => Promise<unknown>): Promise<unknown> {
  return attempt().then(
    () => 'allowed',
    (error: unknown) => {
      for (let at = error; at instanceof Error; at = at.cause) if ('code' in at) return at.code;
      return String(error);
    },
  );
}
