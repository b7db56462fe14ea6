/** Where statements run. */
export interface Sql {
  /**
   * Runs one statement with parameters `$1`, `$2`, … and returns its rows. The types are the same over both kinds:
   * timestamptz is an RFC 3339 UTC string with milliseconds, bigint a number when that is exact and a bigint otherwise,
   * json and jsonb are parsed, bytea is a Uint8Array, numeric, date and timestamp without zone are PostgreSQL's text.
   * Throws DatabaseError, or the database's own error with its SQLSTATE in `code` (see `violatedConstraint`).
   */
  query<R extends Record<string, unknown>>(text: string, params?: readonly unknown[]): Promise<R[]>;
}

/** The two isolation levels in use. */
export type Isolation = 'read committed' | 'serializable';

/** One interface over the embedded PGlite and PostgreSQL. */
export interface Database extends Sql {
  readonly kind: 'pglite' | 'postgres';
  /**
   * Runs `work` in one transaction (`read committed` unless said otherwise), committed when it resolves and rolled back
   * when it rejects. `work` runs again from its start after a serialization failure or deadlock, at most 12 times in all, so
   * it does nothing outside the transaction. It uses `tx` only: the database itself refuses meanwhile (`transaction_misuse`).
   * After `register_unreachable` during the commit the outcome is unknown: make the work idempotent.
   */
  transaction<T>(work: (tx: Sql) => Promise<T>, options?: { isolation?: Isolation }): Promise<T>;
  /** Applies what is missing, in order, in one transaction; several processes may do so at once. */
  migrate(migrations: readonly Migration[]): Promise<void>;
  /** Closes the connections, and with PGlite gives up its lock file. May be called again. */
  close(): Promise<void>;
}

/** A change of the schema. `sql` may hold several statements; once applied anywhere it never changes. */
export interface Migration {
  id: string;
  sql: string;
}

/**
 * - `register_unreachable`: no connection, or it was lost; try again later. The outcome of a commit is then unknown.
 * - `register_contended`: still in conflict with others after all attempts; try again later.
 * - `transaction_aborted`: a statement failed, its error was swallowed, and nothing was committed.
 * - `transaction_misuse`: `tx` after its end, or the database itself inside of a transaction.
 * - `database_locked`: another process has the folder open; its pid is in the message.
 * - `register_corrupt`: rows contradict each other; somebody changed them by hand.
 * - `migration_changed`: an applied migration is not the one in the code.
 */
export type DatabaseErrorCode =
  | 'register_unreachable'
  | 'register_contended'
  | 'register_corrupt'
  | 'transaction_aborted'
  | 'transaction_misuse'
  | 'database_locked'
  | 'migration_changed';

/** A failure that callers tell apart; the message names no data. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  constructor(
    readonly code: DatabaseErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The SQLSTATE of an error of either database, or null. */
export function sqlState(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}

/** The unique or exclusion constraint (or unique index) that a statement violated, or null for any other error. */
export function violatedConstraint(error: unknown): string | null {
  const state = sqlState(error);
  if (state !== '23505' && state !== '23P01') return null;
  const { constraint } = error as { constraint?: unknown };
  return typeof constraint === 'string' ? constraint : null;
}
