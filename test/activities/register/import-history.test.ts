import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { historyImport } from '../../../activities/register/import-history.js';
import { importedEvent, importedEvents } from '../../../activities/register/imported-reader.js';
import { auditLines } from '../../../activities/register/audit-reader.js';
import { STATUS_AFTER, type SentinelLogEntry } from '../../../domain/sentinel.js';
import { sentinelLogEntryJson } from '../../../proofs/sentinel-json.js';
import { unverifiedAuditLine } from '../../../proofs/audit-log.js';
import { newEventId, roleKeys, roster } from '../../proofs/ceremony-people.js';
import { ENTRY, KEY, SECRET, signed, signedRaw } from '../../proofs/sentinel-vectors.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';

const T0 = Date.parse('2026-11-21T12:00:00Z');

describe.each(bothDatabases)("importing Sentinel's history over %s", (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let importHistory: ReturnType<typeof historyImport>;

    beforeAll(async () => {
      db = await open();
      const { database } = db;
      const key = roleKeys.register;
      const importKeys = async () => new Map([[KEY.key_id, SECRET]]);
      importHistory = historyImport({ database, key, clock: { now: () => T0 }, roster: () => roster, importKeys });
    }, 60_000);
    afterAll(() => db.close());

    const batch = (texts: string[], over: { dry_run?: boolean; skip_invalid?: boolean } = {}) =>
      importHistory({
        lines: texts.map((text, index) => ({ line: index + 1, text })),
        dry_run: false,
        skip_invalid: false,
        ...over,
      });
    const entryOf = (over: Partial<SentinelLogEntry> = {}): SentinelLogEntry => ({
      ...ENTRY,
      event_id: newEventId(),
      ...over,
    });
    const closedOf = (entry: SentinelLogEntry): SentinelLogEntry => ({
      ...entry,
      timestamp: '2026-11-21T01:30:00Z',
      event: 'breakglass.closed',
      status: 'closed',
      closed_by: 'erin',
      closed_reason: 'done',
    });
    const get = (id: string) => importedEvent(db.database, id, T0);
    const notes = async () =>
      (await auditLines(db.database))
        .map(({ line }) => unverifiedAuditLine(line))
        .filter((line) => line?.entry.event === 'reseal.imported');

    it('shows an event as history, marked as imported', async () => {
      const entry = entryOf();
      expect(await batch([signed(entry), signed(closedOf(entry))])).toEqual({
        lines: 2,
        imported: 2,
        duplicates: 0,
        passed_over: [],
        refused: [],
      });
      expect(await get(entry.event_id)).toMatchObject({
        source: 'sentinel',
        source_key_id: KEY.key_id,
        state: 'closed',
        status: 'closed',
        invoker: 'dana',
        flags: ['imported'],
        requested_at: '2026-11-21T01:08:15.000Z',
        ended_at: '2026-11-21T01:30:00.000Z',
        ended_by: 'erin',
        cause: 'done',
      });
    });

    it('changes nothing when it comes again, and counts it as known', async () => {
      const text = signed(entryOf());
      await batch([text]);
      const before = (await notes()).length;
      expect(await batch([text, text])).toMatchObject({ imported: 0, duplicates: 2 });
      expect((await notes()).length).toBe(before);
    });

    it('keeps nothing of a batch in which any line is refused, and names line and reason', async () => {
      const good = entryOf();
      const report = await batch([
        signed(good),
        signed(entryOf()).replace('dana', 'erin'),
        sentinelLogEntryJson(ENTRY),
      ]);
      expect(report.imported).toBe(0);
      expect(report.refused.map(({ line, code }) => [line, code])).toEqual([
        [2, 'signature_mismatch'],
        [3, 'unsigned'],
      ]);
      expect(await get(good.event_id)).toBeUndefined();
    });

    it('keeps the rest where that is asked for', async () => {
      const good = entryOf();
      const report = await batch(['{}', signed(good)], { skip_invalid: true });
      expect(report).toMatchObject({ imported: 1, refused: [{ line: 1, code: 'unsigned' }] });
      expect(await get(good.event_id)).toBeDefined();
    });

    it('believes its own keys and no sender', async () => {
      const report = await batch([signed(entryOf(), { key_id: 'somebody-else' })]);
      expect(report).toMatchObject({ imported: 0, refused: [{ line: 1, code: 'key_unknown' }] });
    });

    it('only says what it would do, when asked to', async () => {
      const entry = entryOf();
      expect(await batch([signed(entry)], { dry_run: true })).toMatchObject({ imported: 1, duplicates: 0 });
      expect(await get(entry.event_id)).toBeUndefined();
    });

    it('passes over what is signed and no break-glass', async () => {
      const report = await batch([signedRaw('{"timestamp":"2026-01-01T00:00:00Z","decision":"allow"}')]);
      expect(report).toMatchObject({ imported: 0, passed_over: [{ line: 1, code: 'other_entry' }], refused: [] });
    });

    it('says that it did so in the audit log, and with whose key', async () => {
      await batch([signed(entryOf())]);
      expect((await notes()).at(-1)?.details).toEqual({
        source: 'sentinel',
        key_ids: KEY.key_id,
        lines: 1,
        imported: 1,
      });
    });

    it.each([[{ lines: [] }], [null], ['x'], [{ lines: [{ line: 1, text: 7 }], dry_run: false, skip_invalid: false }]])(
      'refuses what is no batch: %j',
      async (input) => {
        await expect(importHistory(input as never)).rejects.toMatchObject({
          nonRetryable: true,
          type: 'invalid_input',
        });
      },
    );

    it('refuses a name that a database could not hold, instead of failing for ever', async () => {
      const json = sentinelLogEntryJson(entryOf()).replace('"dana"', '"da\\u0000na"');
      expect(await batch([signedRaw(json)])).toMatchObject({ refused: [{ code: 'entry_malformed' }] });
      const said = entryOf({ justification: 'a\u0000b' });
      expect(await batch([signed(said)])).toMatchObject({ imported: 1 });
      expect((await get(said.event_id))?.justification).toBe('a\u0000b');
    });

    it('takes an event whose end nobody logged for expired once it has, and for active before', async () => {
      const entry = entryOf({ timestamp: '2026-11-21T11:30:00Z', expires_at: '2026-11-21T12:30:00Z' });
      await batch([signed(entry)]);
      expect(await get(entry.event_id)).toMatchObject({ status: 'active', ended_at: null });
      expect(await importedEvent(db.database, entry.event_id, T0 + 3_600_000)).toMatchObject({
        status: 'expired',
        cause: 'end_not_logged',
        ended_at: '2026-11-21T12:30:00.000Z',
      });
    });

    it('lists by invoker, profile, status and time, the newest first', async () => {
      const profile = `p-${newEventId()}`;
      const [a, b, c] = ['01:00', '02:00', '03:00'].map((clock) =>
        entryOf({ profile, timestamp: `2026-10-01T${clock}:00Z`, expires_at: '2026-10-01T05:00:00Z' }),
      ) as [SentinelLogEntry, SentinelLogEntry, SentinelLogEntry];
      const closed = { ...closedOf(b), timestamp: '2026-10-01T02:30:00Z' };
      await batch([signed({ ...a, invoker: 'Erin' }), signed(closed), signed(b), signed(c)]);
      const list = async (over: Parameters<typeof importedEvents>[1]) =>
        (await importedEvents(db.database, { profile, ...over }, T0)).map(({ event_id }) => event_id);
      expect(await list({})).toEqual([c.event_id, b.event_id, a.event_id]);
      expect(await list({ limit: 1 })).toEqual([c.event_id]);
      expect(await list({ invoker: 'ERIN' })).toEqual([a.event_id]);
      expect(await list({ status: 'closed' })).toEqual([b.event_id]);
      expect(await list({ status: 'expired' })).toEqual([c.event_id, a.event_id]);
      expect(await list({ status: 'active' })).toEqual([]);
      expect(await list({ since: '2026-10-01T01:30:00Z' })).toEqual([c.event_id, b.event_id]);
    });

    it('lists by the very status that it shows, whatever was logged and in which order', async () => {
      const profile = `p-${newEventId()}`;
      const names = ['breakglass.invoked', 'breakglass.closed', 'breakglass.expired'] as const;
      // Every choice of one to three events, each at a time of its own, before and after it expired.
      for (let choice = 1; choice < 8; choice += 1) {
        for (const expires_at of ['2026-11-21T11:00:00Z', '2026-11-21T13:00:00Z']) {
          for (const order of [names, [...names].reverse()]) {
            const chosen = order.filter((name) => (choice & (1 << names.indexOf(name))) !== 0);
            const id = newEventId();
            const lines = chosen.map((event, minute) =>
              entryOf({
                event_id: id,
                profile,
                event,
                status: STATUS_AFTER[event],
                expires_at,
                timestamp: `2026-11-21T10:0${minute}:00Z`,
              }),
            );
            await batch(lines.map((line) => signed(line)));
          }
        }
      }
      const views = await importedEvents(db.database, { profile, limit: 100 }, T0);
      expect(views).toHaveLength(28);
      for (const status of ['active', 'closed', 'expired'] as const) {
        const ids = (list: typeof views): string[] => list.map(({ event_id }) => event_id).sort();
        const listed = await importedEvents(db.database, { profile, status, limit: 100 }, T0);
        expect(ids(listed)).toEqual(ids(views.filter((view) => view.status === status)));
        expect(listed.length).toBeGreaterThan(0);
      }
    });

    it('never changes what was imported', async () => {
      await expect(db.database.query(`UPDATE register.imported_events SET invoker = 'x'`)).rejects.toThrow(
        /append-only/,
      );
    });
  });
});
