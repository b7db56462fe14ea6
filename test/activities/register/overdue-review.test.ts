import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { bob, carol } from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { HOUR, profileNamed, RegisterWorld } from './register-world.js';

const IMMEDIATE = {
  approvals: { min_approvers: 0, approvers: ['group:security', 'group:platform'], immediate: ['group:security'] },
  timebox: { default: '30m', max: '1h' },
};
const names = Array.from({ length: 12 }, (_, index) => `r${index}`);
const profiles = Object.fromEntries(names.map((name) => [name, profileNamed(name)]));
const immediates = Object.fromEntries(names.map((name) => [`i${name}`, profileNamed(`i${name}`, IMMEDIATE)]));
const ALL = { ...profiles, ...immediates };

describe.each(bothDatabases)('an overdue review over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`at admission${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => world.clear());

    describe('an overdue review', () => {
      const owing = async (): Promise<void> => {
        await world.granted({ profile: 'ir0', approvers: [] });
        world.now += 25 * HOUR;
      };

      it('adds one approver to the next request of that invoker, in its entry and its view', async () => {
        world.setPolicy({
          profiles: {
            ...ALL,
            one: profileNamed('one', {
              approvals: { min_approvers: 1, approvers: ['group:security', 'group:platform'] },
            }),
          },
        });
        await owing();
        const request = world.request({ profile: 'one' });
        expect((await world.admitted(request)).extra_approvers).toBe(1);
        expect((await world.reader.getEvent(request.event_id))?.approvals_wanted).toBe(2);
        await expect(
          world.journal(request, (await world.admitted(request)).receipt, { approvers: [bob] }),
        ).rejects.toThrow('quorum_not_met');
        await world.journal(request, (await world.admitted(request)).receipt, { approvers: [bob, carol] });
        const theirs = world.request({ profile: 'r1', by: bob });
        expect((await world.admitted(theirs, bob)).extra_approvers).toBe(0);
      });

      it('makes an immediate request wait for one approver', async () => {
        world.setPolicy({ profiles: ALL });
        await owing();
        const request = world.request({ profile: 'ir1' });
        expect((await world.admitted(request)).extra_approvers).toBe(1);
        expect((await world.reader.getEvent(request.event_id))?.approvals_wanted).toBe(1);
      });

      it('locks nobody out: where nobody is left to approve, none is added', async () => {
        world.setPolicy({ profiles: ALL });
        await owing();
        // bob and carol are all the approvers that alice has.
        expect((await world.admitted(world.request({ profile: 'r1' }))).extra_approvers).toBe(0);
      });

      it('does not count an approver without a key', async () => {
        world.setPolicy({ profiles: ALL });
        world.withPeople({
          id: 'keyless',
          kind: 'human',
          object_ids: ['00000000-0000-4000-8000-00000000000f'],
          aliases: ['keyless@example.com'],
          keys: [],
          groups: ['security', 'platform'],
        });
        await owing();
        expect((await world.admitted(world.request({ profile: 'r1' }))).extra_approvers).toBe(0);
      });

      it('is none while it is owed for less than the policy says', async () => {
        world.setPolicy({ profiles: ALL, review_after: '48h' });
        await owing();
        expect((await world.admitted(world.request({ profile: 'ir1' }))).extra_approvers).toBe(0);
        world.now += 24 * HOUR;
        expect((await world.admitted(world.request({ profile: 'ir2' }))).extra_approvers).toBe(1);
      });
    });
  });
});
