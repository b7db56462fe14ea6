import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../../domain/entry.js';
import { instant } from '../../../domain/identifiers.js';
import { verifyBundle } from '../../../proofs/bundle-verify.js';
import { verifyLedger } from '../../../proofs/ledger.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { T0, alice, entryOf, newEventId, requestFor, roleKeys } from '../../proofs/ceremony-people.js';
import { fullCeremony, sign, testTrust } from '../../proofs/full-ceremony.js';
import { bothDatabases } from './both-databases.js';
import { inARegister } from './in-a-register.js';
import { MIN, type RegisterWorld } from './register-world.js';

describe.each(bothDatabases)('the ledger over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the register${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let world: RegisterWorld;
    inARegister(open, (fresh) => {
      world = fresh;
    });

    describe('when entries are appended', () => {
      const { request, payloads } = fullCeremony();
      const rest = payloads.slice(1).map(sign);

      it('orders and chains them, holds each transition once, and seals both bundles', async () => {
        await world.admit(request);
        const ended = rest.slice(0, -1);
        expect(await world.append(request, ended.slice(0, 5), { state: 'active', status: 'active' })).toEqual({
          count: 6,
        });
        expect(await world.append(request, ended.slice(0, 5))).toEqual({ count: 6 });
        expect(await world.reader.bundleOf(request.event_id)).toBeUndefined();
        expect((await world.reader.listEvents({ open: true })).map(({ event_id }) => event_id)).toEqual([
          request.event_id,
        ]);
        expect(
          await world.append(request, ended, { state: 'expired', status: 'expired', ended_at: instant(T0 + 40 * MIN) }),
        ).toEqual({ count: 11 });
        const confirmed = await world.reader.bundleOf(request.event_id);
        expect(confirmed?.stage).toBe('confirmed');
        expect(verifyBundle(Buffer.from(confirmed?.bundle ?? ''), testTrust()).errors).toEqual([]);
        await world.append(request, rest.slice(-1), { state: 'expired', status: 'expired' });
        const audited = await world.reader.bundleOf(request.event_id);
        expect(audited?.stage).toBe('audited');
        const report = verifyBundle(Buffer.from(audited?.bundle ?? ''), testTrust());
        expect(report.errors).toEqual([]);
        expect(report.facts.ledger_count).toBe(12);
        expect(verifyLedger(request.event_id, await world.reader.ledgerOf(request.event_id))).toMatchObject({
          ok: true,
          count: 12,
        });
        expect(await world.reader.listEvents({ status: 'expired', invoker: 'alice', profile: 'admin' })).toHaveLength(
          1,
        );
        expect(await world.reader.listEvents({ open: true })).toEqual([]);
      });

      it('takes what twenty appenders bring at once, each transition once and without a gap', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const receipts = Array.from({ length: 20 }, (__, index) =>
          sign(entryOf(mine.event_id, 'statement_refused', `statement_refused/${index}`, T0)),
        );
        await Promise.all(
          receipts.map((receipt, index) => world.append(mine, [receipt, ...receipts.slice(0, index % 3)])),
        );
        const ledger = await world.reader.ledgerOf(mine.event_id);
        expect(verifyLedger(mine.event_id, ledger)).toMatchObject({ ok: true, count: 21 });
        expect(new Set(await world.transitionsOf(mine)).size).toBe(21);
      });

      it('takes no more refusals than its bound, and rubbish does not use up the place of what a job tried', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const refused = (transition: string) => sign(entryOf(mine.event_id, 'tool_refused', transition, T0));
        const rubbish = Array.from({ length: 70 }, (__, index) => refused(`tool_refused/unknown/${index}`));
        expect(await world.append(mine, rubbish.slice(0, 40))).toEqual({ count: 41 });
        expect(await world.append(mine, rubbish.slice(40))).toEqual({ count: 65 });
        expect(await world.append(mine, [refused('tool_refused/unknown/again'), refused('tool_refused/one')])).toEqual({
          count: 66,
        });
        expect(await world.transitionsOf(mine)).toContain('tool_refused/one');
      });

      it('refuses and logs what nobody known signed, another role signed, or belongs elsewhere', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const said = entryOf(mine.event_id, 'confirmed', 'confirmed', T0);
        const genuine = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        const { count, refused } = await world.append(mine, [
          signReceipt(said, generateRoleKey()),
          signReceipt(said, roleKeys.authority),
          sign(entryOf(newEventId(), 'ended', 'ended', T0)),
          { ...sign(said), transition: 'ended' },
          { transition: 'x', envelope: { payloadType: 'x', payload: '!', signatures: [] } },
          genuine,
        ]);
        expect(count).toBe(2);
        expect(refused).toEqual(['confirmed', 'ended', 'x']);
        expect(await world.transitionsOf(mine)).toEqual(['request', 'surveyed']);
        expect(world.logged.map(([message, { code }]) => `${message} ${String(code)}`)).toEqual([
          'receipt_refused entry_signer_unknown',
          'receipt_refused entry_role',
          'receipt_refused entry_event',
          'receipt_refused transition',
          'receipt_refused entry_envelope',
        ]);
      });

      it('names what it refused only while the true word is not there', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const forged = signReceipt(entryOf(mine.event_id, 'end_mark', 'end_mark', T0), generateRoleKey());
        expect(await world.append(mine, [forged])).toEqual({ count: 1, refused: ['end_mark'] });
        const genuine = sign(entryOf(mine.event_id, 'end_mark', 'end_mark', T0));
        expect(await world.append(mine, [genuine])).toEqual({ count: 2 });
        expect(await world.append(mine, [forged])).toEqual({ count: 2 });
      });

      it('names what a ceremony takes for held and it does not hold', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const surveyed = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        const append = (held: unknown) => world.append(mine, [surveyed], {}, held as string[]);
        expect(await append(['request', 'intent', 'verified'])).toEqual({ count: 1, missing: ['intent', 'verified'] });
        expect(await world.transitionsOf(mine)).toEqual(['request']);
        expect(await append([])).toEqual({ count: 2 });
        for (const rubbish of [null, 'intent', [1], Array.from({ length: 600 }, () => 'x')])
          expect(await append(rubbish)).toEqual({ count: 2 });
      });

      it("does not let a ceremony take up the place of another role's word", async () => {
        const mine = requestFor();
        await world.admit(mine);
        const draft = (type: EntryPayload['type'], transition: string) => ({
          transition,
          draft: entryOf(mine.event_id, type, transition, T0, { code: 'foreign_change', detail: 'x' }),
        });
        await world.append(mine, [
          draft('finding', 'confirmed'),
          draft('finding', 'reviewed'),
          draft('statement', 'findings/1'),
        ]);
        await world.append(mine, [
          draft('finding', 'finding/1'),
          sign(entryOf(mine.event_id, 'confirmed', 'confirmed', T0)),
        ]);
        expect(await world.transitionsOf(mine)).toEqual(['request', 'finding/1', 'confirmed']);
        expect(world.logged.map(([message, { code }]) => `${message} ${String(code)}`).slice(0, 3)).toEqual(
          Array.from({ length: 3 }, () => 'receipt_refused transition'),
        );
      });

      it('never opens a closed row again, and keeps the newer of two views', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const early = [sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0))];
        const late = [sign(entryOf(mine.event_id, 'ended', 'ended', T0, { end: 'denied', cause: 'deny', by: 'bob' }))];
        await world.append(mine, early, { state: 'awaiting_approval' });
        await world.append(mine, late, { state: 'denied', flags: ['reappeared'] });
        await world.append(mine, early, { state: 'active', status: 'active' });
        expect(await world.reader.getEvent(mine.event_id)).toMatchObject({
          state: 'denied',
          status: null,
          flags: ['reappeared'],
        });
        expect(await world.reader.listEvents({ open: true })).toEqual([]);
      });

      it("keeps what was admitted, whatever a workflow's view says", async () => {
        const mine = requestFor();
        await world.admit(mine);
        const receipt = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        await world.append(mine, [receipt], { invoker: 'eve', justification: null, state: 'issuing' });
        expect(await world.reader.getEvent(mine.event_id)).toMatchObject({
          invoker: alice.upn,
          justification: mine.justification,
          state: 'issuing',
        });
      });

      it('takes the entries and passes over a view that is none', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const receipt = sign(entryOf(mine.event_id, 'surveyed', 'surveyed', T0));
        expect(await world.append(mine, [receipt], { state: 'granted' as never })).toEqual({ count: 2 });
        expect(world.logged.map(([message]) => message)).toEqual(['view_refused']);
        expect((await world.reader.getEvent(mine.event_id))?.state).toBe('awaiting_approval');
      });

      it('tells of findings at once, without the words of others in the log', async () => {
        const mine = requestFor();
        await world.admit(mine);
        const data = { code: 'foreign_change', detail: 'somebody \u0000 else' };
        const finding = sign(entryOf(mine.event_id, 'finding', 'finding/1', T0, data));
        await world.append(mine, [finding, sign(entryOf(mine.event_id, 'overdue', 'overdue', T0))]);
        await world.append(mine, [finding]);
        expect(world.logged).toEqual([
          ['notice', { event_id: mine.event_id, code: 'foreign_change', transition: 'finding/1', at: instant(T0) }],
          ['notice', { event_id: mine.event_id, code: 'overdue', transition: 'overdue', at: instant(T0) }],
        ]);
        const rows = await world.database.query('SELECT code FROM register.notices WHERE event_id = $1 ORDER BY id', [
          mine.event_id,
        ]);
        expect(rows.map(({ code }) => code)).toEqual(['foreign_change', 'overdue']);
      });

      it('refuses an event that was never admitted, and does not ask for another try', async () => {
        await expect(world.append(requestFor(), [])).rejects.toMatchObject({
          type: 'event_unknown',
          nonRetryable: true,
        });
      });
    });

    describe('what the ledger holds', () => {
      it.each([
        'UPDATE register.entries SET seq = seq + 1',
        'DELETE FROM register.entries',
        'TRUNCATE register.entries CASCADE',
      ])('refuses %s', async (statement) => {
        await world.admit(requestFor());
        await expect(world.database.query(statement)).rejects.toMatchObject({ code: '42501' });
      });
    });
  });
});
