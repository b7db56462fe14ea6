import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ALICE, AUDITS, Caller, control, MINUTE, refusal, simulator, T0, TENANT, truth, type Wire } from './harness.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function anApplication(body: Wire = {}) {
  const sim = await simulator();
  const caller = new Caller(sim);
  const made = await control(sim, '/applications', { tenant: TENANT, ...body });
  const path = `/applications/${String(made.body['id'])}`;
  const add = async (displayName: string): Promise<Wire> =>
    (await caller.graph.api(`${path}/addPassword`).post({ passwordCredential: { displayName } })) as Wire;
  const remove = (keyId: unknown): Promise<unknown> => caller.graph.api(`${path}/removePassword`).post({ keyId });
  const listed = async (): Promise<Wire[]> => (await caller.get(path))['passwordCredentials'] as Wire[];
  const kept = async (): Promise<{ key_id: string; secret_sha256: string }[]> => {
    const { applications } = (await truth(sim, TENANT)) as unknown as { applications: { passwords: [] }[] };
    return applications[0]?.passwords ?? [];
  };
  return { sim, caller, path, add, remove, listed, kept };
}

describe('when an application’s secrets are changed', () => {
  it('shows a new secret once, and adds another with every call', async () => {
    const { add, listed, kept } = await anApplication();
    const first = await add('a tag');
    const second = await add('a tag');
    expect(first['keyId']).not.toBe(second['keyId']);
    expect(String(first['secretText'])).toMatch(/^[A-Za-z0-9_-]{40}$/);
    expect(first['hint']).toBe(String(first['secretText']).slice(0, 3));
    expect(await listed()).toMatchObject([
      { displayName: 'its own' },
      { keyId: first['keyId'] },
      { displayName: 'a tag' },
    ]);
    expect((await listed()).map(({ secretText }) => secretText)).toEqual([null, null, null]);
    expect((await kept())[2]?.secret_sha256).toBe(sha256(String(second['secretText'])));
  });

  it('removes one by its key id, once', async () => {
    const { add, remove, listed } = await anApplication({ passwords: [] });
    const { keyId } = await add('a tag');
    await remove(keyId);
    expect(await listed()).toEqual([]);
    expect(await refusal(remove(keyId))).toBe('400 Request_BadRequest');
  });

  it('is late on lagging replicas, and in the audit log', async () => {
    const { sim, caller, add, listed } = await anApplication({ passwords: [] });
    await control(sim, '/lag', { ms: 30_000, tenant: TENANT });
    caller.now = T0 + MINUTE;
    await add('a tag');
    const counts = new Set<number>();
    for (let read = 0; read < 12; read += 1) counts.add((await listed()).length);
    expect([...counts].sort()).toEqual([0, 1]);
    caller.now = T0 + 10 * MINUTE;
    const rows = await caller.list(AUDITS);
    expect(rows[0]?.['activityDisplayName']).toBe('Update application – Certificates and secrets management ');
  });

  it('needs the permission to', async () => {
    const { sim, path } = await anApplication();
    const reader = new Caller(sim, `sim.${TENANT}.${ALICE}.Application.Read.All`);
    expect(await reader.get(path)).toHaveProperty('appId');
    expect(await refusal(reader.graph.api(`${path}/addPassword`).post({}))).toBe('403 Authorization_RequestDenied');
    expect(await refusal(reader.get(`/applications/${ALICE}`))).toBe('404 Request_ResourceNotFound');
  });
});

describe('when a user’s password is reset', () => {
  it('tells when, and keeps no more of it than what tells a given one', async () => {
    const sim = await simulator();
    const caller = new Caller(sim);
    const when = async () =>
      (await caller.get(`/users/${ALICE}?$select=lastPasswordChangeDateTime`))['lastPasswordChangeDateTime'];
    const before = await when();
    await caller.graph.api(`/users/${ALICE}`).patch({ passwordProfile: { password: 'Correct-Horse-9' } });
    expect(await when()).not.toBe(before);
    const { accounts } = (await truth(sim, TENANT)) as unknown as { accounts: Wire[] };
    expect(accounts.find(({ id }) => id === ALICE)).toMatchObject({ password_sha256: sha256('Correct-Horse-9') });
    expect(JSON.stringify(await truth(sim))).not.toContain('Correct-Horse-9');
  });
});
