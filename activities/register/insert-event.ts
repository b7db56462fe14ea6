import { newCeremony } from '../../domain/ceremony-state.js';
import type { EntryPayload, Receipt } from '../../domain/entry.js';
import { objectOf } from '../../domain/effects/effects.js';
import { instant } from '../../domain/identifiers.js';
import type { Opened } from '../../domain/outcomes.js';
import { wantedApprovers } from '../../domain/approvals.js';
import type { SignedStatement } from '../../domain/statement.js';
import { viewOf } from '../../domain/view.js';
import { tupleOf } from '../../proofs/evidence.js';
import { signReceipt } from '../../proofs/receipt.js';
import { keepAuditLines } from './audit-lines.js';
import type { SeriesVersion } from '../in-force.js';
import type { Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import { chain, emptyLedger, insertEntries, tailAfter } from './ledger-rows.js';

/** A request that nothing speaks against. */
export interface Admitted {
  runId: string;
  envelope: SignedStatement;
  opened: Opened;
  /** Person id of who signed it, and how. */
  person: string;
  method: string;
  /** The rule that let it in; null where the policy has none. */
  rule: string | null;
  escalated: boolean;
  extra_approvers: number;
  /** The signed roster it was judged by; null where nobody signed one. */
  roster: SeriesVersion | null;
  nowMs: number;
}

/**
 * Writes the row and its first entry; undefined when another open event stands in the way. The entry is the register's
 * word, at its own time, that the event was admitted and how many more approvers it needs.
 */
export async function insertEvent(
  tx: Sql,
  holdings: Pick<RegisterHoldings, 'key' | 'clock' | 'roster'>,
  admitted: Admitted,
): Promise<Receipt | undefined> {
  const { event_id } = admitted.opened.request;
  const entry = firstEntry(admitted);
  const receipt = signReceipt(entry, holdings.key);
  const first = chain(emptyLedger(event_id), [{ receipt, entry }]);
  const { head, count } = tailAfter(emptyLedger(event_id), first);
  const columns = { ...columnsOf(admitted, receipt), view_seq: count, ledger_head: head, ledger_count: count };
  const rows = await tx.query(
    `INSERT INTO register.events (${Object.keys(columns).join(', ')})
     VALUES (${Object.keys(columns)
       .map((_, index) => `$${index + 1}`)
       .join(', ')})
     ON CONFLICT DO NOTHING RETURNING event_id`,
    Object.values(columns),
  );
  if (rows.length === 0) return undefined;
  await insertEntries(tx, event_id, first);
  await keepAuditLines(tx, holdings, event_id, first);
  return receipt;
}

function firstEntry({
  envelope,
  opened,
  person,
  method,
  rule,
  escalated,
  extra_approvers,
  roster,
  nowMs,
}: Admitted): EntryPayload {
  const { request, request_digest, policy_digest } = opened;
  const under = roster && { roster: { series: roster.series, version: roster.version, digest: roster.digest } };
  const data = { statement: envelope, request_digest, policy_digest, person, method, rule, extra_approvers, escalated };
  return {
    schema: 'reseal.entry.v1',
    event_id: request.event_id,
    transition: 'request',
    type: 'request',
    at: instant(nowMs),
    data: { ...data, ...under },
  };
}

function columnsOf(admitted: Admitted, receipt: Receipt) {
  const { runId, envelope, opened, escalated, extra_approvers, nowMs } = admitted;
  const { request, request_digest, policy_digest, terms } = opened;
  const { event_id, profile, invoker } = request;
  const tuple = tupleOf(request);
  const { tenant_id, principal_id } = tuple;
  const object = objectOf(tuple);
  const at = instant(nowMs);
  const view = viewOf({
    ...newCeremony(event_id, envelope, nowMs),
    phase: 'awaiting_approval',
    opened,
    admission: { at, extra_approvers, receipt },
    approval_by: instant(nowMs + terms.approval_window * 1000),
    flags: escalated ? ['escalated'] : [],
  });
  return {
    event_id,
    run_id: runId,
    request_digest,
    policy_digest,
    profile,
    invoker_person: invoker.person,
    invoker_upn: invoker.upn.toLowerCase(),
    tenant_id,
    principal_id,
    role_template_id: object.id,
    directory_scope_id: object.scope,
    admitted_at: at,
    state: view.state,
    flags: view.flags,
    view: JSON.stringify({ ...view, run_id: runId }),
    immediate: wantedApprovers(terms.approvals) + extra_approvers === 0,
    escalated,
    extra_approvers,
    approvers: terms.approvals.approvers,
  };
}
