import type { PolicyInForce } from '../domain/policy-in-force.js';
import type { Roster } from '../domain/roster.js';

/** What a role shows and routes by until something was verified: no profile, so that nothing can be asked under it. */
export const NO_POLICY: PolicyInForce = {
  policy: {
    version: 1,
    name: 'none',
    tenant_id: '00000000-0000-0000-0000-000000000000',
    approval_window: 1800,
    timebox: { default: 1800, max: 14_400 },
    grace: 600,
    responders: [],
    profiles: {},
  },
  digest: '0'.repeat(64),
};
export const NOBODY: Roster = { version: 1, people: [] };
