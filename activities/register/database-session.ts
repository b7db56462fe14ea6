import { AsyncLocalStorage } from 'node:async_hooks';
import { DatabaseError, type Database, type Isolation, type Sql } from './database.js';
import { applyMigrations, type RunScript } from './database-migrations.js';
import { withRetries } from './database-retry.js';

/** What one kind of database must bring; everything else is the same over both. */
export interface Driver {
  kind: Database['kind'];
  query: Sql['query'];
  /** One attempt at a transaction. Throws `transaction_aborted` when the commit rolled back instead. */
  attempt<T>(isolation: Isolation, work: (tx: Sql, runScript: RunScript) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Adds to a driver what both kinds share: retries, migrations, and that nothing leaves or enters a transaction. */
export function databaseOver(driver: Driver): Database {
  const running = new AsyncLocalStorage<{ open: boolean }>();
  let closing: Promise<void> | null = null;

  const outsideOnly = (): void => {
    // On PGlite this would wait for ever, and on PostgreSQL it would silently be another transaction.
    if (running.getStore()?.open) throw misuse('the database was used inside of a transaction: use its tx');
  };

  const once = <T>(isolation: Isolation, work: (tx: Sql, runScript: RunScript) => Promise<T>): Promise<T> =>
    driver.attempt(isolation, async (sql, runScript) => {
      const scope = { open: true };
      const tx: Sql = {
        query: async (text, params) => {
          if (!scope.open) throw misuse('a tx was used after its transaction ended');
          return sql.query(text, params);
        },
      };
      try {
        return await running.run(scope, () => work(tx, runScript));
      } finally {
        scope.open = false;
      }
    });

  return {
    kind: driver.kind,
    query: async (text, params) => {
      outsideOnly();
      return driver.query(text, params);
    },
    transaction: async (work, options) => {
      outsideOnly();
      return withRetries(() => once(options?.isolation ?? 'read committed', work));
    },
    migrate: async (migrations) => {
      outsideOnly();
      await withRetries(() => once('read committed', (tx, runScript) => applyMigrations(tx, runScript, migrations)));
    },
    close: () => (closing ??= driver.close()),
  };
}

function misuse(message: string): DatabaseError {
  return new DatabaseError('transaction_misuse', message);
}
