import { acceptanceObjection, type Acceptors } from '../../domain/incidents/host-reference.js';
import { instant } from '../../domain/identifiers.js';
import type { Roster } from '../../domain/roster.js';
import type { SignedStatement } from '../../domain/statement.js';
import { readAcceptance, readHostReference, type HostReferenceInForce } from '../../proofs/incidents/host-reference.js';
import type { Database, Sql } from '../register/database.js';

/** A reference that enough people accepted, as the journal knows it. */
export interface AcceptedReference extends HostReferenceInForce {
  /** When the last acceptance that it took was first seen, in epoch milliseconds: it counts from then on. */
  sinceMs: number;
  /** Person ids, sorted. */
  acceptedBy: string[];
}

/** What recording a reference came to. */
export type RecordedReference =
  | { ok: true; accepted_by: string[]; objections: { person: string; code: string }[] }
  | { ok: false; code: 'version_taken' | 'nobody_accepted'; message: string };

/**
 * Records a reference and who accepts it, as seen now: what was seen before keeps its time. Without an acceptance that
 * counts nothing is recorded, so that nobody fills the journal. A version of a host is one document for ever.
 */
export async function recordReference(
  journal: Database,
  { value, text, acceptances }: { value: HostReferenceInForce; text: string; acceptances: readonly SignedStatement[] },
  { roster, acceptors, nowMs }: { roster: Roster; acceptors: Acceptors; nowMs: number },
): Promise<RecordedReference> {
  const { digest, reference } = value;
  const { host, version } = reference;
  const objections: { person: string; code: string }[] = [];
  const counted = new Map<string, SignedStatement>();
  for (const envelope of acceptances) {
    const read = readAcceptance(envelope, roster);
    if (read === undefined) {
      objections.push({ person: '', code: 'unsigned' });
      continue;
    }
    const objection = acceptanceObjection(read.statement, read.person, { host, digest }, acceptors, nowMs);
    if (objection === undefined) counted.set(read.person.id, envelope);
    else objections.push({ person: read.person.id, code: objection });
  }
  return journal.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`verifier/reference/${host}`]);
    const [known] = await tx.query<{ digest: string }>(
      'SELECT digest FROM verifier.host_references WHERE host = $1 AND version = $2',
      [host, version],
    );
    if (known !== undefined && known.digest !== digest)
      return { ok: false, code: 'version_taken', message: `version ${version} of ${host} is another reference` };
    if (known === undefined) {
      if (counted.size === 0)
        return {
          ok: false,
          code: 'nobody_accepted',
          message: `nobody who counts has accepted this reference of ${host}`,
        };
      await tx.query(
        'INSERT INTO verifier.host_references (digest, host, version, reference, recorded_at) VALUES ($1, $2, $3, $4, $5)',
        [digest, host, version, text, instant(nowMs)],
      );
    }
    for (const [person, { payload, signature }] of counted) {
      await tx.query(
        `INSERT INTO verifier.acceptances (digest, person, payload, signature, recorded_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT one_acceptance_a_person DO NOTHING`,
        [digest, person, payload, signature, instant(nowMs)],
      );
    }
    return { ok: true, accepted_by: (await acceptancesOf(tx, digest)).map(({ person }) => person).sort(), objections };
  });
}

/** The references of a host that `enrol` people accepted, the highest version first. */
export async function acceptedReferences(sql: Sql, host: string, enrol: number): Promise<AcceptedReference[]> {
  const rows = await sql.query<{ digest: string; reference: string }>(
    'SELECT digest, reference FROM verifier.host_references WHERE host = $1 ORDER BY version DESC LIMIT 32',
    [host],
  );
  const found: AcceptedReference[] = [];
  for (const { digest, reference } of rows) {
    const read = readHostReference(reference);
    const acceptances = await acceptancesOf(sql, digest);
    const last = acceptances[enrol - 1];
    if (!read.ok || last === undefined) continue;
    const acceptedBy = acceptances.map(({ person }) => person).sort();
    found.push({ ...read.value, sinceMs: Date.parse(last.recorded_at), acceptedBy });
  }
  return found;
}

const acceptancesOf = (sql: Sql, digest: string) =>
  sql.query<{ person: string; recorded_at: string }>(
    'SELECT person, recorded_at FROM verifier.acceptances WHERE digest = $1 ORDER BY recorded_at, person',
    [digest],
  );
