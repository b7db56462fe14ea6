import type { AttestHostInput } from '../../domain/incidents/attestation-result.js';
import { acceptorObjection, type Acceptors } from '../../domain/incidents/host-reference.js';
import { acceptBaselineStatementSchema, waiveBaselineStatementSchema } from '../../domain/incidents/statements.js';
import { epochMs } from '../../domain/identifiers.js';
import { CLOCK_SKEW_MS } from '../../domain/statement.js';
import { expiryOf } from '../../domain/verdict.js';
import type { Roster } from '../../domain/roster.js';
import { readSigned } from '../statement-check.js';

/** What people said of the baseline of one attestation: person ids, sorted, each once. */
export interface BaselineStatements {
  waivedBy: string[];
  /** By the digest of the reference. */
  acceptedBy: ReadonlyMap<string, string[]>;
}

/**
 * Reads the statements that came with an attestation: those that count are of its incident, binding and host, signed by
 * humans who may accept references now. The envelopes are attacker-controlled: never throws; others are passed over.
 */
export function readBaselineStatements(
  { incident_id, containment_binding, host, statements = [] }: AttestHostInput,
  { roster, acceptors, nowMs }: { roster: Roster; acceptors: Acceptors; nowMs: number },
): BaselineStatements {
  const waived = new Set<string>();
  const accepted = new Map<string, Set<string>>();
  for (const envelope of statements) {
    const waiver = readSigned(envelope, roster, waiveBaselineStatementSchema);
    const read = waiver.ok ? waiver : readSigned(envelope, roster, acceptBaselineStatementSchema);
    if (!read.ok) continue;
    const { statement, person } = read;
    const isOurs =
      statement.incident_id === incident_id &&
      statement.containment_binding === containment_binding &&
      statement.host === host;
    const isNow =
      epochMs(statement.issued_at) <= nowMs + CLOCK_SKEW_MS &&
      nowMs < expiryOf(statement.issued_at, statement.not_after);
    if (!isOurs || !isNow || acceptorObjection(person, acceptors, nowMs) !== undefined) continue;
    if (statement.act === 'waive_baseline') waived.add(person.id);
    else (accepted.get(statement.reference_digest) ?? setIn(accepted, statement.reference_digest)).add(person.id);
  }
  return {
    waivedBy: [...waived].sort(),
    acceptedBy: new Map([...accepted].map(([digest, people]) => [digest, [...people].sort()])),
  };
}

function setIn(sets: Map<string, Set<string>>, key: string): Set<string> {
  const made = new Set<string>();
  sets.set(key, made);
  return made;
}
