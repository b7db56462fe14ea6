import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { receiptSchema, type Receipt } from '../domain/entry.js';
import { hasDeadMan, targetOf, type EffectKind } from '../domain/effects/effects.js';
import { epochMs, eventIdSchema, instant } from '../domain/identifiers.js';
import { isNamed, termsOf, type Policy, type Terms } from '../domain/policy.js';
import { signedIntentSchema, type Intent, type SignedIntent } from '../domain/intent.js';
import { onKillOf, type OnKill } from '../domain/on-kill.js';
import { quorumAt, type QuorumKind } from '../domain/quorum.js';
import { requestRefusal, type Request, type RequestRefusal } from '../domain/request.js';
import { isValidAt, type Roster } from '../domain/roster.js';
import { MAX_ROUNDS } from '../domain/round.js';
import {
  CLOCK_SKEW_MS,
  signedStatementSchema,
  type RequestStatement,
  type SignedStatement,
} from '../domain/statement.js';
import { expiryOf } from '../domain/verdict.js';
import type { Evidence } from '../domain/tasks.js';
import { sha256Hex } from './canonical-json.js';
import { readAdmission } from './admission-entry.js';
import { countApprovals, type CountedApproval } from './counted-approvals.js';
import { readDeliveries } from './delivery-receipts.js';
import {
  extensionPolicyRefusal,
  extensionQuorumRefusal,
  readExtension,
  type AskedExtension,
  type ExtensionEvidenceRefusal,
} from './extension-evidence.js';
import type { RoleKeys } from './receipt.js';
import { verifyIntent, type AuthorityKey, type IntentRefusal } from './signed-intent.js';
import { checkRequestStatement, type RequestStatementRefusal } from './statement-check.js';

export { verifyIntent };

/** The shape of evidence, bounded: more approvals than any policy can ask for are refused unread. */
export const evidenceSchema = z.strictObject({
  event_id: eventIdSchema,
  request: signedStatementSchema,
  approvals: z.array(signedStatementSchema).max(256),
  admission: receiptSchema,
  deliveries: z.array(receiptSchema).max(256).optional(),
  extension: z
    .strictObject({ asked: signedStatementSchema, prior: z.array(signedIntentSchema).min(1).max(MAX_ROUNDS) })
    .optional(),
});

/** Why evidence does not carry a privileged call. */
export type EvidenceRefusal =
  | 'evidence_malformed'
  | RequestStatementRefusal
  | RequestRefusal
  | 'request_not_yet_valid'
  | 'request_stale'
  | 'invoker_not_valid'
  | 'admission_not_authentic'
  | 'delivery_not_authentic'
  | ExtensionEvidenceRefusal;

/** Verdict on evidence; `evidence_digest` is the hex SHA-256 of its RFC 8785 form. */
export type JudgedEvidence =
  | {
      ok: true;
      request: Request;
      request_digest: string;
      terms: Terms;
      approvals: CountedApproval[];
      /** By which quorum, and how long the grant may last under it. */
      quorum: QuorumKind;
      seconds: number;
      evidence_digest: string;
      /** From round 2 on: what was asked for, and approved by these. */
      extension?: AskedExtension;
    }
  | { ok: false; code: EvidenceRefusal; message: string };

/** What evidence is judged by. */
export interface EvidenceRules {
  evidence: Evidence;
  roster: Roster;
  /** Who signs for which role: the admission must be the register's. */
  roleKeys: RoleKeys;
  policy: Policy;
  /** Hex SHA-256 of the policy's RFC 8785 form. */
  policyDigest: string;
  /** Epoch milliseconds, of the judge's own clock. */
  nowMs: number;
  /**
   * Epoch milliseconds at which the authority took the evidence up, where it did: the age of statements is measured
   * there, since a call that is tried again must not outlive them. Who may speak is always asked of `nowMs`.
   */
  issuedMs?: number;
}

/**
 * Whether these bytes carry a privileged call: the request and its signature, the policy in force, and a quorum of
 * distinct, verified approvals of exactly this request under exactly this policy, by people who may speak now.
 *
 * The evidence is attacker-controlled: never throws. An approval that does not verify, or not any more, does not count.
 */
export function judgeEvidence(rules: EvidenceRules): JudgedEvidence {
  const { evidence, roster, roleKeys, policy, policyDigest, nowMs, issuedMs = nowMs } = rules;
  if (!evidenceSchema.safeParse(evidence).success) return refused('evidence_malformed', 'not the shape of evidence');
  const asked = checkRequestStatement(evidence.request, roster);
  if (!asked.ok) return { ok: false, code: asked.reason, message: `request: ${asked.message}` };
  const { request } = asked.statement;
  if (request.event_id !== evidence.event_id) return refused('foreign_event', 'the request is of another event');
  const terms = termsOf(policy, request.profile);
  if (terms === undefined) return refused('profile_unknown', `the policy has no profile ${request.profile}`);
  const refusal = requestRefusal(request, terms, policyDigest);
  if (refusal !== undefined) return { ok: false, ...refusal };
  const { request_digest } = asked;
  const about = { evidence, request, request_digest, tuple: tupleOf(request) };
  const extending = { ...about, terms, policy, roster, roleKeys, nowMs, issuedMs };
  const extension = readExtension(extending);
  if (extension?.ok === false) return extension;
  const startedMs = extension === undefined ? issuedMs : epochMs(extension.started_at);
  const age = requestAgeRefusal(asked.statement, terms, startedMs);
  if (age !== undefined) return age;
  if (!isValidAt(asked.person, nowMs)) return refused('invoker_not_valid', `${asked.person.id} may not speak now`);
  const heard = { request, request_digest, policy_digest: policyDigest, terms, extension };
  const { delivery } = terms.approvals;
  const { round = 1, digest: extension_digest = null } = extension ?? {};
  const delivered =
    delivery && readDeliveries(evidence, { request_digest, round, extension_digest }, delivery, roleKeys);
  if (delivered?.ok === false) return delivered;
  const told = delivered?.deliveries ?? null;
  const { approvals, objections } = countApprovals(evidence, heard, roster, nowMs, issuedMs, told);
  const admission = readAdmission(evidence, request_digest, roleKeys);
  if (!admission.ok) return admission;
  const approvers = approvals.map(({ person }) => person);
  const evidence_digest = evidenceDigest(evidence);
  if (extension !== undefined) {
    const refusal =
      extensionPolicyRefusal(extending, extension, admission.at) ??
      extensionQuorumRefusal(extending, admission, approvers, objections);
    if (refusal !== undefined) return refusal;
    const seconds = Math.ceil((epochMs(extension.deadline) - issuedMs) / 1000);
    const { ok: _ok, ...said } = extension;
    const carried = { request, request_digest, terms, approvals, evidence_digest };
    return { ok: true, ...carried, quorum: 'full', seconds, extension: said };
  }
  const quorum = quorumAt({ request, terms, admission, approvers, nowMs, issuedMs });
  if (!quorum.met) {
    const missing = quorum.missing.map((group) => `; nobody for ${group}`).join('');
    const why = objections.map((objection) => `; ${objection}`).join('');
    return refused('quorum_not_met', `${quorum.have} of ${quorum.want} approvals${missing}${why}`);
  }
  const { kind, seconds } = quorum;
  if (kind === 'immediate' && !isNamed(terms.approvals.immediate ?? [], asked.person)) {
    return refused('quorum_not_met', `nobody approved, and the policy does not name ${asked.person.id} for that`);
  }
  return { ok: true, request, request_digest, terms, approvals, quorum: kind, seconds, evidence_digest };
}

/**
 * Hex SHA-256 of the RFC 8785 form of the evidence. Of an object of strings that form is what JSON.stringify writes when
 * the members come in order, and JSON.stringify never throws here.
 */
export function evidenceDigest({ admission, event_id, request, approvals, deliveries, extension }: Evidence): string {
  const plain = ({ payload, signature }: SignedStatement): SignedStatement => ({ payload, signature });
  return sha256Hex(
    JSON.stringify({
      admission: plainReceipt(admission),
      approvals: approvals.map(plain),
      ...(deliveries === undefined ? {} : { deliveries: deliveries.map(plainReceipt) }),
      event_id,
      ...(extension === undefined ? {} : { extension: digestsOf(extension) }),
      request: plain(request),
    }),
  );
}

function plainReceipt({ transition, envelope }: Receipt): Receipt {
  const signatures = envelope.signatures.map(({ keyid, sig }) => ({ keyid, sig }));
  const { payload, payloadType } = envelope;
  return { envelope: { payload, payloadType, signatures }, transition };
}

/** What was asked for is bound by its bytes, the intents before it by their envelopes. */
const digestsOf = ({ asked, prior }: NonNullable<Evidence['extension']>) => ({
  asked: { payload: asked.payload, signature: asked.signature },
  prior: prior.map(({ envelope }) => envelope.payload),
});

const refused = (code: EvidenceRefusal, message: string): { ok: false; code: EvidenceRefusal; message: string } => ({
  ok: false,
  code,
  message,
});

/** A request is good for the time in which it may be approved, and never longer than it says itself; `atMs` is the judge's time. */
export function requestAgeRefusal(
  statement: RequestStatement,
  terms: Terms,
  atMs: number,
): { ok: false; code: EvidenceRefusal; message: string } | undefined {
  const signed = epochMs(statement.issued_at);
  if (signed > atMs + CLOCK_SKEW_MS) return refused('request_not_yet_valid', 'it was signed in the future');
  const windowEnds = signed + terms.approval_window * 1000 + CLOCK_SKEW_MS;
  if (atMs < Math.min(windowEnds, expiryOf(statement.issued_at, statement.not_after))) return undefined;
  return refused('request_stale', `it was signed at ${statement.issued_at}: the time to approve it is over`);
}

/** Verdict on a signed intent with the evidence that must carry it. */
export type JudgedIntent =
  | (Extract<JudgedEvidence, { ok: true }> & { intent: Intent })
  | {
      ok: false;
      code: IntentRefusal | EvidenceRefusal | 'intent_foreign' | 'intent_not_yet_valid' | 'deadline_passed';
      message: string;
    };

/**
 * Everything that must hold before a privileged call, judged by the process that makes it: the authority's signature, the
 * evidence again from its bytes, that the intent follows from it, and that its deadline has not passed.
 *
 * `signed` and `evidence` are attacker-controlled: never throws.
 */
export function judgeIntent(
  input: Omit<EvidenceRules, 'issuedMs'> & { signed: SignedIntent; authorityKey: AuthorityKey },
): JudgedIntent {
  const { signed, authorityKey, ...rules } = input;
  const verified = verifyIntent(signed, authorityKey);
  if (!verified.ok) return verified;
  const { intent } = verified;
  const issuedMs = epochMs(intent.issued_at);
  if (issuedMs > rules.nowMs + CLOCK_SKEW_MS) {
    return { ok: false, code: 'intent_not_yet_valid', message: `it was issued at ${intent.issued_at}` };
  }
  if (rules.nowMs >= epochMs(intent.deadline)) {
    return { ok: false, code: 'deadline_passed', message: `its deadline was ${intent.deadline}` };
  }
  const judged = judgeEvidence({ ...rules, issuedMs });
  if (!judged.ok) return judged;
  const differs = intentDifference(intent, judged);
  if (differs === undefined) return { ...judged, intent };
  return { ok: false, code: 'intent_foreign', message: `the evidence calls for another ${differs}` };
}

/** The first member in which an intent is not what the evidence calls for, or undefined. */
export function intentDifference(
  intent: Intent,
  judged: {
    request: Request;
    request_digest: string;
    terms: Pick<Terms, 'grace' | 'on_kill'>;
    quorum: QuorumKind;
    seconds: number;
    evidence_digest: string;
    extension?: AskedExtension | undefined;
  },
): string | undefined {
  const { request, terms, extension } = judged;
  const deadline = epochMs(intent.deadline);
  const wanted =
    extension === undefined ? epochMs(intent.issued_at) + judged.seconds * 1000 : epochMs(extension.deadline);
  const agreements: [string, boolean][] = [
    ['event_id', intent.event_id === request.event_id],
    ['kind', intent.kind === request.effect.kind],
    ['tuple', isDeepStrictEqual(intent.tuple, tupleOf(request))],
    ['end_sessions', intent.end_sessions === request.effect.end_sessions],
    ['on_kill', isDeepStrictEqual(intent.on_kill, onKillFor(request, terms))],
    ['request_digest', intent.request_digest === judged.request_digest],
    ['policy_digest', intent.policy_digest === request.policy_digest],
    ['evidence_digest', intent.evidence_digest === judged.evidence_digest],
    ['quorum', intent.quorum === judged.quorum],
    ['round', intent.round === (extension?.round ?? 1)],
    ['deadline', deadline === wanted],
    ['dead_man', intent.dead_man === deadManOf(request.effect.kind, deadline, terms.grace)],
  ];
  return agreements.find(([, agrees]) => !agrees)?.[0];
}

/** What is done besides the reseal when the ceremony of this request is killed; undefined where its policy says nothing. */
export const onKillFor = (
  { principal }: Pick<Request, 'principal'>,
  { on_kill }: Pick<Terms, 'on_kill'>,
): OnKill | undefined => (on_kill === undefined ? undefined : onKillOf(on_kill, principal.object_id));

/** What a request's effect acts on. */
export function tupleOf({ effect, principal }: Pick<Request, 'effect' | 'principal'>): Intent['tuple'] {
  return targetOf(effect, principal.object_id).tuple;
}

/** When the provider itself ends what was issued until `deadlineMs` (epoch milliseconds); null where it never does. */
export const deadManOf = (kind: EffectKind, deadlineMs: number, graceSeconds: number): string | null =>
  hasDeadMan(kind) ? instant(deadlineMs + graceSeconds * 1000) : null;
