import { PGlite, TransactionAbortedError, type Transaction } from '@electric-sql/pglite';
import { DatabaseError, type Database, type Sql } from './database.js';
import { takeDatabaseLock } from './database-lock.js';
import { databaseOver, type Driver } from './database-session.js';
import { sqlParams, VALUE_PARSERS } from './database-values.js';

/**
 * Opens the embedded database in a folder, or in memory for null. Only one process may: a lock file `DATADIR.lock` holds
 * its identity. Throws `database_locked`. Statements and transactions run one after the other.
 */
export async function openPglite(dataDir: string | null): Promise<Database> {
  const lock = dataDir === null ? null : await takeDatabaseLock(`${dataDir}.lock`);
  try {
    const pglite = await (dataDir === null ? PGlite.create() : PGlite.create(dataDir));
    await pglite.exec(`SET TIME ZONE 'UTC'`);
    return databaseOver(driverOver(pglite, async () => lock?.release()));
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

function driverOver(pglite: PGlite, release: () => Promise<void>): Driver {
  const reachable = async <T>(work: () => Promise<T>): Promise<T> => {
    if (pglite.closed) throw new DatabaseError('register_unreachable', 'the embedded database is closed');
    return work();
  };
  return {
    kind: 'pglite',
    query: (text, params) => reachable(() => sqlOver(pglite).query(text, params)),
    attempt: (isolation, work) =>
      reachable(() =>
        pglite
          .transaction(async (tx) => {
            await tx.exec(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
            return work(sqlOver(tx), async (script) => void (await tx.exec(script)));
          })
          .catch((error: unknown) => {
            throw error instanceof TransactionAbortedError
              ? new DatabaseError('transaction_aborted', 'nothing was committed: a statement had failed', {
                  cause: error,
                })
              : error;
          }),
      ),
    close: async () => {
      try {
        if (!pglite.closed) await pglite.close();
      } finally {
        await release();
      }
    },
  };
}

function sqlOver(session: PGlite | Transaction): Sql {
  return {
    query: async <R extends Record<string, unknown>>(text: string, params: readonly unknown[] = []) =>
      (await session.query<R>(text, sqlParams(params), { parsers: { ...VALUE_PARSERS } })).rows,
  };
}
