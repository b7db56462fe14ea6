import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AUTHORITY_MIGRATIONS } from '../../../activities/authority/authority-migrations.js';
import type { Database } from '../../../activities/register/database.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import { openPostgres } from '../../../activities/register/database-postgres.js';
import { REGISTER_MIGRATIONS } from '../../../activities/register/register-migrations.js';
import { available, startPostgres } from '../../../deploy/local/postgres/start-postgres.js';

/** A database of one kind with both schemas, and what ends it. */
export interface TestDatabase {
  database: Database;
  close(): Promise<void>;
}

/** One kind of database: why it cannot be had here (null when it can), and how to open a fresh one. */
export type Kind = [kind: string, skip: string | null, open: () => Promise<TestDatabase>];

async function migrated(database: Database, after: () => Promise<void>): Promise<TestDatabase> {
  await database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
  const close = async (): Promise<void> => {
    await database.close();
    await after();
  };
  return { database, close };
}

async function openServer(): Promise<TestDatabase> {
  // Beside and not inside a private folder, since the server may run as another user.
  const dataDir = join(tmpdir(), `reseal-register-${process.pid}-${randomBytes(4).toString('hex')}`);
  const server = await startPostgres({ dataDir });
  return migrated(await openPostgres(server.url, { max: 16 }), async () => {
    await server.stop();
    for (const path of [dataDir, `${dataDir}.log`]) rmSync(path, { recursive: true, force: true });
  });
}

/** Both kinds, for `describe.each`: the register and the journal must behave the same over each. */
export const bothDatabases: Kind[] = [
  ['pglite', null, async () => migrated(await openPglite(null), () => Promise.resolve())],
  ['postgres', await available(), openServer],
];
