import { isSentinelEntry, type AuditDraft, type AuditPayload } from '../../domain/audit-line.js';
import { auditDrafts, ownEntry, subjectOf, type AuditSubject, type Invoked } from '../../domain/audit-mapping.js';
import { cutText } from '../../domain/cut-text.js';
import { instant } from '../../domain/identifiers.js';
import type { Request } from '../../domain/request.js';
import { findPerson, upnOf } from '../../domain/roster.js';
import { AUDIT_GENESIS, auditLineHash, signAuditLine, unverifiedAuditLine } from '../../proofs/audit-log.js';
import type { Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import type { ChainedEntry } from './ledger-rows.js';

type Signing = Pick<RegisterHoldings, 'key' | 'clock' | 'roster'>;

/** Taken last in a transaction and held until it ends, so that sequence numbers have no gaps and readers miss nothing. */
const AUDIT_LOCK = 7_305_616_252;

/**
 * Writes one signed line for each ledger entry that this transaction adds. Whoever calls this does so last: all
 * ceremonies take turns from here to the commit. The transaction is read committed, so that the tail is read anew.
 */
export async function keepAuditLines(
  tx: Sql,
  holdings: Signing,
  eventId: string,
  chained: readonly ChainedEntry[],
): Promise<void> {
  if (chained.length === 0) return;
  const subject = await subjectOfEvent(tx, eventId);
  const placed = chained.map(({ entry, payload }) => ({
    payload,
    ledger: { seq: entry.seq, hash: entry.ledger_hash },
  }));
  const ends = placed.some(({ payload }) => payload.transition === 'ended');
  const invoked = ends ? await invokedBefore(tx, eventId) : undefined;
  const drafts = auditDrafts(subject, placed, invoked, (person) => nameOf(holdings, person));
  const transitions = placed.map(({ payload }) => payload.transition);
  await write(
    tx,
    holdings,
    drafts.map((draft, index) => ({ draft, transition: transitions[index] ?? null })),
  );
}

/** Writes the line of a request that was not admitted: it has no ledger. Only for requests whose signature verified. */
export async function keepRefusalLine(
  tx: Sql,
  holdings: Signing,
  request: Request,
  refused: { digest: string; code: string; message: string; at: string },
): Promise<void> {
  const { digest, code, message, at } = refused;
  const { principal, role, ...subject } = subjectOf(request, digest);
  const details = { code, message: cutText(message, 1000), principal, role, request_digest: digest };
  const draft: AuditDraft = {
    at,
    said_by: 'register',
    ledger: null,
    entry: ownEntry(subject, at, 'reseal.refused'),
    details,
  };
  await write(tx, holdings, [{ draft, transition: `refused/${digest.slice(0, 32)}` }]);
}

/** Writes the line of something that concerns no ceremony of ours. */
export async function keepNoteLine(
  tx: Sql,
  holdings: Signing,
  event: `reseal.${string}`,
  details: AuditDraft['details'],
): Promise<void> {
  const at = instant(holdings.clock.now());
  const entry = ownEntry({ event_id: null, invoker: null, profile: null, reason_code: null }, at, event);
  await write(tx, holdings, [{ draft: { at, said_by: 'register', ledger: null, entry, details }, transition: null }]);
}

function nameOf({ roster }: Signing, person: string): string {
  const known = findPerson(roster(), person);
  return known === undefined ? person : upnOf(known);
}

/** What was admitted: these members of a row's view are the register's own, whatever its workflow tells. */
async function subjectOfEvent(tx: Sql, eventId: string): Promise<AuditSubject> {
  const [row] = await tx.query<{ view: string }>('SELECT view FROM register.events WHERE event_id = $1', [eventId]);
  if (row === undefined) throw new Error(`event ${eventId} has a ledger and no row`);
  return JSON.parse(row.view) as AuditSubject;
}

/** What `breakglass.invoked` said of this ceremony, if it was logged. */
async function invokedBefore(tx: Sql, eventId: string): Promise<Invoked | undefined> {
  const [row] = await tx.query<{ line: string }>(
    `SELECT line FROM register.audit_lines WHERE event_id = $1 AND event = 'breakglass.invoked'`,
    [eventId],
  );
  if (row === undefined) return undefined;
  // The database may have been tampered with; an append that failed here would keep the ceremony open for ever.
  const entry = unverifiedAuditLine(row.line)?.entry;
  return entry !== undefined && isSentinelEntry(entry) ? entry : undefined;
}

interface Placed {
  draft: AuditDraft;
  /** Unique within the event, so that nothing is logged twice; null for what belongs to none. */
  transition: string | null;
}

async function write(tx: Sql, { key, clock }: Signing, wanted: readonly Placed[]): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [AUDIT_LOCK]);
  const drafts = await unlogged(tx, wanted);
  if (drafts.length === 0) return;
  const [tail] = await tx.query<{ seq: number; line_hash: string }>(
    'SELECT seq, line_hash FROM register.audit_lines ORDER BY seq DESC LIMIT 1',
  );
  const logged_at = instant(clock.now());
  let seq = tail?.seq ?? 0;
  let prev_hash = tail?.line_hash ?? AUDIT_GENESIS;
  const rows = drafts.map(({ draft, transition }) => {
    seq += 1;
    const payload: AuditPayload = { schema: 'reseal.audit.v1', seq, prev_hash, logged_at, ...draft };
    const line = signAuditLine(payload, key);
    prev_hash = auditLineHash(line);
    const { event, event_id } = draft.entry;
    return { seq, event, event_id, transition, line_hash: prev_hash, line };
  });
  await tx.query(
    `INSERT INTO register.audit_lines (seq, event, event_id, transition, logged_at, line_hash, line)
     SELECT seq, event, nullif(event_id, ''), nullif(transition, ''), $5, line_hash, line
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $6::text[], $7::text[])
       AS rows (seq, event, event_id, transition, line_hash, line)`,
    [
      rows.map((row) => row.seq),
      rows.map((row) => row.event),
      rows.map((row) => row.event_id ?? ''),
      rows.map((row) => row.transition ?? ''),
      logged_at,
      rows.map((row) => row.line_hash),
      rows.map((row) => row.line),
    ],
  );
}

async function unlogged(tx: Sql, wanted: readonly Placed[]): Promise<Placed[]> {
  const events = wanted.map(({ draft }) => draft.entry.event_id ?? '');
  const rows = await tx.query<{ event_id: string; transition: string }>(
    `SELECT event_id, transition FROM register.audit_lines
     WHERE event_id = ANY ($1::text[]) AND transition = ANY ($2::text[])`,
    [events, wanted.map(({ transition }) => transition ?? '')],
  );
  const logged = new Set(rows.map(({ event_id, transition }) => `${event_id} ${transition}`));
  return wanted.filter(({ draft, transition }) => !logged.has(`${draft.entry.event_id} ${transition}`));
}
