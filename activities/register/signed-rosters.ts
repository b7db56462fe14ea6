import type { DsseEnvelope } from '../../proofs/dsse.js';
import type { InForce } from '../in-force.js';
import type { Sql } from './database.js';

/** Keeps a roster as its signers signed it; nothing where none is known, or it is kept already. `digest` is lower-case hex. */
export async function keepRoster(tx: Sql, { signedRoster }: Pick<InForce, 'signedRoster'>, digest: string) {
  const envelope = signedRoster(digest);
  if (envelope === null) return null;
  const row = [digest, JSON.stringify(envelope)];
  await tx.query('INSERT INTO register.rosters (digest, envelope) VALUES ($1, $2) ON CONFLICT DO NOTHING', row);
  return envelope;
}

/**
 * The rosters of these digests as their signers signed them, in that order. One that the register has not kept, since only
 * another role judged by it, is taken from what is known now; what nobody here knows is left out.
 */
export async function signedRosters(
  tx: Sql,
  inForce: Pick<InForce, 'signedRoster'>,
  digests: readonly string[],
): Promise<DsseEnvelope[]> {
  const rows = await tx.query<{ digest: string; envelope: string }>(
    'SELECT digest, envelope FROM register.rosters WHERE digest = ANY ($1::text[])',
    [digests],
  );
  const kept = new Map(rows.map(({ digest, envelope }) => [digest, JSON.parse(envelope) as DsseEnvelope]));
  const found: DsseEnvelope[] = [];
  for (const digest of digests) {
    const envelope = kept.get(digest) ?? (await keepRoster(tx, inForce, digest));
    if (envelope !== null) found.push(envelope);
  }
  return found;
}
