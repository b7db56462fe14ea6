import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { listQuery, type EventFilter } from '../../../activities/register/list-events.js';
import { instant } from '../../../domain/identifiers.js';
import type { Request } from '../../../domain/request.js';
import { alice, bob, carol, entryOf, signRequest, signReview, T0 } from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { HOUR, MIN, newEvent, profileNamed, RegisterWorld } from './register-world.js';

const profiles = {
  admin: profileNamed('admin'),
  reader: profileNamed('reader'),
  third: profileNamed('third', { approvals: { min_approvers: 1, approvers: ['person:carol'] } }),
  now: profileNamed('now', {
    approvals: { min_approvers: 0, approvers: ['group:platform'], immediate: ['person:alice'] },
    timebox: { default: '30m', max: '1h' },
  }),
};
const approver = (id: string, groups: string[], object_ids: string[] = []) => ({
  id,
  object_ids,
  parties: [`person:${id}`, ...groups.map((group) => `group:${group}`)],
});

describe.each(bothDatabases)('lists over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`events${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    const events: Record<string, Request> = {};
    const named = async (filter: EventFilter): Promise<string[]> => {
      const names = new Map(Object.entries(events).map(([name, { event_id }]) => [event_id, name]));
      return (await world.reader.listEvents(filter)).map(({ event_id }) => names.get(event_id) ?? '?');
    };

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
      await world.clear();
      world.setPolicy({ profiles, limits: { cooldown: '1h' } });
      events.granted = await world.granted({ profile: 'admin' });
      world.now += MIN;
      events.cooling = world.request({ profile: 'admin' });
      await world.admit(events.cooling);
      world.now += MIN;
      events.owing = await world.granted({ profile: 'now', approvers: [] });
      world.now += 2 * HOUR;
      events.reviewed = await world.granted({ profile: 'now', approvers: [] });
      const { event_id } = events.reviewed;
      await world.register.review({ event_id, envelope: signReview(bob, events.reviewed, {}, world.now) });
      world.now += 23 * HOUR;
      events.overdue = world.request({ profile: 'reader', by: bob });
      const intent = await world.issue(events.overdue, { by: bob, approvers: [alice, carol] });
      const overdue = entryOf(events.overdue.event_id, 'overdue', 'overdue', world.now);
      await world.append(events.overdue, [intent, { transition: 'overdue', draft: overdue }], {
        state: 'resealing',
        status: 'active',
        flags: ['rollback_overdue'],
      });
      events.waiting = world.request({ profile: 'admin', by: carol });
      await world.admitted(events.waiting, carol);
      world.now += 1;
      events.carols = world.request({ profile: 'third' });
      await world.admitted(events.carols);
      world.now += 1;
      events.surveyed = world.request({ profile: 'reader' });
      await world.admitted(events.surveyed);
      const refused = { end: 'refused', cause: null, by: null };
      const draft = entryOf(events.surveyed.event_id, 'ended', 'ended', world.now, refused);
      await world.append(events.surveyed, [{ transition: 'ended', draft }], { state: 'refused' });
      world.now += 1;
      events.forged = world.request({ profile: 'reader' });
      const envelope = { ...signRequest(events.forged), signature: signRequest(events.waiting, carol).signature };
      await world.register.admit({ event_id: events.forged.event_id, run_id: 'r', envelope });
    }, 60_000);
    afterAll(() => db.close());

    it.each<[string, EventFilter, string[]]>([
      ['all, the newest first', {}, ['surveyed', 'carols', 'overdue', 'waiting', 'reviewed', 'owing', 'granted']],
      ['as many as are asked for', { limit: 2 }, ['surveyed', 'carols']],
      ['an invoker, by id', { invoker: 'bob' }, ['overdue']],
      ['an invoker, by user principal name in any case', { invoker: bob.upn.toUpperCase() }, ['overdue']],
      ['an invoker, the newest of many', { invoker: 'alice', limit: 2 }, ['surveyed', 'carols']],
      ['nobody of that name', { invoker: 'nobody' }, []],
      ['a profile', { profile: 'reader' }, ['surveyed', 'overdue']],
      ['a status', { status: 'expired' }, ['reviewed', 'owing', 'granted']],
      ['a state', { state: 'awaiting_approval' }, ['carols', 'waiting']],
      ['what is open', { open: true }, ['carols', 'overdue', 'waiting']],
      ['what is over', { open: false }, ['surveyed', 'reviewed', 'owing', 'granted']],
      ['since', { since: instant(T0 + 20 * HOUR) }, ['surveyed', 'carols', 'overdue', 'waiting']],
      [
        'all of it together',
        { invoker: 'alice', profile: 'now', status: 'expired', open: false, limit: 1 },
        ['reviewed'],
      ],
      ['what is overdue, a rollback or a review', { overdue: true }, ['overdue', 'owing']],
      ['what is overdue, of one invoker', { overdue: true, invoker: 'alice' }, ['owing']],
      ['reviews that are owed', { review_owed: true }, ['owing']],
      ['what waits for bob', { waiting_for: approver('bob', ['security']) }, ['waiting']],
      ['what waits for carol, who asked for one herself', { waiting_for: approver('carol', ['platform']) }, ['carols']],
      ['what waits for a principal', { waiting_for: approver('x', ['platform'], [carol.object_id]) }, []],
      ['what waits for nobody', { waiting_for: approver('x', ['visitors']) }, []],
      ['what was refused, at admission and after it', { state: 'refused' }, ['forged', 'surveyed', 'cooling']],
      ['what was refused to one invoker', { state: 'refused', invoker: 'alice' }, ['surveyed', 'cooling']],
      ['what was refused, by user principal name', { state: 'refused', invoker: alice.upn }, ['surveyed', 'cooling']],
      ['what was refused of one profile', { state: 'refused', profile: 'admin' }, ['cooling']],
      ['what was refused lately', { state: 'refused', since: instant(T0 + 20 * HOUR) }, ['forged', 'surveyed']],
      ['the newest that was refused', { state: 'refused', limit: 1 }, ['forged']],
      ['what was refused and is open, which nothing is', { state: 'refused', open: true }, []],
    ])('list %s', async (__, filter, expected) => {
      expect((await named(filter)).sort()).toEqual([...expected].sort());
      const views = await world.reader.listEvents(filter);
      const times = views.map(({ requested_at }) => Date.parse(requested_at));
      expect(times).toEqual([...times].sort((a, b) => b - a));
    });

    it('show why a request was refused, and what it asked for where its signature verified', async () => {
      const [forged, , cooling] = await world.reader.listEvents({ state: 'refused' });
      expect(cooling).toMatchObject({
        state: 'refused',
        invoker: alice.upn,
        profile: 'admin',
        justification: events.cooling?.justification,
        refusal: { code: 'cooldown', passes_at: instant(T0 + HOUR) },
        ended_at: instant(T0 + MIN),
      });
      expect(forged).toMatchObject({ invoker: null, justification: null, refusal: { code: 'bad_signature' } });
    });

    it('do not believe a name: it never becomes part of the question', async () => {
      expect(await named({ invoker: `' OR true --`, profile: `x' OR 'a'='a` })).toEqual([]);
    });

    it.each<[string, EventFilter]>([
      ['all', {}],
      ['by invoker', { invoker: 'alice' }],
      ['by name', { invoker: 'alice@example.com' }],
      ['by profile', { profile: 'reader' }],
      ['by status', { status: 'active' }],
      ['by state', { state: 'active' }],
      ['open', { open: true }],
      ['overdue', { overdue: true }],
      ['review owed', { review_owed: true }],
      ['waiting for somebody', { waiting_for: approver('bob', ['security']) }],
    ])('are found through an index: %s', async (__, filter) => {
      const { text, params } = listQuery(filter, 50, T0);
      const inlined = text.replace(/\$(\d+)/g, (___, index: string) => {
        const value = params[Number(index) - 1];
        return Array.isArray(value) ? `'{${value.join(',')}}'` : `'${String(value)}'`;
      });
      const plan = await db.database.transaction(async (tx) => {
        for (const other of ['seqscan', 'bitmapscan']) await tx.query(`SET LOCAL enable_${other} = off`);
        return tx.query<Record<string, string>>(`EXPLAIN ${inlined}`);
      });
      const told = plan.map((row) => Object.values(row)[0]).join('\n');
      expect(told).toMatch(/Index/);
      expect(told).not.toMatch(/Seq Scan/);
    });

    it('have nothing to say of an event that nobody asked for', async () => {
      expect(await world.reader.refusalOf(newEvent())).toBeUndefined();
      expect(await world.reader.getEvent(newEvent())).toBeUndefined();
    });
  });
});
