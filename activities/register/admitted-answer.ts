import { epochMs, instant } from '../../domain/identifiers.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import type { AdmitOutcome } from '../../domain/outcomes.js';
import { policySchema, termsOf } from '../../domain/policy.js';
import type { Request } from '../../domain/request.js';
import { admissionDataSchema } from '../../proofs/admission-entry.js';
import { DatabaseError, type Sql } from './database.js';

interface AdmittedRow extends Record<string, unknown> {
  request_digest: string;
  policy_digest: string;
  admitted_at: string;
  transition: string;
  body: string;
  document: string;
}

/**
 * The answer to a request that was admitted: the same each time it is asked, read from what was written then. `request`
 * is the very request whose digest the row names.
 */
export async function admittedAnswer(tx: Sql, eventId: string, request: Request): Promise<AdmitOutcome> {
  const [row] = await tx.query<AdmittedRow>(
    `SELECT event.request_digest, event.policy_digest, event.admitted_at, entry.transition, entry.body, policy.document
       FROM register.events event
       JOIN register.entries entry ON entry.event_id = event.event_id AND entry.seq = 1
       JOIN register.policies policy ON policy.digest = event.policy_digest
      WHERE event.event_id = $1`,
    [eventId],
  );
  if (row === undefined) throw new DatabaseError('register_corrupt', `event ${eventId} has a row and no first entry`);
  const { request_digest, policy_digest, transition } = row;
  const envelope = JSON.parse(row.body) as DsseEnvelope;
  const payload = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as { data: unknown };
  const { extra_approvers, escalated } = admissionDataSchema.parse(payload.data);
  const terms = termsOf(policySchema.parse(JSON.parse(row.document)), request.profile);
  if (terms === undefined)
    throw new DatabaseError('register_corrupt', `event ${eventId} names a profile its policy lacks`);
  return {
    outcome: 'admitted',
    at: instant(epochMs(row.admitted_at)),
    opened: { request, request_digest, policy_digest, terms },
    extra_approvers,
    escalated,
    receipt: { transition, envelope },
  };
}
