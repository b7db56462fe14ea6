import { describe, expect, it } from 'vitest';
import { refuseForeignApplications, refuseForeignSections } from '../../workers/foreign-credentials.js';
import { openRoleDatabases } from '../../workers/role-databases.js';
import type { WorkerSettings } from '../../workers/settings.js';

const ROLE = 'effect:entra.role_assignment';
const OWN = '5e5ea100-0000-4000-8000-0000000000d9';
const PIM = '5e5ea100-0000-4000-8000-0000000000d1';

function settingsOf(application_id: string, applications: Record<string, string>): WorkerSettings {
  const graph = { mode: 'loopback', application_id, url: 'http://127.0.0.1:1' };
  return { roles: [ROLE], applications, [ROLE]: { signing_key_path: '/k', graph } } as unknown as WorkerSettings;
}

describe('the role that assigns roles outside PIM', () => {
  it('acts as an application of its own, never as the one of PIM’s roles', () => {
    const refuse = (id: string, applications: Record<string, string>) => () =>
      refuseForeignApplications(settingsOf(id, applications), {});
    expect(refuse(OWN, { directory_role: PIM })).toThrow(/applications\.role_assignment is not set/);
    expect(refuse(PIM, { directory_role: PIM, role_assignment: OWN })).toThrow(/which has the job directory_role/);
    expect(refuse(OWN, { directory_role: PIM, role_assignment: OWN })).not.toThrow();
  });

  it('needs the journal, where it reads end marks', async () => {
    await expect(openRoleDatabases(settingsOf(OWN, { role_assignment: OWN }))).rejects.toMatchObject({
      code: 'role_needs_database',
      message: expect.stringContaining('RESEAL_EFFECT_ENTRA_ROLE_ASSIGNMENT_DATABASE_URL') as string,
    });
    const held = { database_url_path: '/x', graph: {} };
    expect(() => refuseForeignSections({ [ROLE]: held }, [ROLE], 'settings.json')).not.toThrow();
    expect(() => refuseForeignSections({ [ROLE]: held }, ['verifier'], 'settings.json')).toThrow(/does not play/);
  });
});
