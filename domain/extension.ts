import { MAX_TIMEBOX_SECONDS, wantedApprovers } from './approvals.js';
import { epochMs } from './identifiers.js';
import type { Intent } from './intent.js';
import type { Terms } from './policy.js';
import { isEligibleApprover, quorumOf, type PersonFacts, type Quorum } from './quorum.js';
import type { Request } from './request.js';
import { isValidAt } from './roster.js';
import { MAX_ROUNDS } from './round.js';

/** A shorter one is not worth a quorum. */
export const MIN_EXTENSION_MS = 5 * 60 * 1000;
/** The provider's answer must be there before the deadline that holds: from this close to it on, nothing is extended. */
export const LAST_EXTENSION_MS = 60 * 1000;

/**
 * The earliest at which a ceremony's change can have been made, epoch ms: when its first intent was issued. An intent of a
 * later round does not say; no ceremony is longer than the longest timebox.
 */
export const begunAfter = ({ round, issued_at, deadline }: Pick<Intent, 'round' | 'issued_at' | 'deadline'>): number =>
  round === 1 ? epochMs(issued_at) : Math.min(epochMs(issued_at), epochMs(deadline) - MAX_TIMEBOX_SECONDS * 1000);

/** What an extension is judged by, wherever it is judged. Times are RFC 3339 UTC. */
export interface ExtensionFacts {
  request: Pick<Request, 'effect'>;
  terms: Pick<Terms, 'timebox' | 'approvals'>;
  /** Of the extension: 2 for the first one. */
  round: number;
  /** When the first intent was issued: the policy's maximum counts from there, whatever was extended since. */
  started_at: string;
  /** The deadline in force. */
  deadline: string;
  /** The later one that is asked for. */
  asked: string;
  /** Epoch milliseconds, of the judge's own clock. */
  nowMs: number;
}

/** Why an extension is not taken. */
export const EXTENSION_REFUSALS = {
  extension_unapprovable:
    'nothing is extended without new approvals, and this profile asks nobody: ask for a new ceremony',
  extension_too_short: 'the new deadline is less than 5 minutes later than the one in force',
  extension_too_long: "it would go past the policy's maximum, counted from the first start",
  extension_too_many: `a ceremony is extended ${MAX_ROUNDS - 1} times at most`,
  extension_too_late: 'less than a minute is left: the provider could not answer before the deadline',
} as const;
export type ExtensionRefusal = keyof typeof EXTENSION_REFUSALS;

/** Why this extension must not be, or undefined. Pure: the same at the ceremony, the authority, the effect and the verifier of a bundle. */
export function extensionRefusal(facts: ExtensionFacts): ExtensionRefusal | undefined {
  const { terms, round, deadline, asked, nowMs } = facts;
  if (terms.approvals.immediate !== undefined) return 'extension_unapprovable';
  if (round > MAX_ROUNDS) return 'extension_too_many';
  if (epochMs(asked) < epochMs(deadline) + MIN_EXTENSION_MS) return 'extension_too_short';
  if (epochMs(asked) > latestDeadline(facts)) return 'extension_too_long';
  return nowMs >= epochMs(deadline) - LAST_EXTENSION_MS ? 'extension_too_late' : undefined;
}

/** The latest deadline that any extension may reach, epoch ms. */
export const latestDeadline = ({ terms, started_at }: Pick<ExtensionFacts, 'terms' | 'started_at'>): number =>
  epochMs(started_at) + terms.timebox.max * 1000;

/**
 * The quorum of an extension: the policy's full one, of new approvals by people who may approve now, and never nobody. What
 * opens for a first grant after a time, or lets somebody have it at once, extends nothing.
 */
export function extensionQuorum(facts: {
  request: Request;
  terms: Terms;
  admission: { extra_approvers: number } | null;
  approvers: readonly PersonFacts[];
  /** Epoch milliseconds at which eligibility and roster validity are judged. */
  nowMs: number;
}): Quorum {
  const { request, terms, admission, approvers, nowMs } = facts;
  const wanted = extensionApprovers(terms, admission);
  const people = approvers.filter((person) => isEligibleApprover(person, request, terms) && isValidAt(person, nowMs));
  return quorumOf({ ...terms.approvals, min_approvers: wanted }, people);
}

/** How many people an extension takes. */
export const extensionApprovers = (
  { approvals }: Pick<Terms, 'approvals'>,
  admission: { extra_approvers: number } | null,
): number => Math.max(1, wantedApprovers(approvals) + (admission?.extra_approvers ?? 0));
