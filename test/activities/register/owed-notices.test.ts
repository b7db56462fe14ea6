import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { noticesOf } from '../../../activities/register/notice-reader.js';
import { keepOwedNotices } from '../../../activities/register/owed-notices.js';
import type { NoticeType } from '../../../domain/notices.js';
import type { Person } from '../../../domain/roster.js';
import { bob, carol, entryOf, newPerson, signReview, T0 } from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { HOUR, MIN, profileNamed, RegisterWorld } from './register-world.js';

const DESK = { notices: [{ channel: 'desk' }] };
const FALLBACK = {
  min_approvers: 2,
  approvers: ['group:security', 'group:platform'],
  fallback: { after: '1s', min_approvers: 1, max: '10m' },
};
const IMMEDIATE = {
  timebox: { default: '30m', max: '1h' },
  approvals: { min_approvers: 0, approvers: ['group:security'], immediate: ['person:alice'] },
};

describe.each(bothDatabases)('the notices that become due with time, over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => world.clear());

    const told = async (eventId: string): Promise<NoticeType[]> =>
      (await noticesOf(db.database, eventId)).map(({ type }) => type);
    const factsOf = async (eventId: string, type: NoticeType): Promise<Record<string, unknown>> => {
      const text = 'SELECT facts FROM register.notices WHERE event_id = $1 AND type = $2';
      const [row] = await db.database.query<{ facts: string }>(text, [eventId, type]);
      return JSON.parse(row?.facts ?? 'null') as Record<string, unknown>;
    };
    const keepOwed = (timeOf: ((eventId: string) => Promise<number | null>) | null = null) =>
      keepOwedNotices(world.holdings, timeOf);

    describe('when the fallback opens', () => {
      const dave = newPerson('dave');
      const person = (id: string, groups: string[]): Person => ({
        id,
        kind: 'human',
        object_ids: [dave.object_id],
        aliases: [dave.upn],
        keys: [],
        groups,
      });
      beforeEach(() => {
        world.withPeople(person('dave', ['platform']));
        world.setPolicy({ ...DESK, approvals: FALLBACK });
      });

      it('tells all who have said nothing yet, once its time has come', async () => {
        const request = world.request();
        await world.admitted(request);
        await keepOwed();
        expect(await told(request.event_id)).toEqual(['requested']);
        await sleep(1_100);
        await keepOwed();
        await keepOwed();
        expect(await told(request.event_id)).toEqual(['requested', 'fallback_opened']);
        expect(await factsOf(request.event_id, 'fallback_opened')).toMatchObject({
          to: [bob.upn, carol.upn, dave.upn],
          skipped: [bob.upn, carol.upn, dave.upn],
          min_approvers: 1,
          max_seconds: 600,
        });
      });

      it('does not wait for the clock of the wall where the ceremony has one of its own', async () => {
        world.setPolicy({ ...DESK, approvals: { ...FALLBACK, fallback: { ...FALLBACK.fallback, after: '10m' } } });
        const request = world.request();
        await world.admitted(request);
        await keepOwed(async () => T0 + 10 * MIN - 1);
        expect(await told(request.event_id)).toEqual(['requested']);
        await keepOwed(async () => T0 + 10 * MIN);
        expect(await told(request.event_id)).toEqual(['requested', 'fallback_opened']);
      });

      it('leaves out who has answered', async () => {
        const request = world.request();
        await world.admitted(request);
        const said = { act: 'approve', person: 'carol', method: 'software', digest: 'd'.repeat(64) };
        const transition = `statement/${'d'.repeat(32)}`;
        await world.append(request, [
          { transition, draft: entryOf(request.event_id, 'statement', transition, T0, said) },
        ]);
        await sleep(1_100);
        await keepOwed();
        expect(await factsOf(request.event_id, 'fallback_opened')).toMatchObject({ skipped: [bob.upn, dave.upn] });
      });

      it('names who was skipped also when it was granted so before anybody was told', async () => {
        const request = world.request();
        const { receipt } = await world.admitted(request);
        world.now += 2_000;
        await world.journal(request, receipt, { approvers: [carol] });
        await sleep(1_100);
        await keepOwed();
        expect(await factsOf(request.event_id, 'breakglass.invoked')).toMatchObject({ quorum: 'fallback' });
        expect(await factsOf(request.event_id, 'fallback_opened')).toMatchObject({ skipped: [bob.upn, dave.upn] });
      });

      it('tells nobody when the full quorum came in time, or the request was over', async () => {
        const granted = world.request();
        await world.issue(granted);
        const denied = world.request({ by: bob });
        await world.admitted(denied, bob);
        await world.deny(denied);
        await sleep(1_100);
        await keepOwed();
        for (const { event_id } of [granted, denied]) expect(await told(event_id)).not.toContain('fallback_opened');
      });
    });

    describe('a review that is owed', () => {
      beforeEach(() =>
        world.setPolicy({ ...DESK, review_after: '1h', profiles: { fire: profileNamed('fire', IMMEDIATE) } }),
      );

      it('is told when it is owed, when it is overdue, and when it is done', async () => {
        const request = await world.granted({ profile: 'fire', approvers: [] });
        await keepOwed();
        expect(await told(request.event_id)).toEqual([
          'breakglass.invoked',
          'immediate',
          'breakglass.expired',
          'review_owed',
        ]);
        expect(await factsOf(request.event_id, 'review_owed')).toEqual({
          quorum: 'immediate',
          review_by: '2026-11-21T11:00:00.000Z',
        });
        world.now = T0 + HOUR;
        await keepOwed();
        await keepOwed();
        const answer = await world.register.review({
          event_id: request.event_id,
          envelope: signReview(bob, request, {}, world.now),
        });
        expect(answer).toMatchObject({ outcome: 'reviewed' });
        await keepOwed();
        expect((await told(request.event_id)).slice(4)).toEqual(['review_overdue', 'reviewed']);
        expect(await factsOf(request.event_id, 'reviewed')).toEqual({ by: bob.upn });
      });

      it('is not overdue when it was done in time', async () => {
        const request = await world.granted({ profile: 'fire', approvers: [] });
        await world.register.review({ event_id: request.event_id, envelope: signReview(bob, request, {}, world.now) });
        world.now = T0 + 2 * HOUR;
        await keepOwed();
        expect(await told(request.event_id)).not.toContain('review_overdue');
      });
    });

    it('goes on with the others when one row cannot be read', async () => {
      world.setPolicy({ ...DESK, approvals: FALLBACK });
      const [broken, sound] = [world.request(), world.request({ by: bob })];
      await world.admitted(broken);
      await world.admitted(sound, bob);
      await db.database.query("UPDATE register.events SET view = 'no JSON' WHERE event_id = $1", [broken.event_id]);
      await sleep(1_100);
      await expect(keepOwed()).rejects.toThrow();
      expect(await told(sound.event_id)).toContain('fallback_opened');
    });
  });
});
