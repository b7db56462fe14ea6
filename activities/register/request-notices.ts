import type { DsseEnvelope } from '../../domain/intent.js';
import { nameOf, objectOfEffect } from '../../domain/effects/effects.js';
import { wantedApprovers } from '../../domain/approvals.js';
import type { Asking } from '../../domain/delivery.js';
import { instant } from '../../domain/identifiers.js';
import type { Notice } from '../../domain/notice-facts.js';
import type { Terms } from '../../domain/policy.js';
import { isEligibleApprover } from '../../domain/quorum.js';
import type { Request } from '../../domain/request.js';
import { isValidAt, upnOf, type Person, type Roster } from '../../domain/roster.js';
import { requestStatementSchema, signedStatementSchema } from '../../domain/statement.js';
import type { Sql } from './database.js';
import { payloadIn } from './entry-payload.js';
import type { RegisterHoldings } from './holdings.js';
import { isTold, keepNotices } from './notices.js';

type Holdings = Pick<RegisterHoldings, 'policy' | 'roster'>;

/** A request that was admitted, and what admission added to it. */
export interface AdmittedRequest {
  request: Request;
  request_digest: string;
  terms: Terms;
  extra_approvers: number;
  escalated: boolean;
  nowMs: number;
}

/** Asks the approvers, tells of the flag, and notes when the fallback opens; in admission's own transaction. */
export async function noticeAdmitted(tx: Sql, holdings: Holdings, admitted: AdmittedRequest): Promise<void> {
  const { request, terms, extra_approvers, escalated, nowMs } = admitted;
  const at = instant(nowMs);
  const notices: Notice[] = [];
  const wanted = wantedApprovers(terms.approvals) + extra_approvers;
  if (wanted > 0 && isTold(holdings, 'requested')) {
    const asked = { request_digest: admitted.request_digest, round: 1, extension_digest: null };
    const facts = {
      ...asking(approversOf(request, terms, holdings.roster(), nowMs), asked, terms),
      approvals_wanted: wanted,
      approve_by: instant(nowMs + terms.approval_window * 1000),
      duration_seconds: request.duration_seconds,
    };
    notices.push({ type: 'requested', transition: 'requested', at, facts });
  }
  if (escalated) {
    const threshold = holdings.policy().policy.limits?.escalation_threshold ?? null;
    notices.push({ type: 'escalated', transition: 'escalated', at, facts: { threshold } });
  }
  if (notices.length > 0) await keepNotices(tx, holdings, request.event_id, notices);
  const { fallback } = terms.approvals;
  if (fallback === undefined) return;
  await tx.query(
    `INSERT INTO register.fallbacks (event_id, opens_at, due_at)
     VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3)) ON CONFLICT DO NOTHING`,
    [request.event_id, instant(nowMs + fallback.after * 1000), fallback.after],
  );
}

/** Tells of a refused request, in the transaction that keeps the refusal. Only for requests whose signature verified. */
export async function noticeRefused(
  tx: Sql,
  holdings: Pick<RegisterHoldings, 'policy'>,
  request: Request,
  refused: { digest: string; code: string; message: string; at: string },
): Promise<void> {
  if (!isTold(holdings, 'refused')) return;
  const { digest, code, message, at } = refused;
  const { event_id, invoker, principal, profile, effect } = request;
  const about = {
    event_id,
    profile,
    role: nameOf(effect),
    directory_scope_id: objectOfEffect(effect).scope,
    invoker: invoker.upn,
    principal: principal.upn,
    reason_code: request.reason_code,
    justification: null,
    ticket: request.ticket,
    request_digest: digest,
  };
  const facts = { cause: null, by: null, code, message };
  const notice: Notice = { type: 'refused', transition: `refused/${digest.slice(0, 32)}`, at, facts };
  await keepNotices(tx, holdings, event_id, [notice], { person: invoker.person, about });
}

/** Whom a notice asks for an approval, and what a receipt of its delivery will say where the policy wants one. */
export function asking(people: readonly Person[], asked: Asking, { approvals }: Pick<Terms, 'approvals'>) {
  const to = people.map(upnOf);
  const { request_digest } = asked;
  const { delivery } = approvals;
  if (delivery === undefined || people.length === 0) return { to, request_digest };
  const receipt = { ...asked, people: people.map(({ id }) => id), channels: delivery.channels ?? null };
  return { to, request_digest, receipt };
}

/** Those who may approve this request now, but for the people named by `spoken`. */
export function approversOf(
  request: Request,
  terms: Terms,
  roster: Roster,
  nowMs: number,
  spoken: ReadonlySet<string> = new Set(),
): Person[] {
  return roster.people.filter(
    (person) => isEligibleApprover(person, request, terms) && isValidAt(person, nowMs) && !spoken.has(person.id),
  );
}

/** The request that the ledger's first entry admits, and how many more approvers it takes. */
export function admissionIn(body: string): { request: Request; extra_approvers: number } {
  const { data } = payloadIn(JSON.parse(body) as DsseEnvelope);
  const { payload } = signedStatementSchema.parse(data.statement);
  const { request } = requestStatementSchema.parse(JSON.parse(payload));
  return { request, extra_approvers: typeof data.extra_approvers === 'number' ? data.extra_approvers : 0 };
}
