import type { AdmitOutcome } from '../../domain/outcomes.js';
import type { Sql } from './database.js';

/** Why an event was not admitted. `at` is RFC 3339 UTC. */
export interface Refusal {
  code: string;
  message: string;
  at: string;
}

interface RefusalRow extends Record<string, unknown> {
  digest: string;
  code: string;
  message: string;
  refused_at: string;
}

const outcomeOf = ({ code, message, refused_at }: RefusalRow): AdmitOutcome => ({
  outcome: 'refused',
  at: refused_at,
  code,
  message,
});

/** What was answered before under an event id: to this very request, and whether the id is spent on another one. */
export interface Earlier {
  admitted: boolean;
  refused: AdmitOutcome | undefined;
  taken: boolean;
}

/** A request whose signature never verified spends nothing: anybody could send one under anybody's event id. */
export async function earlierAnswers(tx: Sql, eventId: string, digest: string): Promise<Earlier> {
  const rows = await tx.query<RefusalRow & { admitted: boolean }>(
    `SELECT true AS admitted, request_digest AS digest, '' AS code, '' AS message, admitted_at AS refused_at
       FROM register.events WHERE event_id = $1
     UNION ALL
     SELECT false, digest, code, message, refused_at
       FROM register.refusals WHERE event_id = $1 AND (digest = $2 OR proven)`,
    [eventId, digest],
  );
  const same = rows.find((row) => row.digest === digest);
  const admitted = same?.admitted === true;
  const refused = same === undefined || admitted ? undefined : outcomeOf(same);
  return { admitted, refused, taken: rows.some((row) => row.digest !== digest) };
}

/**
 * Keeps a refusal and answers it; the first one stays. `digest` is the request's, or its envelope's where nothing proves
 * the request (`proven` false): whoever sends rubbish under an event id must not spend it.
 */
export async function keepRefusal(
  tx: Sql,
  refused: { eventId: string; digest: string; proven: boolean } & Refusal,
): Promise<AdmitOutcome> {
  const { eventId, digest, proven, code, message, at } = refused;
  const [row] = await tx.query<RefusalRow>(
    `INSERT INTO register.refusals (event_id, digest, proven, code, message, refused_at) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING RETURNING digest, code, message, refused_at`,
    [eventId, digest, proven, code, message, at],
  );
  return row
    ? outcomeOf(row)
    : ((await earlierAnswers(tx, eventId, digest)).refused ?? { outcome: 'refused', at, code, message });
}

/** The newest refusal under an event id, a proven one before any other. */
export async function refusalOf(sql: Sql, eventId: string): Promise<Refusal | undefined> {
  const [row] = await sql.query<RefusalRow>(
    `SELECT digest, code, message, refused_at FROM register.refusals WHERE event_id = $1
     ORDER BY proven DESC, refused_at DESC LIMIT 1`,
    [eventId],
  );
  return row && { code: row.code, message: row.message, at: row.refused_at };
}
