import type { AttestHostInput } from '../../domain/incidents/attestation-result.js';
import { epochMs } from '../../domain/identifiers.js';
import type { Acceptors } from '../../domain/incidents/host-reference.js';
import type { BaselineStatements } from '../../proofs/incidents/baseline-statements.js';
import type { JudgedBy } from '../../proofs/incidents/judge-attestation.js';
import type { Sql } from '../register/database.js';
import { firstAskedMs } from './nonce-journal.js';
import { acceptedReferences, type AcceptedReference } from './reference-journal.js';

/** The reference that a host is judged by, and how it counts here. */
export interface ChosenReference extends AcceptedReference {
  judgedBy: JudgedBy;
}

/**
 * The highest version that counts. What is newer than the containment counts only when a quorum accepts it in this very
 * incident; until then the one before it does. The containment is no later than its caller says, and no later than the first
 * time that the verifier heard of the incident.
 */
export async function chooseReference(
  journal: Sql,
  { host, incident_id, contained_at }: AttestHostInput,
  statements: BaselineStatements,
  acceptors: Acceptors,
): Promise<ChosenReference | undefined> {
  const toldMs = contained_at === null ? Infinity : epochMs(contained_at);
  const askedMs = incident_id === null ? undefined : await firstAskedMs(journal, incident_id);
  const containedMs = Math.min(toldMs, askedMs ?? Infinity);
  for (const known of await acceptedReferences(journal, host, acceptors.enrol)) {
    const newer = known.sinceMs >= containedMs;
    const acceptedBy = newer ? (statements.acceptedBy.get(known.digest) ?? []) : known.acceptedBy;
    if (newer && acceptedBy.length < acceptors.quorum) continue;
    const { digest, reference, sinceMs, ak } = known;
    const akName = ak.area.name.toString('hex');
    return { ...known, judgedBy: { digest, version: reference.version, akName, sinceMs, acceptedBy, newer } };
  }
  return undefined;
}
