import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { violatedConstraint, type Database } from '../../../activities/register/database.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import { openPostgres } from '../../../activities/register/database-postgres.js';
import { available, startPostgres, type LocalPostgres } from '../../../deploy/local/postgres/start-postgres.js';

const noPostgres = await available();
const folder = mkdtempSync(join(tmpdir(), 'reseal-database-'));
let server: LocalPostgres | null = null;

async function openPostgresServer(): Promise<Database> {
  // Beside the private folder, since the server may run as another user.
  server = await startPostgres({ dataDir: `${folder}-postgres` });
  return openPostgres(server.url, { max: 8 });
}

afterAll(async () => {
  await server?.stop();
  for (const path of [folder, `${folder}-postgres`, `${folder}-postgres.log`])
    rmSync(path, { recursive: true, force: true });
});

const kinds: [kind: string, skip: string | null, open: () => Promise<Database>][] = [
  ['pglite', null, () => openPglite(null)],
  ['postgres', noPostgres, openPostgresServer],
];

describe.each(kinds)('the database over %s', (kind, skip, open) => {
  const told = skip === null ? '' : ` (skipped: ${skip})`;

  describe.skipIf(skip !== null)(`contract${told}`, () => {
    let db: Database;
    beforeAll(async () => {
      db = await open();
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      await db.query('DROP TABLE IF EXISTS counters');
      await db.query('CREATE TABLE counters (name text PRIMARY KEY, value int NOT NULL)');
      await db.query(`INSERT INTO counters VALUES ('a', 0), ('b', 0)`);
    });
    const value = async (name: string): Promise<unknown> =>
      (await db.query('SELECT value FROM counters WHERE name = $1', [name]))[0]?.['value'];

    it('reads every type the same', async () => {
      expect(db.kind).toBe(kind);
      const [row] = await db.query(
        `SELECT 1::int8 AS small, 9007199254740993::int8 AS large, count(*) AS counted,
           '2026-11-21 10:00:00.123456+02'::timestamptz AS at, 'infinity'::timestamptz AS never,
           '2026-11-21'::date AS day, '2026-11-21 10:00'::timestamp AS local, 1.50::numeric AS exact, 1.5::float8 AS float,
           '{"a":[1]}'::jsonb AS doc, 'null'::json AS nothing, '\\x00ff'::bytea AS bytes, true AS yes, NULL AS missing,
           ARRAY['x', 'y "z" \\', '', 'NULL', 'a,b', '{c}', NULL] AS texts, ARRAY[]::text[] AS none, ARRAY[1,2]::int8[] AS numbers,
           ARRAY['2026-11-21 10:00+00']::timestamptz[] AS times`,
      );
      expect(row).toEqual({
        ...{ small: 1, large: 9007199254740993n, counted: 1, at: '2026-11-21T08:00:00.123Z', never: 'infinity' },
        ...{
          day: '2026-11-21',
          local: '2026-11-21 10:00:00',
          exact: '1.50',
          float: 1.5,
          doc: { a: [1] },
          nothing: null,
        },
        ...{ bytes: Uint8Array.of(0, 255), yes: true, missing: null, none: [], numbers: [1, 2] },
        ...{ texts: ['x', 'y "z" \\', '', 'NULL', 'a,b', '{c}', null], times: ['2026-11-21T10:00:00.000Z'] },
      });
    });

    it('takes every parameter the same', async () => {
      const at = new Date('2026-11-21T10:00:00.123Z');
      const [row] = await db.query(
        `SELECT $1::timestamptz AS at, $2::timestamptz AS text_at, $3::int8 AS large, $4::jsonb AS doc, $5::jsonb AS list,
           $6::text[] AS texts, $7::bytea AS bytes, $8::bool AS yes, $9::text AS missing, $10::int AS number`,
        [at, at.toISOString(), 9007199254740993n, { a: 1 }, '[1,"x"]', ['a"b', ''], Uint8Array.of(1), false, null, 7],
      );
      expect(row).toEqual({
        ...{ at: at.toISOString(), text_at: at.toISOString(), large: 9007199254740993n, doc: { a: 1 }, list: [1, 'x'] },
        ...{ texts: ['a"b', ''], bytes: Uint8Array.of(1), yes: false, missing: null, number: 7 },
      });
    });

    it.each([[undefined], [[{ a: 1 }]], [Symbol('x')], [() => 1]])('refuses the parameter %s', async (param) => {
      await expect(db.query('SELECT $1::text', [param])).rejects.toThrow(TypeError);
    });

    it('commits what resolves and rolls back what rejects', async () => {
      const answer = await db.transaction(async (tx) => {
        await tx.query(`UPDATE counters SET value = 1 WHERE name = 'a'`);
        return 'done';
      });
      expect(answer).toBe('done');
      const failing = db.transaction(async (tx) => {
        await tx.query(`UPDATE counters SET value = 2 WHERE name = 'a'`);
        throw new Error('on purpose');
      });
      await expect(failing).rejects.toThrow('on purpose');
      expect(await value('a')).toBe(1);
    });

    it('says so when a swallowed failure keeps a commit from happening', async () => {
      const swallowing = db.transaction(async (tx) => {
        await tx.query(`UPDATE counters SET value = 2 WHERE name = 'a'`);
        await tx.query('SELECT 1/0').catch(() => undefined);
      });
      await expect(swallowing).rejects.toMatchObject({ code: 'transaction_aborted' });
      expect(await value('a')).toBe(0);
    });

    it('names the constraint that was violated', async () => {
      const error: unknown = await db.query(`INSERT INTO counters VALUES ('a', 1)`).catch((e: unknown) => e);
      expect(violatedConstraint(error)).toBe('counters_pkey');
      const other: unknown = await db.query('SELECT 1/0').catch((e: unknown) => e);
      expect(other).toMatchObject({ code: '22012' });
      expect(violatedConstraint(other)).toBeNull();
    });

    it('keeps every increment of serializable transactions that race', async () => {
      await Promise.all(
        Array.from({ length: 8 }, () =>
          db.transaction(
            async (tx) => {
              const [row] = await tx.query<{ value: number }>(`SELECT value FROM counters WHERE name = 'a'`);
              await tx.query(`UPDATE counters SET value = $1 WHERE name = 'a'`, [(row?.value ?? 0) + 1]);
            },
            { isolation: 'serializable' },
          ),
        ),
      );
      expect(await value('a')).toBe(8);
    });

    it('gives up after a bounded number of conflicts, and not after other errors', async () => {
      let runs = 0;
      const raising = (state: string) =>
        db.transaction(async (tx) => {
          runs++;
          await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '${state}'; END $$`);
        });
      await expect(raising('40001')).rejects.toMatchObject({ code: 'register_contended' });
      expect(runs).toBe(12);
      await expect(raising('22012')).rejects.toMatchObject({ code: '22012' });
      expect(runs).toBe(13);
    });

    it('lets nothing leave or enter a transaction', async () => {
      const misused = { code: 'transaction_misuse' };
      await db.transaction(async () => {
        await expect(db.query('SELECT 1')).rejects.toMatchObject(misused);
        await expect(db.transaction(() => Promise.resolve())).rejects.toMatchObject(misused);
        await expect(db.migrate([])).rejects.toMatchObject(misused);
      });
      const leaked = await db.transaction((tx) => Promise.resolve(tx));
      await expect(leaked.query('SELECT 1')).rejects.toMatchObject(misused);
    });

    it('migrates once, whoever starts, and notices a changed migration', async () => {
      const first = { id: '001', sql: `CREATE TABLE m${kind} (a int); INSERT INTO m${kind} VALUES (1)` };
      const second = { id: '002', sql: `ALTER TABLE m${kind} ADD b int; UPDATE m${kind} SET b = 2` };
      await Promise.all([db.migrate([first]), db.migrate([first]), db.migrate([first])]);
      await db.migrate([first, second]);
      await db.migrate([first]);
      expect(await db.query(`SELECT * FROM m${kind}`)).toEqual([{ a: 1, b: 2 }]);
      const changed = db.migrate([{ ...first, sql: 'SELECT 1' }, second]);
      await expect(changed).rejects.toMatchObject({ code: 'migration_changed' });
    });

    it('applies all new migrations or none', async () => {
      const good = { id: '101', sql: `CREATE TABLE half${kind} (a int)` };
      await expect(db.migrate([good, { id: '102', sql: 'SELECT 1/0' }])).rejects.toMatchObject({ code: '22012' });
      const [row] = await db.query(`SELECT to_regclass('half${kind}') AS found`);
      expect(row).toEqual({ found: null });
      await db.migrate([good]);
    });

    it('is unreachable once closed, and may be closed again', async () => {
      const other = kind === 'pglite' ? await openPglite(null) : await openPostgres(server?.url ?? '');
      await other.close();
      await other.close();
      await expect(other.query('SELECT 1')).rejects.toMatchObject({ code: 'register_unreachable' });
      await expect(other.transaction(() => Promise.resolve())).rejects.toMatchObject({ code: 'register_unreachable' });
    });
  });
});

describe.skipIf(noPostgres !== null)(
  `a PostgreSQL that goes away${noPostgres === null ? '' : ` (skipped: ${noPostgres})`}`,
  () => {
    it('is unreachable, also in the middle of a transaction, and is used again when it is back', async () => {
      const dataDir = `${folder}-crash`;
      const first = await startPostgres({ dataDir });
      const db = await openPostgres(first.url);
      await db.query('CREATE TABLE kept (a int)');
      const interrupted = db.transaction(async (tx) => {
        await tx.query('INSERT INTO kept VALUES (1)');
        await first.kill('SIGKILL');
        await tx.query('SELECT 1');
      });
      await expect(interrupted).rejects.toMatchObject({ code: 'register_unreachable' });
      await expect(db.query('SELECT 1')).rejects.toMatchObject({ code: 'register_unreachable' });
      await expect(openPostgres(first.url)).rejects.toMatchObject({ code: 'register_unreachable' });
      const second = await startPostgres({ dataDir, port: Number(new URL(first.url).port) });
      try {
        expect(await db.query('SELECT * FROM kept')).toEqual([]);
      } finally {
        await db.close();
        await second.stop();
        for (const path of [dataDir, `${dataDir}.log`]) rmSync(path, { recursive: true, force: true });
      }
    }, 60_000);
  },
);
