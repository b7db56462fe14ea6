import pg from 'pg';
import { DatabaseError, sqlState, type Database, type Sql } from './database.js';
import { databaseOver, type Driver } from './database-session.js';
import { sqlParams, VALUE_PARSERS, type ValueParser } from './database-values.js';

const CONNECT_MS = 5_000;
const STATEMENT_MS = 30_000;

/**
 * Opens a pool of at most `max` (10) connections to PostgreSQL and tries one. Throws `register_unreachable` when there is
 * none within 5 s. A statement is given up after 30 s. The URL is a secret and appears in no message.
 */
export async function openPostgres(url: string, options: { max?: number } = {}): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + CONNECT_MS,
    keepAlive: true,
    application_name: 'reseal',
    options: '-c TimeZone=UTC -c DateStyle=ISO',
    types: { getTypeParser: (oid: number): ValueParser => VALUE_PARSERS[oid] ?? String },
  });
  // A connection that dies while nobody waits for it says so here; without a listener that would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const database = databaseOver(driverOver(pool));
  try {
    await database.query('SELECT 1');
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

function driverOver(pool: pg.Pool): Driver {
  return {
    kind: 'postgres',
    query: async (text, params) => {
      const client = await connect(pool);
      return usingClient(client, () => sqlOver(client).query(text, params));
    },
    attempt: async (isolation, work) => {
      const client = await connect(pool);
      return usingClient(client, async () => {
        await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
        const outcome = await work(sqlOver(client), async (script) => void (await client.query(script)));
        // PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and no error.
        const { command } = await client.query('COMMIT');
        if (command === 'COMMIT') return outcome;
        throw new DatabaseError('transaction_aborted', 'nothing was committed: a statement had failed');
      });
    },
    close: () => pool.end(),
  };
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  return pool.connect().catch((error: unknown) => {
    throw unreachable(error) ?? error;
  });
}

/** Gives the client back when it is clean again, and throws it away when its connection is lost. */
async function usingClient<T>(client: pg.PoolClient, work: () => Promise<T>): Promise<T> {
  try {
    const outcome = await work();
    client.release();
    return outcome;
  } catch (error) {
    const lost = unreachable(error);
    const clean = lost === null && (await rolledBack(client));
    client.release(!clean);
    throw lost ?? error;
  }
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

function sqlOver(client: pg.PoolClient): Sql {
  return {
    query: async <R extends Record<string, unknown>>(text: string, params: readonly unknown[] = []) => {
      const { rows } = await client.query<R>(text, sqlParams(params)).catch((error: unknown) => {
        throw unreachable(error) ?? error;
      });
      return rows;
    },
  };
}

/** Codes of Node's sockets, and SQLSTATEs of a server that goes away, comes up or is full (manual, appendix A). */
const LOST_SOCKET = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const LOST_SERVER = /^(08...|57P0[1-5]|53300)$/;
/** What node-postgres says without a code. */
const LOST_MESSAGE =
  /connection (terminated|error|timeout)|timeout exceeded when trying to connect|Query read timeout|not queryable|Cannot use a pool after calling end/i;

function unreachable(error: unknown): DatabaseError | null {
  if (error instanceof DatabaseError) return error.code === 'register_unreachable' ? error : null;
  const state = sqlState(error);
  const { code, message, errors } = error as { code?: unknown; message?: unknown; errors?: unknown };
  const lost =
    (state !== null && LOST_SERVER.test(state)) ||
    (typeof code === 'string' && LOST_SOCKET.test(code)) ||
    (state === null && typeof message === 'string' && LOST_MESSAGE.test(message)) ||
    (Array.isArray(errors) && errors.some((inner) => unreachable(inner) !== null));
  return lost ? new DatabaseError('register_unreachable', 'PostgreSQL cannot be reached', { cause: error }) : null;
}
