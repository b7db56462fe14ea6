import { instant } from '../../domain/identifiers.js';
import type { Policy } from '../../domain/policy.js';
import { buildBundle, type BundleStage } from '../../proofs/bundle.js';
import { extractOf } from '../../proofs/bundle-people.js';
import { rostersNamedIn } from '../../proofs/bundle-roster.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import type { Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import { ledgerRows } from './ledger-rows.js';
import { signedRosters } from './signed-rosters.js';

/**
 * Seals the whole ledger as it stands into a bundle of this stage, in the caller's transaction. A stage that was sealed
 * before is sealed again, with what came since: an end mark may arrive after the end. Earlier copies go on verifying.
 */
export async function sealBundle(
  tx: Sql,
  { key, clock, roster, signedRoster }: Pick<RegisterHoldings, 'key' | 'clock' | 'roster' | 'signedRoster'>,
  eventId: string,
  stage: BundleStage,
): Promise<void> {
  const [row] = await tx.query<{ document: string; envelope: string | null }>(
    `SELECT document, envelope FROM register.events JOIN register.policies ON policies.digest = policy_digest
     LEFT JOIN register.contracts ON contracts.digest = policy_digest WHERE event_id = $1`,
    [eventId],
  );
  if (row === undefined) return;
  const entries = await ledgerRows(tx, eventId);
  const sealedAt = instant(clock.now());
  const policy = JSON.parse(row.document) as Policy;
  const contract = row.envelope === null ? null : (JSON.parse(row.envelope) as DsseEnvelope);
  const people = extractOf(roster(), entries);
  const rosters = await signedRosters(tx, { signedRoster }, rostersNamedIn(entries));
  const bundle = buildBundle({ eventId, stage, sealedAt, policy, contract, rosters, people, entries, key });
  await tx.query(
    `INSERT INTO register.bundles (event_id, stage, sealed_at, ledger_count, bundle) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (event_id, stage) DO UPDATE SET sealed_at = $3, ledger_count = $4, bundle = $5`,
    [eventId, stage, sealedAt, entries.length, bundle],
  );
}
