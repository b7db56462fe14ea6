import type { AdmitOutcome } from '../../domain/outcomes.js';
import { refusalOf as plain, type Refusal } from '../../domain/refusal.js';
import type { Request } from '../../domain/request.js';
import { viewOfRequest } from '../../domain/request-view.js';
import type { CeremonyView } from '../../domain/view.js';
import type { Sql } from './database.js';

/** What was refused at admission. `at` is RFC 3339 UTC. */
export type RefusedAt = Refusal & { at: string };

interface RefusalRow extends Record<string, unknown> {
  digest: string;
  code: string;
  message: string;
  rule: string | null;
  wanted: string | null;
  passes_at: string | null;
  refused_at: string;
}
const COLUMNS = 'digest, code, message, rule, wanted, passes_at, refused_at';

function refusedAt({ code, message, rule, wanted, passes_at, refused_at }: RefusalRow): RefusedAt {
  const known = { ...(rule === null ? {} : { rule }), ...(wanted === null ? {} : { wanted }) };
  return { code, message, ...known, passes_at, at: refused_at };
}

const outcomeOf = (row: RefusalRow): AdmitOutcome => ({ outcome: 'refused', ...refusedAt(row) });

/** What was answered before under an event id: to this very request, and whether the id is spent on another one. */
export interface Earlier {
  admitted: boolean;
  refused: AdmitOutcome | undefined;
  taken: boolean;
}

/** A request whose signature never verified spends nothing: anybody could send one under anybody's event id. */
export async function earlierAnswers(tx: Sql, eventId: string, digest: string): Promise<Earlier> {
  const rows = await tx.query<RefusalRow & { admitted: boolean }>(
    `SELECT true AS admitted, request_digest AS digest, '' AS code, '' AS message, NULL AS rule, NULL AS wanted,
         NULL::timestamptz AS passes_at, admitted_at AS refused_at
       FROM register.events WHERE event_id = $1
     UNION ALL
     SELECT false, ${COLUMNS} FROM register.refusals WHERE event_id = $1 AND (digest = $2 OR proven)`,
    [eventId, digest],
  );
  const same = rows.find((row) => row.digest === digest);
  const admitted = same?.admitted === true;
  const refused = same === undefined || admitted ? undefined : outcomeOf(same);
  return { admitted, refused, taken: rows.some((row) => row.digest !== digest) };
}

/** A refusal to keep. `digest` is the request's, or its envelope's where nothing proves the request (`request` null). */
export interface Refused extends RefusedAt {
  eventId: string;
  digest: string;
  request: Request | null;
}

/**
 * Keeps a refusal and answers it; the first one stays. Whoever sends rubbish under an event id must not spend it, and puts
 * no words of theirs before readers: without a proven request only the refusal itself is kept.
 */
export async function keepRefusal(tx: Sql, refused: Refused): Promise<AdmitOutcome> {
  const { eventId, digest, request, at } = refused;
  const refusal = plain(refused);
  const columns = {
    event_id: eventId,
    digest,
    proven: request !== null,
    code: refusal.code,
    message: refusal.message,
    rule: refusal.rule ?? null,
    wanted: refusal.wanted ?? null,
    passes_at: refusal.passes_at ?? null,
    refused_at: at,
    profile: request?.profile ?? null,
    invoker_person: request?.invoker.person ?? null,
    invoker_upn: request?.invoker.upn.toLowerCase() ?? null,
    view: request && JSON.stringify(refusedView(eventId, refused)),
  };
  const [row] = await tx.query<RefusalRow>(
    `INSERT INTO register.refusals (${Object.keys(columns).join(', ')})
     VALUES (${Object.keys(columns)
       .map((_, index) => `$${index + 1}`)
       .join(', ')})
     ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`,
    Object.values(columns),
  );
  if (row !== undefined) return outcomeOf(row);
  return (await earlierAnswers(tx, eventId, digest)).refused ?? { outcome: 'refused', at, ...refusal };
}

/** The newest refusal under an event id, a proven one before any other. */
export async function refusalOf(sql: Sql, eventId: string): Promise<RefusedAt | undefined> {
  const [row] = await sql.query<RefusalRow>(
    `SELECT ${COLUMNS} FROM register.refusals WHERE event_id = $1 ORDER BY proven DESC, refused_at DESC LIMIT 1`,
    [eventId],
  );
  return row && refusedAt(row);
}

function refusedView(eventId: string, { request, digest, at, ...refused }: Refused): CeremonyView {
  const asked = request && { request, request_digest: digest };
  const known = { state: 'refused' as const, requested_at: at, refusal: plain(refused) };
  return { ...viewOfRequest(eventId, asked, known), ended_at: at };
}
