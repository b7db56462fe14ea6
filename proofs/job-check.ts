import { JOB_REFUSALS, jobStatementSchema, type JobRefusal, type JobStatement } from '../domain/job-statement.js';
import type { PersonFacts } from '../domain/quorum.js';
import type { Roster } from '../domain/roster.js';
import type { SignedStatement } from '../domain/statement.js';
import { sha256Hex } from './canonical-json.js';
import type { SignatureMethod } from './ssh-signature.js';
import { readSigned } from './statement-check.js';

/** Verdict on a job's statement alone. `digest` is the hex SHA-256 of its payload: what a job is named after. */
export type CheckedJob =
  | { ok: true; digest: string; statement: JobStatement; person: PersonFacts; method: SignatureMethod }
  | { ok: false; code: JobRefusal; message: string; person: string | null };

/**
 * Checks the bytes and the signature of a job's statement; whether it counts is `jobObjection`'s to say.
 *
 * The envelope is attacker-controlled: never throws.
 */
export function checkJobStatement(envelope: SignedStatement, roster: Roster): CheckedJob {
  const read = readSigned(envelope, roster, jobStatementSchema);
  if (!read.ok) {
    const { reason, person = null } = read;
    return { ok: false, code: reason, message: JOB_REFUSALS[reason], person };
  }
  const { statement, person, method } = read;
  return { ok: true, digest: sha256Hex(envelope.payload), statement, person, method };
}
