import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { EntryPayload, OutboxItem } from '../../../domain/entry.js';
import { instant } from '../../../domain/identifiers.js';
import type { Request } from '../../../domain/request.js';
import { newCeremony } from '../../../domain/ceremony-state.js';
import { viewOf, type CeremonyView } from '../../../domain/view.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { verifyBundle } from '../../../proofs/bundle-verify.js';
import { verifyLedger } from '../../../proofs/ledger.js';
import { readEntry, signReceipt } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { authorityTasks } from '../../../activities/authority/authority-tasks.js';
import { eventReader } from '../../../activities/register/events.js';
import type { RegisterHoldings } from '../../../activities/register/holdings.js';
import { openIntents } from '../../../activities/register/open-intents.js';
import { registerTasks } from '../../../activities/register/register-tasks.js';
import {
  T0,
  alice,
  admissionOf,
  bob,
  carol,
  entryOf,
  keyOf,
  newEventId,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
  signAct,
  signRequest,
  type TestPerson,
} from '../../proofs/ceremony-people.js';
import { fullCeremony, sign, testTrust } from '../../proofs/full-ceremony.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';

const MIN = 60_000;

describe.each(bothDatabases)('the register over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let now = T0;
    const logged: [string, Record<string, unknown>][] = [];
    let holdings: RegisterHoldings;
    let tasks: ReturnType<typeof registerTasks>;
    let reader: ReturnType<typeof eventReader>;

    beforeAll(async () => {
      db = await open();
      const { database } = db;
      const clock = { now: () => now };
      const log: RegisterHoldings['log'] = (message, fields) => logged.push([message, fields]);
      holdings = {
        database,
        key: roleKeys.register,
        clock,
        roster: () => roster,
        policy: () => ({ policy, digest: policyDigest }),
        roleKeys: keyOf,
        log,
      };
      tasks = registerTasks(holdings);
      reader = eventReader(database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      now = T0;
      logged.length = 0;
      await db.database.query('UPDATE register.events SET open = false');
    });

    const admit = (request: Request, by: TestPerson = alice) =>
      tasks.admit({ event_id: request.event_id, run_id: 'run-1', envelope: signRequest(request, by) });
    const viewFor = (request: Request, change: Partial<CeremonyView> = {}): CeremonyView => ({
      ...viewOf(newCeremony(request.event_id, signRequest(request), T0)),
      ...change,
    });
    const append = (request: Request, items: OutboxItem[], change: Partial<CeremonyView> = {}) =>
      tasks.append({ event_id: request.event_id, items, view: viewFor(request, change) });
    const transitionsOf = async (request: Request): Promise<string[]> =>
      (await reader.ledgerOf(request.event_id)).map(({ body }) => {
        const read = readEntry(body, request.event_id, keyOf);
        return read.ok ? read.entry.transition : read.code;
      });

    describe('when a request is admitted', () => {
      it('keeps the event, and the signed request as the first entry', async () => {
        const request = requestFor();
        expect(await admit(request)).toMatchObject({ outcome: 'admitted', at: instant(T0) });
        const view = await reader.getEvent(request.event_id);
        expect(view).toMatchObject({
          state: 'awaiting_approval',
          invoker_person: 'alice',
          run_id: 'run-1',
          policy_digest: policyDigest,
        });
        const [first] = await reader.ledgerOf(request.event_id);
        const read = readEntry(first?.body, request.event_id, keyOf);
        expect(read.ok && read.entry.data).toMatchObject({ request_digest: digestOf(request), person: 'alice' });
        expect(verifyLedger(request.event_id, [first])).toMatchObject({ ok: true, count: 1 });
      });

      it('answers the same again, whatever has changed since', async () => {
        const request = requestFor();
        const first = await admit(request);
        expect(first).toMatchObject({ outcome: 'admitted', at: instant(T0), receipt: admissionOf(request) });
        now = T0 + 24 * 60 * MIN;
        expect(await admit(request)).toEqual(first);
        expect(await transitionsOf(request)).toEqual(['request']);
      });

      it('refuses another request under the same event id, for ever', async () => {
        const request = requestFor();
        await admit(request);
        const other = requestFor({ event_id: request.event_id, profile: 'reader' });
        expect(await admit(other)).toMatchObject({ outcome: 'refused', code: 'event_id_taken' });
        expect(await admit(other)).toMatchObject({ outcome: 'refused', code: 'event_id_taken' });
        expect((await reader.getEvent(request.event_id))?.profile).toBe('admin');
      });
    });

    describe('when a request is refused', () => {
      it.each([
        ['too old', () => requestFor({ at: T0 - 40 * MIN, requested_at: instant(T0 - 40 * MIN) }), 'request_stale'],
        ['of a profile nobody knows', () => requestFor({ profile: 'nobody' }), 'profile_unknown'],
        ['under another policy', () => requestFor({ policy_digest: 'a'.repeat(64) }), 'policy_changed'],
        ['too long', () => requestFor({ duration_seconds: 5 * 3600 }), 'duration_too_long'],
      ])('keeps and repeats the refusal of one %s', async (__, make, code) => {
        const request = make();
        const first = await admit(request);
        expect(first).toMatchObject({ outcome: 'refused', code });
        now += MIN;
        expect(await admit(request)).toEqual(first);
        expect(await reader.refusalOf(request.event_id)).toMatchObject({ code, at: instant(T0) });
        expect(await reader.getEvent(request.event_id)).toBeUndefined();
      });

      it('does not let a forged request spend an event id', async () => {
        const request = requestFor();
        const forged = { ...signRequest(request), signature: signRequest(requestFor()).signature };
        const answer = await tasks.admit({ event_id: request.event_id, run_id: 'r', envelope: forged });
        expect(answer).toMatchObject({ outcome: 'refused', code: 'bad_signature' });
        expect(await admit(request)).toMatchObject({ outcome: 'admitted' });
      });

      it('refuses an envelope that asks for another event', async () => {
        const answer = await tasks.admit({ event_id: newEventId(), run_id: 'r', envelope: signRequest(requestFor()) });
        expect(answer).toMatchObject({ outcome: 'refused', code: 'foreign_event' });
      });
    });

    describe('when another event is open', () => {
      it('refuses a second one of the same invoker and profile, naming the first', async () => {
        const first = requestFor();
        await admit(first);
        const second = requestFor({ principal: { object_id: bob.object_id, upn: bob.upn } });
        const answer = await admit(second);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'stacking_invoker_profile' });
        expect(answer.outcome === 'refused' && answer.message).toContain(first.event_id);
        await append(first, [sign(entryOf(first.event_id, 'ended', 'ended', T0, { end: 'denied', cause: null }))]);
        expect(await admit(requestFor())).toMatchObject({ outcome: 'admitted' });
        // The same answer as before, though the way would be free now.
        expect(await admit(second)).toEqual(answer);
      });

      it('refuses a second one for the same principal, role and scope', async () => {
        const first = requestFor();
        await admit(first);
        const answer = await admit(requestFor({ by: bob, principal: first.principal }), bob);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'stacking_target' });
        expect(answer.outcome === 'refused' && answer.message).toContain(first.event_id);
      });

      it('admits one for another profile and role', async () => {
        await admit(requestFor());
        expect(await admit(requestFor({ profile: 'reader' }))).toMatchObject({ outcome: 'admitted' });
      });

      it('lets one of 50 rivals win, and tells the others which', async () => {
        const rivals = Array.from({ length: 50 }, () => requestFor());
        const answers = await Promise.all(rivals.map((request) => admit(request)));
        const winners = rivals.filter((__, index) => answers[index]?.outcome === 'admitted');
        expect(winners).toHaveLength(1);
        for (const answer of answers) {
          if (answer.outcome === 'refused') expect(answer.message).toContain(winners[0]?.event_id);
        }
        expect(await reader.listEvents({ open: true })).toHaveLength(1);
      });

      it('gives 20 attempts at the same admission the same answer', async () => {
        const request = requestFor();
        const answers = await Promise.all(Array.from({ length: 20 }, () => admit(request)));
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
        expect(await transitionsOf(request)).toEqual(['request']);
      });
    });

    describe('when entries are appended', () => {
      const { request, payloads } = fullCeremony();
      const rest = payloads.slice(1).map(sign);

      it('orders and chains them, holds each transition once, and seals both bundles', async () => {
        await admit(request);
        const ended = rest.slice(0, -1);
        expect(await append(request, ended.slice(0, 5), { state: 'active', status: 'active' })).toEqual({ count: 6 });
        expect(await append(request, ended.slice(0, 5))).toEqual({ count: 6 });
        expect(await reader.bundleOf(request.event_id)).toBeUndefined();
        expect((await reader.listEvents({ open: true })).map(({ event_id }) => event_id)).toEqual([request.event_id]);
        expect(
          await append(request, ended, { state: 'expired', status: 'expired', ended_at: instant(T0 + 40 * MIN) }),
        ).toEqual({ count: 11 });
        const confirmed = await reader.bundleOf(request.event_id);
        expect(confirmed?.stage).toBe('confirmed');
        expect(verifyBundle(Buffer.from(confirmed?.bundle ?? ''), testTrust()).errors).toEqual([]);
        await append(request, rest.slice(-1), { state: 'expired', status: 'expired' });
        const audited = await reader.bundleOf(request.event_id);
        expect(audited?.stage).toBe('audited');
        const report = verifyBundle(Buffer.from(audited?.bundle ?? ''), testTrust());
        expect(report.errors).toEqual([]);
        expect(report.facts.ledger_count).toBe(12);
        expect(verifyLedger(request.event_id, await reader.ledgerOf(request.event_id))).toMatchObject({
          ok: true,
          count: 12,
        });
        expect(await reader.listEvents({ status: 'expired', invoker: 'alice', profile: 'admin' })).toHaveLength(1);
        expect(await reader.listEvents({ open: true })).toEqual([]);
      });

      it('takes what twenty appenders bring at once, each transition once and without a gap', async () => {
        const mine = requestFor();
        await admit(mine);
        const receipts = Array.from({ length: 20 }, (__, index) =>
          sign(entryOf(mine.event_id, 'statement_refused', `statement_refused/${index}`, T0)),
        );
        await Promise.all(receipts.map((receipt, index) => append(mine, [receipt, ...receipts.slice(0, index % 3)])));
        const ledger = await reader.ledgerOf(mine.event_id);
        expect(verifyLedger(mine.event_id, ledger)).toMatchObject({ ok: true, count: 21 });
        expect(new Set(await transitionsOf(mine)).size).toBe(21);
      });

      it('refuses and logs what nobody known signed, another role signed, or belongs elsewhere', async () => {
        const mine = requestFor();
        await admit(mine);
        const said = entryOf(mine.event_id, 'confirmed', 'confirmed', T0);
        const genuine = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        const { count } = await append(mine, [
          signReceipt(said, generateRoleKey()),
          signReceipt(said, roleKeys.authority),
          sign(entryOf(newEventId(), 'ended', 'ended', T0)),
          { ...sign(said), transition: 'ended' },
          { transition: 'x', envelope: { payloadType: 'x', payload: '!', signatures: [] } },
          genuine,
        ]);
        expect(count).toBe(2);
        expect(await transitionsOf(mine)).toEqual(['request', 'surveyed']);
        expect(logged.map(([message, { code }]) => `${message} ${String(code)}`)).toEqual([
          'receipt_refused entry_signer_unknown',
          'receipt_refused entry_role',
          'receipt_refused entry_event',
          'receipt_refused transition',
          'receipt_refused entry_envelope',
        ]);
      });

      it("does not let a ceremony take up the place of another role's word", async () => {
        const mine = requestFor();
        await admit(mine);
        const draft = (type: EntryPayload['type'], transition: string) => ({
          transition,
          draft: entryOf(mine.event_id, type, transition, T0, { code: 'foreign_change', detail: 'x' }),
        });
        await append(mine, [
          draft('finding', 'confirmed'),
          draft('finding', 'reviewed'),
          draft('statement', 'findings/1'),
        ]);
        await append(mine, [draft('finding', 'finding/1'), sign(entryOf(mine.event_id, 'confirmed', 'confirmed', T0))]);
        expect(await transitionsOf(mine)).toEqual(['request', 'finding/1', 'confirmed']);
        expect(logged.map(([message, { code }]) => `${message} ${String(code)}`).slice(0, 3)).toEqual(
          Array.from({ length: 3 }, () => 'receipt_refused transition'),
        );
      });

      it('never opens a closed row again, and keeps the newer of two views', async () => {
        const mine = requestFor();
        await admit(mine);
        const early = [sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0))];
        const late = [sign(entryOf(mine.event_id, 'ended', 'ended', T0, { end: 'denied', cause: 'deny', by: 'bob' }))];
        await append(mine, early, { state: 'awaiting_approval' });
        await append(mine, late, { state: 'denied', flags: ['reappeared'] });
        await append(mine, early, { state: 'active', status: 'active' });
        expect(await reader.getEvent(mine.event_id)).toMatchObject({
          state: 'denied',
          status: null,
          flags: ['reappeared'],
        });
        expect(await reader.listEvents({ open: true })).toEqual([]);
      });

      it("keeps what was admitted, whatever a workflow's view says", async () => {
        const mine = requestFor();
        await admit(mine);
        const receipt = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        await append(mine, [receipt], { invoker: 'eve', justification: null, state: 'issuing' });
        expect(await reader.getEvent(mine.event_id)).toMatchObject({
          invoker: alice.upn,
          justification: mine.justification,
          state: 'issuing',
        });
      });

      it('takes the entries and passes over a view that is none', async () => {
        const mine = requestFor();
        await admit(mine);
        const receipt = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        expect(await append(mine, [receipt], { state: 'granted' as never })).toEqual({ count: 2 });
        expect(logged.map(([message]) => message)).toEqual(['view_refused']);
        expect((await reader.getEvent(mine.event_id))?.state).toBe('awaiting_approval');
      });

      it('tells of findings at once, without the words of others in the log', async () => {
        const mine = requestFor();
        await admit(mine);
        const data = { code: 'foreign_change', detail: 'somebody \u0000 else' };
        const finding = sign(entryOf(mine.event_id, 'finding', 'finding/1', T0, data));
        await append(mine, [finding, sign(entryOf(mine.event_id, 'overdue', 'overdue', T0))]);
        await append(mine, [finding]);
        expect(logged).toEqual([
          ['notice', { event_id: mine.event_id, code: 'foreign_change', transition: 'finding/1', at: instant(T0) }],
          ['notice', { event_id: mine.event_id, code: 'overdue', transition: 'overdue', at: instant(T0) }],
        ]);
        const rows = await db.database.query('SELECT code FROM register.notices WHERE event_id = $1 ORDER BY id', [
          mine.event_id,
        ]);
        expect(rows.map(({ code }) => code)).toEqual(['foreign_change', 'overdue']);
      });

      it('refuses an event that was never admitted, and does not ask for another try', async () => {
        await expect(append(requestFor(), [])).rejects.toMatchObject({ type: 'event_unknown', nonRetryable: true });
      });
    });

    describe('what the ledger holds', () => {
      it.each([
        'UPDATE register.entries SET seq = seq + 1',
        'DELETE FROM register.entries',
        'TRUNCATE register.entries CASCADE',
      ])('refuses %s', async (statement) => {
        await admit(requestFor());
        await expect(db.database.query(statement)).rejects.toMatchObject({ code: '42501' });
      });
    });

    describe('the reconciler', () => {
      it('sees what is not over, and closes only what never had an intent', async () => {
        const lost = requestFor();
        const granted = requestFor({ profile: 'reader' });
        await admit(lost);
        await admit(granted);
        const authority = authorityTasks({ ...holdings, roleKeys: keyOf, key: roleKeys.authority });
        now = T0 + 2 * MIN;
        const approvals = [signAct(bob, 'approve', granted), signAct(carol, 'approve', granted)];
        const issued = await authority.issue({
          event_id: granted.event_id,
          request: signRequest(granted),
          approvals,
          admission: admissionOf(granted),
        });
        expect(issued.outcome).toBe('issued');
        const reconciler = openIntents(holdings);
        const found = async (request: Request) =>
          (await reconciler.unended()).find(({ event_id }) => event_id === request.event_id);
        expect(await found(lost)).toEqual({ event_id: lost.event_id, intent: false, unproven: false });
        expect(await found(granted)).toEqual({ event_id: granted.event_id, intent: true, unproven: false });
        for (const request of [lost, lost, granted]) await reconciler.closeRow(request.event_id, 'workflow_lost');
        expect(await found(lost)).toBeUndefined();
        expect(await found(granted)).toEqual({ event_id: granted.event_id, intent: true, unproven: false });
        expect(await reader.getEvent(lost.event_id)).toMatchObject({ state: 'cancelled', cause: 'workflow_lost' });
        const sealedBundle = await reader.bundleOf(lost.event_id);
        expect(verifyBundle(Buffer.from(sealedBundle?.bundle ?? ''), testTrust()).errors).toEqual([]);
        // A run that was reset knows of no intent: what it says of the end is not kept, and the row stays open.
        const untrue = sign(entryOf(granted.event_id, 'ended', 'ended', now, { end: 'cancelled', cause: 'kill' }));
        await append(granted, [untrue], { state: 'cancelled' });
        expect(logged).toContainEqual(['receipt_refused', { event_id: granted.event_id, code: 'intent_stands' }]);
        expect(await transitionsOf(granted)).not.toContain('ended');
        expect(await reader.getEvent(granted.event_id)).toMatchObject({ state: 'awaiting_approval' });
        expect(await found(granted)).toMatchObject({ intent: true, unproven: false });
        // Ended, says the ceremony; gone, says nobody.
        await append(granted, [sign(entryOf(granted.event_id, 'ended', 'ended', now))], { state: 'revoked' });
        expect(await found(granted)).toEqual({ event_id: granted.event_id, intent: true, unproven: true });
        await append(granted, [sign(entryOf(granted.event_id, 'confirmed', 'confirmed', now))], { state: 'revoked' });
        expect(await found(granted)).toBeUndefined();
      });
    });
  });
});
