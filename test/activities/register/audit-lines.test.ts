import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openIntents } from '../../../activities/register/open-intents.js';
import type { AuditPayload } from '../../../domain/audit-line.js';
import { instant } from '../../../domain/identifiers.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { readAuditLine, verifyAuditLog } from '../../../proofs/audit-log.js';
import { alice, entryOf, keyOf, mallory, newEventId, signRequest, T0 } from '../../proofs/ceremony-people.js';
import { sign } from '../../proofs/full-ceremony.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { HOUR, MIN, RegisterWorld } from './register-world.js';

describe.each(bothDatabases)('the audit log over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => world.clear());

    /** The whole log, verified by the trust roots alone. */
    async function log(filter: Parameters<RegisterWorld['reader']['auditLines']>[0] = {}): Promise<AuditPayload[]> {
      const lines = await world.reader.auditLines(filter);
      const bytes = Buffer.from(lines.map(({ line }) => `${line}\n`).join(''));
      if (lines.length > 0) expect(verifyAuditLog(bytes, keyOf).faults).toEqual([]);
      return lines.map(({ line, seq }) => {
        const read = readAuditLine(Buffer.from(line), keyOf);
        if (!read.ok) throw new Error(read.code);
        expect(read.payload.seq).toBe(seq);
        return read.payload;
      });
    }
    const events = async (): Promise<string[]> => (await log()).map(({ entry }) => entry.event);

    it('has one line for each entry of a ledger, in its order, and names the entry', async () => {
      const request = await world.granted();
      const entries = await world.reader.ledgerOf(request.event_id);
      const lines = await log();
      expect(lines.map(({ ledger }) => ledger)).toEqual(
        entries.map(({ seq, ledger_hash }) => ({ seq, hash: ledger_hash })),
      );
      expect(lines.map(({ entry }) => entry.event)).toEqual([
        'reseal.request',
        'breakglass.invoked',
        'reseal.confirmed',
        'breakglass.expired',
      ]);
      expect(lines.map(({ said_by }) => said_by)).toEqual(['register', 'authority', 'verifier', 'register']);
      expect(lines[1]?.entry).toMatchObject({
        event_id: request.event_id,
        invoker: alice.upn,
        profile: request.profile,
        reason_code: request.reason_code,
        justification: request.justification,
        request_id: digestOf(request).slice(0, 16),
        duration_seconds: request.duration_seconds,
        expires_at: `${instant(T0 + request.duration_seconds * 1000).slice(0, 19)}Z`,
      });
    });

    it('tells an end in another transaction with what was invoked before', async () => {
      const request = world.request();
      const intent = await world.issue(request);
      await world.append(request, [intent]);
      world.now = T0 + 5 * MIN;
      const closed = { end: 'closed', cause: 'close', by: 'alice' };
      const draft = entryOf(request.event_id, 'ended', 'ended', world.now, closed);
      await world.append(request, [{ transition: 'ended', draft }]);
      expect((await log()).at(-1)).toMatchObject({
        at: instant(world.now),
        entry: {
          event: 'breakglass.closed',
          status: 'closed',
          duration_seconds: request.duration_seconds,
          closed_by: alice.upn,
          closed_reason: 'close',
        },
      });
    });

    it('writes nothing twice, however often an append arrives', async () => {
      const request = world.request();
      const intent = await world.issue(request);
      for (let times = 0; times < 3; times += 1) await world.append(request, [intent]);
      expect(await events()).toEqual(['reseal.request', 'breakglass.invoked']);
    });

    it('closes what was invoked and then not granted', async () => {
      const request = world.request();
      const intent = await world.issue(request);
      await world.append(request, [intent]);
      const ended = entryOf(request.event_id, 'ended', 'ended', T0, {
        end: 'not_granted',
        cause: 'refused_by_provider',
        by: null,
      });
      await world.append(request, [{ transition: 'ended', draft: ended }]);
      expect(await events()).toEqual(['reseal.request', 'breakglass.invoked', 'breakglass.closed']);
    });

    it('has a line for a request that was refused, once, and none for what nobody signed', async () => {
      const request = world.request({ profile: 'nope' });
      await world.admit(request);
      await world.admit(request);
      const [line, ...more] = await log();
      expect(more).toEqual([]);
      expect(line).toMatchObject({
        ledger: null,
        entry: { event: 'reseal.refused', event_id: request.event_id, invoker: alice.upn },
        details: { code: 'profile_unknown', request_digest: digestOf(request) },
      });
      const forged = world.request();
      const envelope = signRequest(forged, mallory, { person: 'alice' });
      await world.register.admit({ event_id: forged.event_id, run_id: 'run-1', envelope });
      expect(await events()).toEqual(['reseal.refused']);
    });

    it('has a line for a row that the reconciler closed', async () => {
      const request = world.request();
      await world.admitted(request);
      await openIntents(world.holdings).closeRow(request.event_id, 'workflow_lost');
      expect(await events()).toEqual(['reseal.request', 'reseal.ended']);
    });

    it('is one chain over ceremonies that are written at the same time', async () => {
      world.setPolicy({
        profiles: Object.fromEntries(
          Array.from({ length: 12 }, (_, n) => [
            `p${n}`,
            {
              action: 'entra.directory_role',
              role: { template_id: `0000000${n.toString(16)}-0000-4000-8000-000000000000`, name: `Role ${n}` },
            },
          ]),
        ),
      });
      const asked = Array.from({ length: 12 }, (_, n) => world.request({ profile: `p${n}` }));
      await Promise.all(asked.map((request) => world.admitted(request)));
      await Promise.all(asked.map((request) => world.deny(request)));
      const lines = await log();
      expect(lines).toHaveLength(24);
      expect(new Set(lines.map(({ entry }) => entry.event_id)).size).toBe(12);
    });

    it('goes on although a line in the database was tampered with, and shows it', async () => {
      const request = world.request();
      const intent = await world.issue(request);
      await world.append(request, [intent]);
      await db.database.query('ALTER TABLE register.audit_lines DISABLE TRIGGER USER');
      await db.database.query(`UPDATE register.audit_lines SET line = 'x' WHERE event = 'breakglass.invoked'`);
      await world.deny(request);
      await world.end(request, intent);
      const lines = await world.reader.auditLines();
      const report = verifyAuditLog(Buffer.from(lines.map(({ line }) => `${line}\n`).join('')), keyOf);
      expect(report.faults[0]).toMatchObject({ line: 2, code: 'syntax' });
      expect(report.count).toBe(4);
    });

    it('is never changed by the database itself', async () => {
      await world.admitted(world.request());
      for (const change of [
        `UPDATE register.audit_lines SET line = ''`,
        'DELETE FROM register.audit_lines',
        'TRUNCATE register.audit_lines',
      ]) {
        await expect(db.database.query(change)).rejects.toThrow(/append-only/);
      }
    });

    describe('when it is read', () => {
      beforeEach(async () => {
        for (let hour = 0; hour < 6; hour += 1) {
          world.now = T0 + hour * HOUR;
          await world.admit(world.request({ profile: 'nope', event_id: newEventId() }));
        }
      });
      const seqs = async (filter: Parameters<typeof log>[0]) => (await log(filter)).map(({ seq }) => seq);
      const at = (hours: number): string => instant(T0 + hours * HOUR);

      it('comes in pages, by what was read last', async () => {
        expect(await seqs({ limit: 4 })).toEqual([1, 2, 3, 4]);
        expect(await seqs({ after: 4, limit: 4 })).toEqual([5, 6]);
        expect(await seqs({ after: 6 })).toEqual([]);
        expect(await seqs({ last: 2 })).toEqual([5, 6]);
      });

      it('begins and ends where times say, without a gap', async () => {
        expect(await seqs({ since: at(2) })).toEqual([3, 4, 5, 6]);
        expect(await seqs({ until: at(2) })).toEqual([1, 2]);
        expect(await seqs({ since: at(1), until: at(4) })).toEqual([2, 3, 4]);
        expect(await seqs({ since: at(9) })).toEqual([]);
        expect(await seqs({ until: at(-1) })).toEqual([]);
        expect(await seqs({ since: at(1), until: at(4), last: 1 })).toEqual([4]);
      });

      it('leaves out no line between two that a time asks for, although clocks went back', async () => {
        world.now = T0;
        await world.admit(world.request({ profile: 'nope' }));
        world.now = T0 + 9 * HOUR;
        await world.admit(world.request({ profile: 'nope' }));
        expect(await seqs({ since: at(5) })).toEqual([6, 7, 8]);
      });
    });

    it('takes a refusal whose words are long without cutting a character', async () => {
      const request = world.request({ profile: '\u{1f600}'.repeat(32) });
      await world.admit(request);
      expect((await log())[0]?.entry.profile).toBe('\u{1f600}'.repeat(32));
    });

    it('is not held up by a ceremony that says nothing new', async () => {
      const request = world.request();
      await world.admitted(request);
      await world.append(request, []);
      await world.append(request, [sign(entryOf(newEventId(), 'confirmed', 'confirmed', T0))]);
      expect(await events()).toEqual(['reseal.request']);
    });
  });
});
