import { isDeepStrictEqual } from 'node:util';

import { latestDeadline, EXTENSION_REFUSALS, extensionQuorum, extensionRefusal } from '../domain/extension.js';
import type { ExtensionRefusal } from '../domain/extension.js';
import { epochMs, instant } from '../domain/identifiers.js';
import type { Intent } from '../domain/intent.js';
import type { Policy, Terms } from '../domain/policy.js';
import type { Quorum } from '../domain/quorum.js';
import type { Request } from '../domain/request.js';
import { isValidAt, type Roster } from '../domain/roster.js';
import { matchRules } from '../domain/rule-match.js';
import { CLOCK_SKEW_MS, type ActStatement } from '../domain/statement.js';
import type { Evidence } from '../domain/tasks.js';
import { expiryOf, type HeardExtension } from '../domain/verdict.js';
import type { RoleKeys } from './receipt.js';
import { verifyIntent } from './signed-intent.js';
import { checkStatement } from './statement-check.js';

/** Why evidence does not carry an extension. */
export type ExtensionEvidenceRefusal =
  ExtensionRefusal | 'extension_not_authentic' | 'extension_prior_differs' | 'no_rule_matches' | 'quorum_not_met';

type Refused = { ok: false; code: ExtensionEvidenceRefusal; message: string };

/** What was asked, once its signature and the intents before it hold; who approved it is asked next. */
export interface AskedExtension extends HeardExtension {
  statement: ActStatement;
  /** The intents before it, the first one first; never empty. */
  prior: Intent[];
  /** The one that it extends. */
  before: Intent;
  started_at: string;
}

/** The rules by which an extension is judged; times are those of `EvidenceRules`. */
export interface ExtensionRules {
  evidence: Evidence;
  request: Request;
  request_digest: string;
  /** What the request's effect acts on. */
  tuple: Intent['tuple'];
  terms: Terms;
  policy: Policy;
  roster: Roster;
  roleKeys: RoleKeys;
  nowMs: number;
  issuedMs: number;
}

/**
 * What an extension asks for: the invoker's own statement about this request and round, and the authority's intents that it
 * follows, each for this very request and target, each later than the one before. The approvals of earlier rounds are not
 * looked at: an extension rests on new ones alone.
 *
 * The evidence is attacker-controlled: never throws.
 */
export function readExtension(rules: ExtensionRules): ({ ok: true } & AskedExtension) | Refused | undefined {
  const { evidence, roster, roleKeys, nowMs } = rules;
  if (evidence.extension === undefined) return undefined;
  const { asked, prior: signedPrior } = evidence.extension;
  const prior: Intent[] = [];
  for (const [index, signed] of signedPrior.entries()) {
    const verified = verifyIntent(signed, (keyid) => {
      const key = roleKeys(keyid);
      return key?.role === 'authority' ? key.publicKey : undefined;
    });
    if (!verified.ok) return refused('extension_prior_differs', `intent ${index + 1}: ${verified.message}`);
    const { intent } = verified;
    const why = misfit(intent, index + 1, rules, prior.at(-1));
    if (why !== undefined) return refused('extension_prior_differs', `intent ${index + 1}: ${why}`);
    prior.push(intent);
  }
  const [first, before] = [prior[0], prior.at(-1)];
  if (first === undefined || before === undefined) return refused('extension_prior_differs', 'it follows no intent');
  const checked = checkStatement(asked, roster);
  if (!checked.ok) return refused('extension_not_authentic', `extend: ${checked.reason}`);
  const { statement, person, statement_digest: digest } = checked;
  const { round, deadline } = statement;
  const why = objectionToAsk(statement, prior.length + 1, rules);
  if (why !== undefined || deadline === undefined)
    return refused('extension_not_authentic', `extend: ${why ?? 'it names no deadline'}`);
  if (!isValidAt(person, nowMs)) return refused('extension_not_authentic', `extend: ${person.id} may not speak now`);
  return { ok: true, round, digest, deadline, statement, prior, before, started_at: first.issued_at };
}

/** Why a statement whose signature is good does not ask for this extension, or undefined. */
function objectionToAsk(
  statement: ActStatement,
  round: number,
  { request, request_digest, issuedMs }: ExtensionRules,
): string | undefined {
  const { event_id, policy_digest, issued_at, not_after } = statement;
  if (statement.act !== 'extend') return `it is an act of "${statement.act}"`;
  if (event_id !== request.event_id || statement.request_digest !== request_digest)
    return 'it is about another request';
  if (policy_digest !== request.policy_digest) return 'it is under another policy';
  if (statement.round !== round) return `it is for round ${statement.round}, and this is round ${round}`;
  if (statement.person !== request.invoker.person) return 'only the invoker asks for one';
  const early = epochMs(issued_at) > issuedMs + CLOCK_SKEW_MS;
  return early || issuedMs >= expiryOf(issued_at, not_after)
    ? `it was not in force at ${instant(issuedMs)}`
    : undefined;
}

function misfit(
  intent: Intent,
  round: number,
  { request, request_digest, tuple }: ExtensionRules,
  before: Intent | undefined,
): string | undefined {
  if (intent.round !== round) return `it is of round ${intent.round}`;
  const same =
    intent.event_id === request.event_id &&
    intent.request_digest === request_digest &&
    intent.policy_digest === request.policy_digest &&
    intent.kind === request.effect.kind &&
    isDeepStrictEqual(intent.tuple, tuple);
  if (!same) return 'it is for another request';
  if (before !== undefined && epochMs(intent.deadline) <= epochMs(before.deadline)) return 'it extends nothing';
  return undefined;
}

/**
 * Whether the policy lets this be extended so far, at the moment of judging: its maximum counts from the first start, its
 * rules judge the whole length as they would have at admission, and the deadline that holds must not be near.
 */
export function extensionPolicyRefusal(
  { request, terms, policy, roster, nowMs }: ExtensionRules,
  { round, deadline, before, started_at }: AskedExtension,
  admittedAt: string,
): Refused | undefined {
  const facts = { request, terms, round, started_at, deadline: before.deadline, asked: deadline, nowMs };
  const refusal = extensionRefusal(facts);
  if (refusal !== undefined) {
    const bound = refusal === 'extension_too_long' ? `: ${instant(latestDeadline(facts))}` : '';
    return refused(refusal, `${EXTENSION_REFUSALS[refusal]}${bound}`);
  }
  const person = roster.people.find(({ id }) => id === request.invoker.person);
  if (person === undefined) return refused('extension_not_authentic', 'the invoker is not on the roster');
  const { profile, reason_code } = request;
  const duration_seconds = Math.ceil((epochMs(deadline) - epochMs(started_at)) / 1000);
  const now_ms = epochMs(admittedAt);
  const found = matchRules(policy.rules ?? [], { profile, person, reason_code, duration_seconds, now_ms });
  if (found.ok) return undefined;
  return refused('no_rule_matches', `no rule allows that long; nearest is ${found.rule}, which wants ${found.wanted}`);
}

/** Whether enough people approved exactly this; `objections` say why others did not count. */
export function extensionQuorumRefusal(
  { request, terms, nowMs }: ExtensionRules,
  admission: { extra_approvers: number },
  approvers: Parameters<typeof extensionQuorum>[0]['approvers'],
  objections: readonly string[],
): Refused | undefined {
  const quorum: Quorum = extensionQuorum({ request, terms, admission, approvers, nowMs });
  if (quorum.met) return undefined;
  const missing = quorum.missing.map((group) => `; nobody for ${group}`).join('');
  const why = objections.map((objection) => `; ${objection}`).join('');
  return refused('quorum_not_met', `extension: ${quorum.have} of ${quorum.want} approvals${missing}${why}`);
}

const refused = (code: ExtensionEvidenceRefusal, message: string): Refused => ({ ok: false, code, message });
