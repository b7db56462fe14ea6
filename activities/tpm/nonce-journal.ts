import type { AttestationPurpose, WaitingReason } from '../../domain/incidents/attestation-result.js';
import { instant } from '../../domain/identifiers.js';
import { attestationNonce } from '../../proofs/tpm/attestation-nonce.js';
import type { Sql } from '../register/database.js';

/** What one attempt is about. */
export interface AttemptOf {
  incident_id: string | null;
  host: string;
  attempt: number;
  containment_binding: string | null;
  purpose: AttestationPurpose;
}

/** A nonce that was minted for one attempt, and until when (epoch milliseconds) what answers it counts. */
export interface MintedNonce {
  nonce: Buffer;
  mintedMs: number;
  expiresMs: number;
}

/** How long a host has to answer a nonce: TPMs are slow, and one that is busy is asked again with another. */
const LIFE_MS = 120_000;

/** What an attempt of no incident is bound to. */
const incidentOf = ({ incident_id, host }: AttemptOf): string => incident_id ?? `scheduled/${host}`;

/** Mints a nonce for this attempt and writes it down before anybody sees it. */
export async function mintNonce(journal: Sql, of: AttemptOf, nowMs: number): Promise<MintedNonce> {
  const binding = of.containment_binding ?? '';
  const nonce = attestationNonce({ incident: incidentOf(of), attempt: of.attempt, binding });
  const expiresMs = nowMs + LIFE_MS;
  await journal.query(
    `INSERT INTO verifier.nonces (nonce, incident_id, host, attempt, containment_binding, purpose, minted_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      nonce.toString('hex'),
      of.incident_id,
      of.host,
      of.attempt,
      of.containment_binding,
      of.purpose,
      instant(nowMs),
      instant(expiresMs),
    ],
  );
  return { nonce, mintedMs: nowMs, expiresMs };
}

/** What became of a nonce; whatever it was, it is spent. */
export type SpentAs = 'passed' | 'refused' | WaitingReason;

/**
 * Spends a nonce: once, and only one that was minted here for this very attempt and is not over. False otherwise, and then
 * nothing was written that the caller's transaction could keep.
 */
export async function spendNonce(
  journal: Sql,
  nonce: Buffer,
  of: AttemptOf,
  outcome: SpentAs,
  nowMs: number,
): Promise<boolean> {
  const rows = await journal.query(
    `INSERT INTO verifier.spent (nonce, outcome, spent_at)
     SELECT nonce, $2, $3 FROM verifier.nonces
     WHERE nonce = $1 AND host = $4 AND attempt = $5 AND purpose = $6 AND expires_at > $3::timestamptz
       AND incident_id IS NOT DISTINCT FROM $7 AND containment_binding IS NOT DISTINCT FROM $8
     ON CONFLICT ON CONSTRAINT spent_once DO NOTHING
     RETURNING nonce`,
    [
      nonce.toString('hex'),
      outcome,
      instant(nowMs),
      of.host,
      of.attempt,
      of.purpose,
      of.incident_id,
      of.containment_binding,
    ],
  );
  return rows.length === 1;
}

/** When the verifier was first asked for anything of an incident, in epoch milliseconds; undefined when never. */
export async function firstAskedMs(journal: Sql, incidentId: string): Promise<number | undefined> {
  const [row] = await journal.query<{ at: string | null }>(
    'SELECT min(minted_at) AS at FROM verifier.nonces WHERE incident_id = $1',
    [incidentId],
  );
  return typeof row?.at === 'string' ? Date.parse(row.at) : undefined;
}
