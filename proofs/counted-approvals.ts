import type { PersonFacts } from '../domain/quorum.js';
import { isValidAt, type Roster } from '../domain/roster.js';
import type { ActStatement } from '../domain/statement.js';
import type { Evidence } from '../domain/tasks.js';
import { objectionTo, type Hearing } from '../domain/verdict.js';
import { deliveryObjection, type ProvenDelivery } from './delivery-receipts.js';
import type { SignatureMethod } from './ssh-signature.js';
import { checkStatement } from './statement-check.js';

/** One approval that counted. `digest` is that of its envelope. */
export interface CountedApproval {
  person: PersonFacts;
  method: SignatureMethod;
  digest: string;
  statement: ActStatement;
}

/** The request that approvals must name. */
export type Heard = Pick<Hearing, 'request' | 'request_digest' | 'policy_digest' | 'terms' | 'extension'>;

/**
 * Hears the approvals in their order, as the ceremony did: one person counts once, and no statement twice.
 * `objections` says of up to eight others why they did not count. With `delivered`, one counts only with a receipt among
 * these that its person had been asked before.
 */
export function countApprovals(
  evidence: Evidence,
  heard: Heard,
  roster: Roster,
  nowMs: number,
  issuedMs: number,
  delivered: readonly ProvenDelivery[] | null = null,
): { approvals: CountedApproval[]; objections: string[] } {
  const approvals: CountedApproval[] = [];
  const objections: string[] = [];
  const [approvedBy, seen] = [new Set<string>(), new Set<string>()];
  for (const envelope of evidence.approvals) {
    const checked = checkStatement(envelope, roster);
    const hearing = { ...heard, event_id: evidence.event_id, approvedBy, seen };
    const objection = checked.ok ? objectionTo(hearing, checked, 'approve', issuedMs) : checked.reason;
    if (!checked.ok || objection !== undefined) {
      const who = checked.ok ? checked.person.id : (checked.person ?? 'somebody');
      objections.push(`${who}: ${objection ?? 'malformed'}`);
    } else if (!isValidAt(checked.person, nowMs)) {
      objections.push(`${checked.person.id}: person_not_valid`);
    } else {
      const { person, method, digest, statement, statement_digest } = checked;
      const undelivered = delivered && deliveryObjection(delivered, person.id, statement.issued_at);
      if (typeof undelivered === 'string') {
        objections.push(`${person.id}: ${undelivered}`);
        continue;
      }
      approvedBy.add(person.id);
      seen.add(statement_digest);
      approvals.push({ person, method, digest, statement });
    }
  }
  return { approvals, objections: objections.slice(0, 8) };
}
