import { epochMs } from '../../../domain/identifiers.js';
import type { DsseEnvelope } from '../../../domain/intent.js';
import type { RoleKeys } from '../../../proofs/receipt.js';
import { readAttestationResult } from '../../../proofs/incidents/attestation-result.js';
import type { Sql } from '../../register/database.js';

/** What the verifier's own journal says of the attempts to attest one containment. */
export interface AttestedBefore {
  /** The latest attempt that has a verdict; null where there is none. */
  latest: { attempt: number; verdict: 'passed' | 'refused' } | null;
  /** When a host that had passed was refused, in epoch ms: who spoke before that has not seen it. 0 where it never was. */
  voidBeforeMs: number;
}

/** Looks it up; throws where the journal is there and cannot be read, and nothing may be released. */
export type LookUpAttested = (sql: Sql, incidentId: string, binding: string) => Promise<AttestedBefore>;

/**
 * Reads the verifier's journal: whoever resets or starts a workflow again can make it forget a failure, and this remembers.
 * Each result is checked to be the verifier's.
 */
export const attestedBefore =
  (keys: RoleKeys): LookUpAttested =>
  async (sql, incidentId, binding) => {
    // Without a journal there is no attempt that could be the latest: nothing that needs one is released.
    const [journal] = await sql.query<{ found: boolean }>(
      `SELECT to_regclass('verifier.results') IS NOT NULL AS found`,
    );
    if (journal?.found !== true) return { latest: null, voidBeforeMs: 0 };
    const rows = await sql.query<{ envelope: string }>(
      `SELECT envelope FROM verifier.results
       WHERE incident_id = $1 AND containment_binding = $2 AND purpose = 'recovery' ORDER BY attempt, issued_at`,
      [incidentId, binding],
    );
    let latest: AttestedBefore['latest'] = null;
    let passed = false;
    let voidBeforeMs = 0;
    for (const { envelope } of rows) {
      const read = readAttestationResult(JSON.parse(envelope) as DsseEnvelope, keys);
      if (!read.ok) continue;
      const { attempt, verdict, issued_at } = read.result;
      if (verdict === 'refused' && passed) voidBeforeMs = epochMs(issued_at);
      passed ||= verdict === 'passed';
      latest = { attempt, verdict };
    }
    return { latest, voidBeforeMs };
  };
