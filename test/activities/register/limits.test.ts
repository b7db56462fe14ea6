import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { usageOf } from '../../../activities/register/usage.js';
import * as lookups from '../../../activities/register/lookups.js';
import { instant } from '../../../domain/identifiers.js';
import type { AdmitOutcome } from '../../../domain/outcomes.js';
import { readEntry } from '../../../proofs/receipt.js';
import { tupleOf } from '../../../proofs/evidence.js';
import { alice, bob, carol, keyOf, newPerson, T0 } from '../../proofs/ceremony-people.js';
import { sshPublicKeyLine } from '../../../proofs/ssh-public-key.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { HOUR, MIN, profileNamed, RegisterWorld } from './register-world.js';

const IMMEDIATE = {
  approvals: { min_approvers: 0, approvers: ['group:security', 'group:platform'], immediate: ['group:security'] },
  timebox: { default: '30m', max: '1h' },
};
const names = Array.from({ length: 12 }, (_, index) => `r${index}`);
const profiles = Object.fromEntries(names.map((name) => [name, profileNamed(name)]));
const immediates = Object.fromEntries(names.map((name) => [`i${name}`, profileNamed(`i${name}`, IMMEDIATE)]));
const ALL = { ...profiles, ...immediates };

describe.each(bothDatabases)('limits over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`admission${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => world.clear());

    const codeOf = (answer: AdmitOutcome): string => (answer.outcome === 'refused' ? answer.code : 'admitted');
    const ask = (profile: string, by = alice) => world.admit(world.request({ profile, by }), by);

    describe('rules', () => {
      const night = {
        name: 'night',
        allow: ['group:security'],
        time: [{ from: '22:00', until: '06:00', zone: 'UTC' }],
      };

      it('refuse what none of them matches, naming the nearest, what it wants, and when it passes', async () => {
        world.setPolicy({ profiles: ALL, rules: [night] });
        const request = world.request({ profile: 'r0' });
        const answer = await world.admit(request);
        expect(answer).toMatchObject({
          outcome: 'refused',
          code: 'no_rule_matches',
          rule: 'night',
          passes_at: '2026-11-21T22:00:00.000Z',
        });
        expect(answer.outcome === 'refused' && answer.wanted).toContain('22:00');
        // Kept, and the same for ever: also for readers, with what was asked.
        world.now = Date.parse('2026-11-21T23:00:00Z');
        expect(await world.admit(request)).toEqual(answer);
        expect(await world.reader.refusalOf(request.event_id)).toMatchObject({
          rule: 'night',
          passes_at: '2026-11-21T22:00:00.000Z',
        });
        expect(await ask('r0')).toMatchObject({ outcome: 'admitted' });
      });

      it('go before stacking, and stacking before the cooldown', async () => {
        const rules = [{ name: 'on-call', allow: ['person:alice'] }];
        world.setPolicy({ profiles: ALL, rules, limits: { cooldown: '1h' } });
        expect(codeOf(await ask('r0', bob))).toBe('no_rule_matches');
        await world.granted({ profile: 'r0' });
        await world.admitted(world.request({ profile: 'r1' }));
        expect(codeOf(await ask('r1'))).toBe('stacking_invoker_profile');
        expect(codeOf(await ask('r0'))).toBe('cooldown');
        expect(codeOf(await ask('nothing'))).toBe('profile_unknown');
      });

      it('are named in the admission that they let in', async () => {
        world.setPolicy({ profiles: ALL, rules: [night, { name: 'day' }] });
        const request = world.request({ profile: 'r0' });
        const { receipt } = await world.admitted(request);
        const read = readEntry(receipt.envelope, request.event_id, keyOf);
        expect(read.ok && read.entry.data.rule).toBe('day');
      });
    });

    describe('a cooldown', () => {
      it('is between two grants of one invoker and profile, and says when it is over', async () => {
        world.setPolicy({ profiles: ALL, limits: { cooldown: '15m' } });
        await world.granted({ profile: 'r0' });
        world.now += 14 * MIN;
        const answer = await ask('r0');
        expect(answer).toMatchObject({ code: 'cooldown', passes_at: instant(T0 + 15 * MIN) });
        expect(codeOf(await ask('r0', bob))).toBe('admitted');
        expect(codeOf(await ask('r1'))).toBe('admitted');
        world.now = T0 + 15 * MIN;
        expect(codeOf(await ask('r0'))).toBe('admitted');
      });

      it('begins with the grant, not with what was asked for and denied', async () => {
        world.setPolicy({ profiles: ALL, limits: { cooldown: '15m' } });
        const request = world.request({ profile: 'r0' });
        await world.admitted(request);
        await world.deny(request);
        expect(codeOf(await ask('r0'))).toBe('admitted');
      });
    });

    describe('a quota', () => {
      it('counts what was granted within the window, of one invoker over all profiles', async () => {
        world.setPolicy({ profiles: ALL, limits: { quota_window: '2h', max_per_user: 2 } });
        await world.granted({ profile: 'r0' });
        world.now += HOUR;
        await world.granted({ profile: 'r1' });
        const answer = await ask('r2');
        expect(answer).toMatchObject({ code: 'user_quota', passes_at: instant(T0 + 2 * HOUR) });
        expect(codeOf(await ask('r2', bob))).toBe('admitted');
        world.now = T0 + 2 * HOUR;
        expect(codeOf(await ask('r3'))).toBe('admitted');
      });

      it('counts a grant from the moment it is journalled, before the ledger has it', async () => {
        world.setPolicy({ profiles: ALL, limits: { max_per_user: 1 } });
        await world.issue(world.request({ profile: 'r0' }));
        expect(codeOf(await ask('r1'))).toBe('user_quota');
      });

      it('does not count what waits for approval, was refused, or ended without a grant', async () => {
        world.setPolicy({ profiles: ALL, limits: { max_per_user: 1, max_per_profile: 1 } });
        const denied = world.request({ profile: 'r0' });
        await world.admitted(denied);
        await world.deny(denied);
        for (const profile of ['r0', 'r1', 'r2']) expect(codeOf(await ask(profile))).toBe('admitted');
      });

      it('counts a profile over all invokers', async () => {
        world.setPolicy({ profiles: ALL, limits: { max_per_profile: 2, max_per_user: 5 } });
        await world.granted({ profile: 'r0' });
        world.now += MIN;
        await world.granted({ profile: 'r0', by: bob, approvers: [alice, carol] });
        expect(await ask('r0', carol)).toMatchObject({ code: 'profile_quota', passes_at: instant(T0 + 24 * HOUR) });
        expect(codeOf(await ask('r1', carol))).toBe('admitted');
      });

      it('is asked of the user before it is asked of the profile', async () => {
        world.setPolicy({ profiles: ALL, limits: { max_per_profile: 1, max_per_user: 1 } });
        await world.granted({ profile: 'r0' });
        expect(codeOf(await ask('r0'))).toBe('user_quota');
        expect(codeOf(await ask('r0', bob))).toBe('profile_quota');
      });

      it('lets no more in than it says when many immediate requests come at once', async () => {
        world.setPolicy({ profiles: ALL, limits: { max_per_user: 3 } });
        const answers = await Promise.all(names.map((name) => ask(`i${name}`)));
        expect(answers.map(codeOf).sort()).toEqual([
          ...Array.from({ length: 3 }, () => 'admitted'),
          ...Array.from({ length: names.length - 3 }, () => 'user_quota'),
        ]);
      });

      it('lets no more into a profile when people ask for it at once', async () => {
        const crowd = Array.from({ length: 8 }, (__, index) => newPerson(`guard${index}`));
        const security = ({ id, upn, object_id, publicKey }: (typeof crowd)[number]) => ({
          id,
          kind: 'human' as const,
          object_ids: [object_id],
          aliases: [upn],
          keys: [sshPublicKeyLine(publicKey)],
          groups: ['security'],
        });
        world.withPeople(...crowd.map(security));
        world.setPolicy({ profiles: ALL, limits: { max_per_profile: 2 } });
        const answers = await Promise.all(crowd.map((person) => ask('ir0', person)));
        expect(answers.filter(({ outcome }) => outcome === 'admitted')).toHaveLength(2);
        expect(new Set(answers.map(codeOf))).toEqual(new Set(['admitted', 'profile_quota']));
      });

      it('gives the place back of an immediate request that ended without a grant', async () => {
        world.setPolicy({ profiles: ALL, limits: { max_per_user: 1 } });
        const request = world.request({ profile: 'ir0' });
        await world.admitted(request);
        expect(codeOf(await ask('ir1'))).toBe('user_quota');
        await world.deny(request);
        expect(codeOf(await ask('ir2'))).toBe('admitted');
      });
    });

    describe('the escalation flag', () => {
      it('is raised from the threshold on, and blocks nothing', async () => {
        world.setPolicy({ profiles: ALL, limits: { escalation_threshold: 1 } });
        expect((await world.admitted(world.request({ profile: 'r0' }))).escalated).toBe(false);
        await world.granted({ profile: 'r1' });
        const request = world.request({ profile: 'r2' });
        expect((await world.admitted(request)).escalated).toBe(true);
        expect((await world.reader.getEvent(request.event_id))?.flags).toEqual(['escalated']);
        // A workflow that was lost knows no better: the register does.
        await world.append(request, [], { state: 'active', flags: ['workflow_lost'] });
        await world.end(request, await world.journal(request, (await world.admitted(request)).receipt));
        expect((await world.reader.getEvent(request.event_id))?.flags).toContain('escalated');
      });
    });

    describe('what the register knows', () => {
      it('is what the rule book is asked with', async () => {
        world.setPolicy({ profiles: ALL });
        for (const profile of ['r0', 'r1', 'r2', 'r3']) {
          await world.granted({ profile });
          world.now += MIN;
        }
        const request = world.request({ profile: 'r0' });
        await world.admitted(world.request({ profile: 'r0', by: bob }), bob);
        const limits = { quota_window: 86_400, max_per_user: 2, escalation_threshold: 3, max_per_profile: 1 };
        const question = { invoker: 'alice', profile: 'r0', tuple: tupleOf(request), limits };
        expect(await usageOf(db.database, { ...question, nowMs: world.now })).toEqual({
          open_of_pair: null,
          open_of_target: null,
          last_of_pair_at: instant(T0),
          user_times: [3, 2, 1].map((minutes) => instant(T0 + minutes * MIN)),
          profile_times: [instant(T0)],
          overdue_reviews: [],
        });
        expect(await usageOf(db.database, { ...question, limits: undefined, nowMs: world.now })).toMatchObject({
          user_times: [],
          profile_times: [],
        });
      });

      it.each(Object.entries(lookups))('is found through indexes alone: %s', async (__, question) => {
        const params = ['alice', 'r0', 'x', 'x', 'x', '/', instant(T0), instant(T0), '3', '3'];
        const text = question.replace(/\$(\d+)/g, (___, index: string) => `'${params[Number(index) - 1] ?? ''}'`);
        const plan = await db.database.transaction(async (tx) => {
          for (const other of ['seqscan', 'bitmapscan']) await tx.query(`SET LOCAL enable_${other} = off`);
          return tx.query<Record<string, string>>(`EXPLAIN ${text}`);
        });
        const told = plan.map((row) => Object.values(row)[0]).join('\n');
        expect(told).toMatch(/Index/);
        expect(told).not.toMatch(/Seq Scan/);
      });
    });
  });
});
