import { isOperator, type Operators } from '../../domain/incidents/operators.js';
import { isValidAt, type Roster } from '../../domain/roster.js';
import { incidentStatementSchema, type CheckedIncidentStatement } from '../../domain/incidents/statements.js';
import type { SignedStatement } from '../../domain/statement.js';
import { sha256Hex } from '../canonical-json.js';
import { readSigned, statementDigest } from '../statement-check.js';

/**
 * Checks bytes and signature of a statement about an incident, and that its author is a person whom the roster lets speak
 * at `nowMs` (epoch ms), and whom the playbook names for it where `operators` says who. Which incident and containment it answers is asked elsewhere.
 *
 * The envelope is attacker-controlled: never throws.
 */
export function checkIncidentStatement(
  envelope: SignedStatement,
  roster: Roster,
  nowMs: number,
  operators?: Operators,
): CheckedIncidentStatement {
  const digest = statementDigest(envelope);
  const read = readSigned(envelope, roster, incidentStatementSchema);
  if (!read.ok) return { ok: false, digest, reason: read.reason };
  const { statement, person, method } = read;
  // An agent may report and may be contained. To answer for a recovery takes somebody who can be asked.
  if (person.kind !== 'human') return { ok: false, digest, reason: 'not_human' };
  if (!isValidAt(person, nowMs)) return { ok: false, digest, reason: 'not_valid_now' };
  if (!isOperator(operators, statement.act, person)) return { ok: false, digest, reason: 'not_operator' };
  return { ok: true, digest, statement_digest: sha256Hex(envelope.payload), statement, person: person.id, method };
}
