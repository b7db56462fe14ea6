import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { instant } from '../../../domain/identifiers.js';
import type { Request } from '../../../domain/request.js';
import type { SignedStatement } from '../../../domain/statement.js';
import { verifyBundle } from '../../../proofs/bundle-verify.js';
import { verifyLedger } from '../../../proofs/ledger.js';
import { readEntry } from '../../../proofs/receipt.js';
import { parseTrust, trustFileText } from '../../../proofs/trust.js';
import {
  alice,
  bob,
  carol,
  entryOf,
  keyOf,
  robot,
  signAct,
  signReview,
  T0,
  trustedRoles,
} from '../../proofs/ceremony-people.js';
import { fullCeremony, sign } from '../../proofs/full-ceremony.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { HOUR, MIN, newEvent, profileNamed, RegisterWorld } from './register-world.js';

const profiles = {
  admin: profileNamed('admin'),
  now: profileNamed('now', {
    approvals: { min_approvers: 0, approvers: ['group:platform'], immediate: ['person:alice'] },
    timebox: { default: '30m', max: '1h' },
  }),
  few: profileNamed('few', {
    approvals: {
      min_approvers: 2,
      approvers: ['group:security', 'group:platform'],
      fallback: { after: '10m', min_approvers: 1, max: '30m' },
    },
  }),
};

describe.each(bothDatabases)('reviews over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the register${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      await world.clear();
      world.setPolicy({ profiles });
    });

    const review = (request: Request, envelope: SignedStatement) =>
      world.register.review({ event_id: request.event_id, envelope });
    const by = (person: typeof bob, request: Request, over: Record<string, unknown> = {}) =>
      signReview(person, request, over, world.now);
    const shown = async ({ event_id }: Request) => (await world.reader.getEvent(event_id))?.review;
    const typesOf = async ({ event_id }: Request) =>
      (await world.reader.ledgerOf(event_id)).map(({ body }) => {
        const read = readEntry(body, event_id, keyOf);
        return read.ok ? read.entry.type : read.code;
      });

    describe('is owed', () => {
      it('by what was granted immediately, from its end on, and is overdue when the policy says', async () => {
        world.setPolicy({ profiles, review_after: '36h' });
        const request = world.request({ profile: 'now' });
        const intent = await world.issue(request, { approvers: [] });
        await world.append(request, [intent], { state: 'active', status: 'active' });
        expect(await shown(request)).toBeNull();
        world.now += 20 * MIN;
        await world.end(request, intent);
        const owed_since = instant(T0 + 20 * MIN);
        const overdue_at = instant(T0 + 20 * MIN + 36 * HOUR);
        expect(await shown(request)).toEqual({ owed_since, overdue_at, reviewed_at: null, reviewed_by: null });
        world.now += MIN;
        await world.append(request, [sign(entryOf(request.event_id, 'audited', 'audited', world.now))]);
        expect(await shown(request)).toMatchObject({ owed_since });
      });

      it('by what was granted through the fallback, and by nothing that had its full quorum', async () => {
        const full = await world.granted({ profile: 'few', approvers: [bob, carol] });
        expect(await shown(full)).toBeNull();
        world.now += HOUR;
        const request = world.request({ profile: 'few' });
        const { receipt } = await world.admitted(request);
        world.now += 11 * MIN;
        await world.end(request, await world.journal(request, receipt, { approvers: [carol] }));
        expect(await shown(request)).toMatchObject({ owed_since: instant(world.now), reviewed_at: null });
      });

      it('since the register heard of the end, whatever time the end itself tells', async () => {
        const request = world.request({ profile: 'now' });
        const intent = await world.issue(request, { approvers: [] });
        const ended = { end: 'expired', cause: 'deadline', by: null };
        const late = entryOf(request.event_id, 'ended', 'ended', world.now + 1000 * HOUR, ended);
        await world.append(request, [intent, { transition: 'ended', draft: late }], { state: 'expired' });
        expect(await shown(request)).toMatchObject({ owed_since: instant(T0) });
      });
    });

    describe('is recorded', () => {
      it('once, in the ledger and in the view, and closes what is owed', async () => {
        const request = await world.granted({ profile: 'now', approvers: [] });
        world.now += HOUR;
        const envelope = by(bob, request, { note: 'As it should be' });
        const at = instant(world.now);
        expect(await review(request, envelope)).toEqual({ outcome: 'reviewed', at, by: 'bob' });
        expect(await shown(request)).toMatchObject({ owed_since: instant(T0), reviewed_at: at, reviewed_by: 'bob' });
        expect((await typesOf(request)).at(-1)).toBe('reviewed');
        // The same bytes again, also much later: the first answer, and nothing more in the ledger.
        world.now += 48 * HOUR;
        expect(await review(request, envelope)).toEqual({ outcome: 'reviewed', at, by: 'bob' });
        expect(await review(request, by(carol, request))).toMatchObject({ code: 'already_reviewed' });
        expect((await typesOf(request)).filter((type) => type === 'reviewed')).toHaveLength(1);
        const { event_id } = request;
        expect(verifyLedger(event_id, await world.reader.ledgerOf(event_id))).toMatchObject({ ok: true });
        // And nobody needs one approver more for it.
        expect((await world.admitted(world.request({ profile: 'now' }))).extra_approvers).toBe(0);
      });

      it('once, when two people review at the same time', async () => {
        const request = await world.granted({ profile: 'now', approvers: [] });
        const answers = await Promise.all([
          review(request, by(bob, request)),
          review(request, by(carol, request)),
          ...Array.from({ length: 5 }, () => review(request, by(bob, request))),
        ]);
        const winners = new Set(answers.flatMap((answer) => (answer.outcome === 'reviewed' ? [answer.by] : [])));
        expect(winners.size).toBe(1);
        expect((await typesOf(request)).filter((type) => type === 'reviewed')).toHaveLength(1);
      });

      it('of any granted ceremony, owed or not', async () => {
        const request = await world.granted();
        expect(await review(request, by(carol, request))).toMatchObject({ outcome: 'reviewed' });
        expect(await shown(request)).toMatchObject({ owed_since: null, overdue_at: null, reviewed_by: 'carol' });
      });

      it('in a bundle that is sealed again and verifies, before the audit and after it', async () => {
        // The world's own policy has other profiles than the one that a whole ceremony is told of.
        await world.clear();
        const { request, payloads } = fullCeremony();
        await world.admitted(request);
        const receipts = payloads.slice(1).map(sign);
        await world.append(request, receipts.slice(0, -1), { state: 'expired', status: 'expired' });
        world.now += 2 * HOUR;
        expect(await review(request, by(bob, request))).toMatchObject({ outcome: 'reviewed' });
        const verified = async () => {
          const sealed = await world.reader.bundleOf(request.event_id);
          const parsed = parseTrust(trustFileText({ roles: trustedRoles, roster: world.roster }));
          if (!parsed.ok) throw new Error(parsed.message);
          return verifyBundle(Buffer.from(sealed?.bundle ?? ''), parsed.trust);
        };
        expect(await verified()).toMatchObject({
          stage: 'confirmed',
          errors: [],
          facts: { review: { person: 'bob' } },
        });
        await world.append(request, receipts.slice(-1), { state: 'expired', status: 'expired' });
        const audited = await verified();
        expect(audited).toMatchObject({ stage: 'audited', errors: [], facts: { review: { person: 'bob' } } });
        expect(audited.facts.ledger_count).toBe(13);
      });

      it('whoever tells of the ceremony afterwards', async () => {
        const request = await world.granted({ profile: 'now', approvers: [] });
        await review(request, by(bob, request));
        const audited = sign(entryOf(request.event_id, 'audited', 'audited', world.now));
        await world.append(request, [audited], { state: 'expired', review: null, flags: ['sessions_open'] });
        expect(await shown(request)).toMatchObject({ reviewed_by: 'bob' });
        expect((await typesOf(request)).at(-1)).toBe('audited');
      });
    });

    describe('is refused', () => {
      it.each([
        ['by the invoker', (request: Request) => by(alice, request), 'invoker_cannot_review'],
        ['by an agent', (request: Request) => by(robot, request), 'agent_cannot_review'],
        ['of another request', () => by(bob, world.request({ profile: 'now' })), 'foreign_event'],
        ['that is too old', (request: Request) => signReview(bob, request, {}, T0 - 2 * HOUR), 'stale'],
        [
          'that was signed with another key',
          (request: Request) => ({ ...by(bob, request), signature: by(carol, request).signature }),
          'bad_signature',
        ],
        ['that is an approval', (request: Request) => signAct(bob, 'approve', request), 'name_disagrees'],
        ['that is nothing at all', () => ({ payload: '', signature: '' }), 'malformed'],
        ['that is not even text', () => null as never, 'malformed'],
      ])('one %s', async (__, envelope, code) => {
        const request = await world.granted({ profile: 'now', approvers: [] });
        expect(await review(request, envelope(request))).toMatchObject({ outcome: 'refused', code });
        expect(await shown(request)).toMatchObject({ reviewed_at: null });
        expect(await typesOf(request)).not.toContain('reviewed');
      });

      it('of an event that was never admitted', async () => {
        const request = world.request({ profile: 'now' });
        expect(await review(request, by(bob, request))).toMatchObject({ code: 'event_unknown' });
        const nowhere = { event_id: 'nowhere', envelope: by(bob, request) };
        expect(await world.register.review(nowhere)).toMatchObject({ code: 'event_unknown' });
        expect(await world.register.review({ ...nowhere, event_id: newEvent() })).toMatchObject({ outcome: 'refused' });
      });

      it('before the end, and before the verifier has confirmed it', async () => {
        const request = world.request({ profile: 'now' });
        const intent = await world.issue(request, { approvers: [] });
        expect(await review(request, by(bob, request))).toMatchObject({ code: 'not_ended' });
        // An end that a ceremony tells is anybody's word.
        const ended = { end: 'expired', cause: 'deadline', by: null };
        const draft = entryOf(request.event_id, 'ended', 'ended', world.now, ended);
        await world.append(request, [intent, { transition: 'ended', draft }], { state: 'expired' });
        expect(await review(request, by(bob, request))).toMatchObject({ code: 'not_ended' });
        await world.append(request, [sign(entryOf(request.event_id, 'confirmed', 'confirmed', world.now))]);
        expect(await review(request, by(bob, request))).toMatchObject({ outcome: 'reviewed' });
      });

      it('of what was never granted', async () => {
        const request = world.request();
        await world.admitted(request);
        await world.deny(request);
        expect(await review(request, by(carol, request))).toMatchObject({ code: 'never_granted' });
      });
    });
  });
});
