import { z } from 'zod';

import type { EntryPayload, Receipt } from '../domain/entry.js';
import { nameOf, objectOfEffect } from '../domain/effects/effects.js';
import { epochMs } from '../domain/identifiers.js';
import type { DsseEnvelope, Intent } from '../domain/intent.js';
import { policySchema, termsOf, type Policy, type Terms } from '../domain/policy.js';
import { requestRefusal, type Request } from '../domain/request.js';
import type { Roster } from '../domain/roster.js';
import { signedStatementSchema, type SignedStatement } from '../domain/statement.js';
import type { BundleStatement } from './bundle.js';
import { proveExtensions } from './bundle-extension.js';
import { proveIntent } from './bundle-intent.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { canonicalJson, digestOf } from './canonical-json.js';
import { requestAgeRefusal, type JudgedIntent } from './evidence.js';
import { checkRequestStatement, checkStatement } from './statement-check.js';
import type { Trust } from './trust.js';

/** An entry whose signature was verified, with its place in the ledger. */
export interface ProvenEntry {
  seq: number;
  entry: EntryPayload;
  /** The envelope it was read from. */
  body: DsseEnvelope;
}

/** What the ceremony was allowed to do, proven from signatures. */
export interface ProvenAuthority {
  request: Request;
  terms: Terms;
  /** Acts whose SSHSIG verified, with their seq. */
  acts: { seq: number; act: string; person: string; digest: string; envelope: SignedStatement }[];
  /** `under` judges it again, by another roster than the trust file's. */
  intent: { seq: number; intent: Intent; under: (roster: Roster) => JudgedIntent } | undefined;
  /** What extended it, in the order of their rounds. */
  extensions: ProvenExtension[];
}

/** One extension that the authority recorded; `extended` is the provider's yes, where it came before the deadline that held. */
export interface ProvenExtension {
  seq: number;
  intent: Intent;
  extended: ProvenEntry | undefined;
}

const requestData = z.object({ statement: signedStatementSchema });
const statementData = z.object({ statement: signedStatementSchema });

/**
 * Who asked, who approved, and whether the intent follows: policy, request, statements, quorum, intent and marker, judged
 * by the same rules as the authority's, at the time the authority says it issued.
 */
export function proveAuthority(
  predicate: BundleStatement['predicate'],
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): ProvenAuthority | undefined {
  const policy = readPolicy(predicate.policy, trust, findings);
  if (policy === undefined) return undefined;
  const asked = proveRequest(predicate.event_id, entries, policy, trust, findings);
  if (asked === undefined) return undefined;
  const acts = proveStatements(asked, entries, trust, findings);
  const intent = proveIntent(asked, acts, entries, policy, trust, findings);
  const extensions = proveExtensions({ asked, acts, first: intent, known: policy, trust }, entries, findings);
  return { request: asked.request, terms: asked.terms, acts, intent, extensions };
}

/** The policy that a bundle carries, with its digest. */
export interface KnownPolicy {
  policy: Policy;
  digest: string;
}

function readPolicy(document: unknown, trust: Trust, findings: BundleFindings): KnownPolicy | undefined {
  const parsed = policySchema.safeParse(document);
  if (!parsed.success || canonicalJson(parsed.data) !== canonicalJson(document)) {
    findings.fail('policy', 'policy_malformed', 'predicate.policy', 'not a policy with its defaults filled in');
    return undefined;
  }
  const digest = digestOf(parsed.data);
  findings.facts.policy_digest = digest;
  // What the signers of contracts signed needs no listing: `proveContract` looks at that.
  if (trust.contractRoots !== undefined) return { policy: parsed.data, digest };
  if (trust.policies === undefined) {
    findings.notVerified.push(`that policy ${digest} was in force: the trust file lists no policies`);
  } else if (!trust.policies.has(digest)) {
    findings.fail('policy', 'policy_unknown', 'predicate.policy', `the trust file does not list policy ${digest}`);
  }
  return { policy: parsed.data, digest };
}

/** The request that opens the ledger, once its signature and the policy's rules hold. */
export interface Asked {
  request: Request;
  request_digest: string;
  envelope: SignedStatement;
  terms: Terms;
  /** The ledger's first entry, as the register signed it. */
  admission: Receipt;
}

function proveRequest(
  eventId: string,
  entries: readonly ProvenEntry[],
  known: KnownPolicy,
  trust: Trust,
  findings: BundleFindings,
): Asked | undefined {
  const [first] = entries;
  const refuse = (message: string): undefined => {
    findings.fail('request', 'request_refused', placeOfSeq(1), message);
    return undefined;
  };
  const data = first?.entry.type === 'request' && first.seq === 1 ? requestData.safeParse(first.entry.data) : undefined;
  if (first === undefined || data?.success !== true) return refuse('the first entry is not the signed request');
  const checked = checkRequestStatement(data.data.statement, trust.roster);
  if (!checked.ok) return refuse(`${checked.reason}: ${checked.message}`);
  const { request } = checked.statement;
  if (request.event_id !== eventId) return refuse(`it asks for event ${request.event_id}`);
  if (request.policy_digest !== known.digest) {
    findings.fail('policy', 'policy_digest', 'predicate.policy', `people signed policy ${request.policy_digest}`);
    return undefined;
  }
  findings.ran('policy', `${known.policy.name}, the one that request and approvals name`);
  const terms = termsOf(known.policy, request.profile);
  if (terms === undefined) return refuse(`the policy has no profile ${request.profile}`);
  const refusal = requestRefusal(request, terms, known.digest);
  const age = requestAgeRefusal(checked.statement, terms, epochMs(first.entry.at));
  if (refusal !== undefined) refuse(`${refusal.code}: ${refusal.message}`);
  if (age !== undefined) refuse(`${age.code}: ${age.message}`);
  noteRequest(request, findings);
  findings.ran('request', `signed by ${checked.person.id} (${checked.method} key), admitted ${first.entry.at}`);
  const admission = { transition: first.entry.transition, envelope: first.body };
  return { request, request_digest: checked.request_digest, envelope: data.data.statement, terms, admission };
}

function noteRequest(request: Request, { facts, notVerified }: BundleFindings): void {
  facts.invoker = request.invoker.upn;
  facts.principal = request.principal.upn;
  facts.principal_id = request.principal.object_id;
  facts.profile = request.profile;
  facts.role = nameOf(request.effect);
  facts.directory_scope_id = objectOfEffect(request.effect).scope;
  facts.requested_at = request.requested_at;
  facts.prerequisites = request.prerequisites ?? [];
  for (const { system, approval_id } of facts.prerequisites)
    notVerified.push(`that ${system} approved (${approval_id}): everybody who signed read it, and nobody looked it up`);
}

function proveStatements(
  asked: Asked,
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): ProvenAuthority['acts'] {
  const acts: ProvenAuthority['acts'] = [];
  for (const { seq, entry } of entries) {
    if (entry.type !== 'statement') continue;
    const refuse = (message: string): void =>
      findings.fail('statements', 'statement_refused', placeOfSeq(seq), message);
    const data = statementData.safeParse(entry.data);
    if (!data.success) {
      refuse('it carries no statement');
      continue;
    }
    const checked = checkStatement(data.data.statement, trust.roster);
    if (!checked.ok) {
      refuse(checked.reason);
      continue;
    }
    const { statement, person, digest } = checked;
    const { event_id, policy_digest } = asked.request;
    if (statement.event_id !== event_id) refuse('foreign_event');
    else if (statement.request_digest !== asked.request_digest) refuse('foreign_request');
    else if (statement.policy_digest !== policy_digest) refuse('foreign_policy');
    else if (entry.data.act !== statement.act || entry.data.person !== person.id)
      refuse('the entry says another act or person');
    else acts.push({ seq, act: statement.act, person: person.id, digest, envelope: data.data.statement });
  }
  findings.ran('statements', `${acts.length} signed acts`);
  return acts;
}
