import { instant } from '../../domain/identifiers.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import type { Sql } from '../register/database.js';
import type { AttemptOf } from './nonce-journal.js';

/** A quote whose signature and nonce were good, kept to count resets from. */
export interface KeptQuote {
  /** TPMS_ATTEST and TPMT_SIGNATURE. */
  quote: Buffer;
  signature: Buffer;
  takenAt: string;
}

/** Takes the attempt's turn until the transaction ends: two answers to one attempt are decided one after the other. */
export async function takeAttempt(tx: Sql, of: AttemptOf): Promise<void> {
  const turn = `verifier/${of.incident_id ?? ''}/${of.host}/${of.purpose}/${of.attempt}`;
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [turn]);
}

/** The result that an attempt of an incident has already, byte for byte as it was signed. Scheduled ones are always asked anew. */
export async function resultOf(sql: Sql, of: AttemptOf): Promise<DsseEnvelope | undefined> {
  if (of.incident_id === null) return undefined;
  const [row] = await sql.query<{ envelope: string }>(
    `SELECT envelope FROM verifier.results
     WHERE incident_id = $1 AND host = $2 AND attempt = $3 AND containment_binding = $4 AND purpose = $5`,
    [of.incident_id, of.host, of.attempt, of.containment_binding, of.purpose],
  );
  return row && (JSON.parse(row.envelope) as DsseEnvelope);
}

/** `nonce` is spent already, in the same transaction. */
export async function writeResult(
  tx: Sql,
  nonce: Buffer,
  of: AttemptOf,
  { envelope, issuedAt }: { envelope: DsseEnvelope; issuedAt: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO verifier.results (nonce, incident_id, host, attempt, containment_binding, purpose, issued_at, envelope)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      nonce.toString('hex'),
      of.incident_id,
      of.host,
      of.attempt,
      of.containment_binding,
      of.purpose,
      issuedAt,
      JSON.stringify(envelope),
    ],
  );
}

/** `healthy`: every check held, and not only those that make it authentic. */
export async function keepQuote(
  tx: Sql,
  nonce: Buffer,
  of: AttemptOf,
  kept: KeptQuote & { akName: string; healthy: boolean; safe: boolean },
): Promise<void> {
  await tx.query(
    `INSERT INTO verifier.quotes
       (nonce, incident_id, host, ak_name, containment_binding, purpose, healthy, safe, quote, signature, taken_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      nonce.toString('hex'),
      of.incident_id,
      of.host,
      kept.akName,
      of.containment_binding,
      of.purpose,
      kept.healthy,
      kept.safe,
      kept.quote.toString('base64'),
      kept.signature.toString('base64'),
      kept.takenAt,
    ],
  );
}

/**
 * The quote taken at this containment, by this key. Where it was asked for more than once the latest counts, from which
 * more resets are wanted and not fewer.
 */
export const quoteAtContainment = (
  sql: Sql,
  { incident_id, host, containment_binding }: AttemptOf,
  akName: string,
): Promise<KeptQuote | undefined> =>
  oneQuote(sql, `incident_id = $3 AND containment_binding = $4 AND purpose = 'baseline' ORDER BY taken_at DESC`, [
    host,
    akName,
    incident_id,
    containment_binding,
  ]);

/**
 * The last good quote by this key before a time (epoch milliseconds). One in which the TPM did not know its clock is no
 * measure for later ones: it would be for an hour after each power cut.
 */
export const lastHealthyQuote = (
  sql: Sql,
  host: string,
  akName: string,
  beforeMs: number,
): Promise<KeptQuote | undefined> =>
  oneQuote(sql, 'healthy AND safe AND taken_at < $3 ORDER BY taken_at DESC', [host, akName, instant(beforeMs)]);

async function oneQuote(sql: Sql, where: string, params: unknown[]): Promise<KeptQuote | undefined> {
  const [row] = await sql.query<{ quote: string; signature: string; taken_at: string }>(
    `SELECT quote, signature, taken_at FROM verifier.quotes WHERE host = $1 AND ak_name = $2 AND ${where} LIMIT 1`,
    params,
  );
  if (row === undefined) return undefined;
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  return { quote: bytes(row.quote), signature: bytes(row.signature), takenAt: row.taken_at };
}
