import { epochMs } from '../domain/identifiers.js';
import type { Intent } from '../domain/intent.js';
import { termsOf, type Policy } from '../domain/policy.js';
import type { Roster } from '../domain/roster.js';
import { REDUCING_ACTS, signedStatementSchema, type SignalAct, type SignedStatement } from '../domain/statement.js';
import type { Evidence } from '../domain/tasks.js';
import { objectionTo } from '../domain/verdict.js';
import { countApprovals } from './counted-approvals.js';
import { evidenceSchema } from './evidence.js';
import { checkRequestStatement, checkStatement } from './statement-check.js';

/** Verdict on an order to remove a grant; `digest` is that of the order's envelope. */
export type JudgedOrder = { ok: true; act: SignalAct; person: string; digest: string } | { ok: false; reason: string };

/** What an order is judged by: the judge's own roster, policy and clock. */
export interface OrderRules {
  intent: Intent;
  evidence: Evidence;
  /** The statement that is said to order the removal. */
  order: SignedStatement;
  roster: Roster;
  policy: Policy;
  /** Hex SHA-256 of the policy's RFC 8785 form. */
  policyDigest: string;
  /** Epoch milliseconds. */
  nowMs: number;
}

/**
 * Whether these bytes end this very grant: somebody who may, by the request and the policy that the intent names, signed a
 * close, a kill, a denial, or takes back the approval that the evidence holds. The same rules as the ceremony's own.
 *
 * Order and evidence are attacker-controlled: never throws. Whatever this refuses, the ceremony still decides for itself.
 */
export function judgeOrder({ intent, evidence, order, roster, policy, policyDigest, nowMs }: OrderRules): JudgedOrder {
  if (!evidenceSchema.safeParse(evidence).success) return refused('evidence_malformed');
  if (!signedStatementSchema.safeParse(order).success) return refused('malformed');
  if (policyDigest !== intent.policy_digest) return refused('foreign_policy');
  const asked = checkRequestStatement(evidence.request, roster);
  if (!asked.ok) return refused(asked.reason);
  const { request_digest } = asked;
  if (request_digest !== intent.request_digest) return refused('foreign_request');
  const { request } = asked.statement;
  const terms = termsOf(policy, request.profile);
  if (terms === undefined) return refused('profile_unknown');
  const spoken = checkStatement(order, roster);
  if (!spoken.ok) return refused(spoken.reason);
  const { act } = spoken.statement;
  if (!REDUCING_ACTS.has(act)) return refused('name_disagrees');
  const heard = { request, request_digest, policy_digest: policyDigest, terms };
  const { approvals } = countApprovals(evidence, heard, roster, nowMs, epochMs(intent.issued_at));
  const approvedBy = new Set(approvals.map(({ person }) => person.id));
  const hearing = { ...heard, event_id: intent.event_id, approvedBy, seen: new Set<string>() };
  const objection = objectionTo(hearing, spoken, act, nowMs);
  if (objection !== undefined) return refused(objection);
  // The ceremony knows what it has heard; here an old withdrawal, sent again, would take back a later approval.
  const taken = act === 'withdraw' ? approvals.find(({ person }) => person.id === spoken.person.id) : undefined;
  const isOlder = taken !== undefined && epochMs(spoken.statement.issued_at) < epochMs(taken.statement.issued_at);
  return isOlder ? refused('replayed') : { ok: true, act, person: spoken.person.id, digest: spoken.digest };
}

const refused = (reason: string): JudgedOrder => ({ ok: false, reason });
