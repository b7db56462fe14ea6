import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { deliveredDataSchema, deliveriesOf } from '../domain/delivery.js';
import type { Receipt } from '../domain/entry.js';
import { epochMs } from '../domain/identifiers.js';
import { signedIntentSchema, type Intent } from '../domain/intent.js';
import type { Roster } from '../domain/roster.js';
import type { SignedStatement } from '../domain/statement.js';
import type { Evidence } from '../domain/tasks.js';
import type { Asked, KnownPolicy, ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { checkDeliveriesHeld } from './bundle-delivery.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { evidenceSchema, judgeIntent, type JudgedIntent } from './evidence.js';
import { verifyMarker } from './marker.js';
import { statementDigest } from './statement-check.js';
import type { Trust } from './trust.js';

const intentData = z.object({ signed: signedIntentSchema, evidence: evidenceSchema.optional() });

/**
 * The intent, judged as an effect judges it, at the time the authority says it issued: its signature, the evidence from
 * its bytes, the quorum, the deadlines, and the marker. Undefined where none was recorded or it does not hold.
 */
export function proveIntent(
  asked: Asked,
  acts: ProvenAuthority['acts'],
  entries: readonly ProvenEntry[],
  known: KnownPolicy,
  trust: Trust,
  findings: BundleFindings,
): ProvenAuthority['intent'] {
  const found = entries.find(({ entry }) => entry.type === 'intent');
  if (found === undefined) {
    for (const check of ['quorum', 'intent', 'marker'] as const) findings.ran(check, 'no intent was recorded');
    return undefined;
  }
  const where = placeOfSeq(found.seq);
  const refuse = (check: 'quorum' | 'intent', message: string): undefined => {
    findings.fail(check, 'intent_refused', where, message);
    return undefined;
  };
  const data = intentData.safeParse(found.entry.data);
  if (!data.success) return refuse('intent', 'it carries no signed intent');
  const { signed } = data.data;
  const evidence = data.data.evidence ?? evidenceFrom(asked, acts, entries, found.seq);
  const key = trust.keyOf(signed.envelope.signatures[0]?.keyid ?? '');
  const authorityKey = key?.role === 'authority' ? key.publicKey : undefined;
  const under = (roster: Roster): JudgedIntent =>
    judgeIntent({
      signed,
      evidence,
      roster,
      roleKeys: trust.keyOf,
      policy: known.policy,
      policyDigest: known.digest,
      authorityKey: () => authorityKey,
      nowMs: epochMs(signed.intent.issued_at),
    });
  const judged = under(trust.roster);
  if (!judged.ok)
    return refuse(judged.code === 'quorum_not_met' ? 'quorum' : 'intent', `${judged.code}: ${judged.message}`);
  if (statementDigest(evidence.request) !== statementDigest(asked.envelope))
    return refuse('intent', 'its evidence has another request');
  if (!isDeepStrictEqual(evidence.admission.envelope, asked.admission.envelope))
    return refuse('intent', 'its evidence has another admission than the ledger');
  const { intent, approvals } = judged;
  checkDeliveriesHeld(evidence, entries, found.seq, findings);
  const { facts } = findings;
  facts.issued_at = intent.issued_at;
  facts.deadline = intent.deadline;
  facts.dead_man = intent.dead_man;
  facts.approvals = approvals.map(({ person, method, statement }) => ({
    person: person.id,
    method,
    at: statement.issued_at,
  }));
  findings.ran('quorum', `${quorumText(intent, approvals)}, judged at ${intent.issued_at}`);
  facts.quorum = intent.quorum;
  findings.ran('intent', `deadline ${intent.deadline}, dead-man ${intent.dead_man}`);
  checkApprovalOrder(approvals, acts, found.seq, findings);
  checkMarker(intent, authorityKey === undefined ? [] : [authorityKey], where, findings);
  return { seq: found.seq, intent, under };
}

const quorumText = ({ quorum }: Intent, approvals: readonly { person: { id: string } }[]): string => {
  const people = approvals.map(({ person }) => person.id).join(', ');
  return quorum === 'immediate' ? 'immediate, nobody approved' : `${people}${quorum === 'full' ? '' : ` (${quorum})`}`;
};

/** The evidence as the statements' entries before the intent tell it, for an intent that was too large to carry it. */
function evidenceFrom(
  asked: Asked,
  acts: ProvenAuthority['acts'],
  entries: readonly ProvenEntry[],
  intentSeq: number,
): Evidence {
  const standing = new Map<string, SignedStatement>();
  for (const { seq, act, person, envelope } of acts) {
    if (seq >= intentSeq) break;
    if (act === 'approve') standing.set(person, envelope);
    if (act === 'withdraw') standing.delete(person);
  }
  const { request, envelope, admission } = asked;
  const spoken = { event_id: request.event_id, request: envelope, approvals: [...standing.values()], admission };
  if (asked.terms.approvals.delivery === undefined) return spoken;
  const receipts = [...standing.keys()].map((person) => firstDeliveryTo(person, entries));
  return { ...spoken, ...deliveriesOf(receipts) };
}

/** The receipt that the ceremony had shown for an approval of this person. */
function firstDeliveryTo(person: string, entries: readonly ProvenEntry[]): { delivery?: Receipt } {
  const found = entries.find(({ entry }) => {
    const said = entry.type === 'delivered' ? deliveredDataSchema.safeParse(entry.data) : undefined;
    return said?.success === true && said.data.round === 1 && said.data.people.includes(person);
  });
  return found === undefined ? {} : { delivery: { transition: found.entry.transition, envelope: found.body } };
}

function checkApprovalOrder(
  approvals: readonly { digest: string; person: { id: string } }[],
  acts: ProvenAuthority['acts'],
  intentSeq: number,
  findings: BundleFindings,
): void {
  for (const { digest, person } of approvals) {
    const heard = acts.find((act) => act.digest === digest);
    if (heard === undefined) {
      findings.notVerified.push(
        `when ${person.id}'s approval was heard: the ceremony was lost before its entry was appended`,
      );
    } else if (heard.seq > intentSeq) {
      findings.fail('order', 'order_broken', placeOfSeq(heard.seq), `${person.id}'s approval stands after the intent`);
    }
  }
}

export function checkMarker(
  intent: Intent,
  keys: Parameters<typeof verifyMarker>[2],
  where: string,
  findings: BundleFindings,
): void {
  const { ticket_system: ticketSystem, ticket_number: ticketNumber, justification } = intent.marker;
  const marker = verifyMarker({ ticketSystem, ticketNumber, justification }, intent.tuple, keys);
  const agrees = marker.ok && marker.marked.event_id === intent.event_id && marker.marked.deadline === intent.deadline;
  if (agrees) findings.ran('marker', intent.marker.ticket_number);
  else
    findings.fail('marker', 'marker_refused', where, marker.ok ? 'it names another event or deadline' : marker.reason);
}
