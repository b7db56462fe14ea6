import { CROWD, crowdPerson, crowdPolicy } from '../../deploy/local/stack/crowd.js';
import type { LocalPerson } from '../../deploy/local/stack/local-world.js';

export { ROLE, tenantOf } from '../../deploy/local/stack/crowd.js';

/**
 * alice asks; bob is security, carol is platform, dave is both, erin is on call and may only end things, mallory has no
 * part, and robot is an agent of both groups.
 */
export const PEOPLE: readonly LocalPerson[] = [
  ...CROWD,
  crowdPerson('dave', 'd', ['security', 'platform']),
  crowdPerson('erin', 'e', ['oncall']),
  crowdPerson('mallory', '1', []),
  { ...crowdPerson('robot', '2', ['security', 'platform']), kind: 'agent' },
];

/** A policy with many profiles, each in a tenant of its own, so that every test ceremony has its own clock and its own truth. */
export const testPolicy = (profiles = 60): string =>
  crowdPolicy({
    profiles,
    timebox: { default: '30m', max: '4h' },
    approvalWindow: '30m',
    grace: '10m',
    responders: ['group:oncall'],
  });
