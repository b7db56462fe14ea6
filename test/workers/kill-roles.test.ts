import { describe, expect, it } from 'vitest';
import { refuseForeignApplications, refuseForeignSections } from '../../workers/foreign-credentials.js';
import type { WorkerSettings } from '../../workers/settings.js';

const OWN = '5e5ea100-0000-4000-8000-0000000000d5';
const OTHER = '5e5ea100-0000-4000-8000-0000000000d2';

/** What of the settings decides: who the role acts as, and which application has which job. */
function settingsOf(application_id: string, applications: Record<string, string>): WorkerSettings {
  const graph = { mode: 'loopback', application_id, url: 'http://127.0.0.1:1' };
  const role = 'effect:entra.credentials';
  return {
    roles: [role],
    applications,
    [role]: { signing_key_path: '/k', graph, sinks: {} },
  } as unknown as WorkerSettings;
}

describe('the roles of the kill switch', () => {
  it('are told when their application has no job', () => {
    expect(() => refuseForeignApplications(settingsOf(OWN, { sessions: OTHER }), {})).toThrow(
      /applications\.credentials is not set: role effect:entra\.credentials acts as that application/,
    );
    expect(() => refuseForeignApplications(settingsOf(OWN, { sessions: OTHER, credentials: OWN }), {})).not.toThrow();
  });

  it('refuse the application of another job', () => {
    const shared = settingsOf(OTHER, { sessions: OTHER, credentials: OWN });
    expect(() => refuseForeignApplications(shared, {})).toThrow(/which has the job sessions/);
  });

  it('keep sinks to the one that rotates', () => {
    const refuse = (role: 'effect:entra.account' | 'effect:entra.credentials') => () =>
      refuseForeignSections({ [role]: { sinks: {} } }, [role], 'settings.json');
    expect(refuse('effect:entra.account')).toThrow(/needs no sinks for secrets/);
    expect(refuse('effect:entra.credentials')).not.toThrow();
  });
});
