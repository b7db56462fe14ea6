import { ApplicationFailure } from '@temporalio/common';

import type { FollowUpAct } from '../../../domain/follow-up.js';
import { orderDataSchema, type OrderData } from '../../../domain/follow-up-tasks.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { SignedIntent } from '../../../domain/intent.js';
import type { Receipt } from '../../../domain/entry.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { judgeFollowUp, type JudgedFollowUp } from '../../../proofs/follow-up.js';
import { readEntry, type RoleKeys } from '../../../proofs/receipt.js';
import type { InForce } from '../../in-force.js';
import { requireAuthentic, type GraphDeps } from '../effect-deps.js';

/** What orders are judged by, besides what the role holds for Graph. */
export interface FollowUpDeps extends GraphDeps {
  readonly inForce: Pick<InForce, 'policy' | 'roster' | 'carrying'>;
  readonly roleKeys: RoleKeys;
}

export interface AdmittedOrder {
  data: OrderData;
  things: Extract<JudgedFollowUp, { ok: true }>['things'];
  /** Hex SHA-256 of the order's entry. */
  digest: string;
}

/**
 * The order, once this role has judged for itself all that it rests on: the authority's signature, its end mark, the report of
 * the role that made it, and people's statements by its own roster and contract. A stolen key of the authority orders nothing.
 *
 * Everything here is anybody's bytes.
 *
 * @throws {ApplicationFailure} non-retryable, by the code of `FOLLOW_UP_REFUSALS` or of the contract.
 */
export function admitOrder(deps: FollowUpDeps, act: FollowUpAct, signed: SignedIntent, order: Receipt): AdmittedOrder {
  requireAuthentic(signed, deps);
  const { intent } = signed;
  const read = readEntry((order as { envelope?: unknown } | null)?.envelope, intent.event_id, deps.roleKeys);
  if (!read.ok || read.entry.type !== 'follow_up_ordered') throw refusal('order_not_authentic');
  const parsed = orderDataSchema.safeParse(read.entry.data);
  if (!parsed.success || parsed.data.act !== act) throw refusal('order_malformed');
  const { request, statements, report, mark, expires_at } = parsed.data;
  const nowMs = deps.clock.now();
  if (nowMs >= epochMs(expires_at)) throw refusal('expired');
  const { policy, digest: policyDigest } = deps.inForce.policy();
  let roster = deps.inForce.roster();
  if (act === 'restore_account') {
    const under = deps.inForce.carrying(intent.policy_digest, nowMs);
    if (!under.ok) throw refusal(under.code);
    roster = under.roster;
  }
  const { roleKeys } = deps;
  const judged = judgeFollowUp({
    intent,
    request,
    statements,
    report,
    mark,
    roster,
    policy,
    policyDigest,
    roleKeys,
    nowMs,
  });
  if (!judged.ok) throw refusal(judged.code);
  // Its word on how things stood is the verifier's, and the authority judged it: here they are looked at once more.
  return { data: parsed.data, things: judged.things, digest: digestOf(read.entry) };
}

const refusal = (code: string): ApplicationFailure => ApplicationFailure.nonRetryable('this is not ordered', code);
