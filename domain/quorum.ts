import { epochMs } from './identifiers.js';
import { isValidAt, type Person } from './roster.js';
import { wantedApprovers } from './approvals.js';
import { isNamed, type Approvals, type Terms } from './policy.js';
import type { Request } from './request.js';

/** What the rules need to know of a person; the roster's keys stay with the role that checks signatures. */
export type PersonFacts = Pick<
  Person,
  'id' | 'kind' | 'object_ids' | 'aliases' | 'groups' | 'valid_from' | 'valid_until'
>;

/** The invoker, under any name the roster knows. */
export function isInvoker(person: PersonFacts, request: Request): boolean {
  return person.id === request.invoker.person || person.aliases.includes(request.invoker.upn.toLowerCase());
}

/** The principal, under any object id or alias. */
export function isPrincipal(person: PersonFacts, request: Request): boolean {
  return (
    person.object_ids.includes(request.principal.object_id) ||
    person.aliases.includes(request.principal.upn.toLowerCase())
  );
}

/** A human whom the policy names, who is neither invoker nor principal. Agents never count. Validity is asked separately. */
export function isEligibleApprover(person: PersonFacts, request: Request, terms: Terms): boolean {
  return (
    person.kind === 'human' &&
    isNamed(terms.approvals.approvers, person) &&
    !isInvoker(person, request) &&
    !isPrincipal(person, request)
  );
}

export const QUORUM_KINDS = ['full', 'fallback', 'immediate'] as const;
export type QuorumKind = (typeof QUORUM_KINDS)[number];

export interface Quorum {
  met: boolean;
  /** Distinct eligible people counted, and how many the policy wants. */
  have: number;
  want: number;
  /** Group requirements that no assignment of the present approvers to seats can fill. */
  missing: string[];
}

/**
 * N of M with AND across groups. One person counts once and fills one seat: somebody in both `security` and `platform`
 * cannot be both halves of `require: [{security: 1}, {platform: 1}]`, so seats are matched to people (augmenting paths).
 */
export function quorumOf(approvals: Approvals, approvers: readonly PersonFacts[]): Quorum {
  const people = [...new Map(approvers.map((person) => [person.id, person])).values()];
  const seats = approvals.require.flatMap(({ group, count }) => Array.from({ length: count }, () => group));
  const seatOf = new Map<string, number>();
  const holderOf = new Map<number, PersonFacts>();
  const seat = (index: number, tried: Set<string>): boolean => {
    for (const person of people) {
      if (tried.has(person.id) || !person.groups.includes(seats[index] ?? '')) continue;
      tried.add(person.id);
      const taken = seatOf.get(person.id);
      if (taken === undefined || seat(taken, tried)) {
        seatOf.set(person.id, index);
        holderOf.set(index, person);
        return true;
      }
    }
    return false;
  };
  const missing = seats.filter((_, index) => !seat(index, new Set()));
  return {
    met: people.length >= approvals.min_approvers && missing.length === 0,
    have: people.length,
    want: Math.max(approvals.min_approvers, seats.length),
    missing: [...new Set(missing)],
  };
}

/** What counts towards a quorum, and when. */
export interface QuorumFacts {
  request: Request;
  terms: Terms;
  /** The register's word; without it nobody can tell since when fewer approvers might suffice, or how many more are owed. */
  admission: { at: string; extra_approvers: number } | null;
  approvers: readonly PersonFacts[];
  /** Epoch milliseconds at which eligibility and roster validity are judged: again, not remembered. */
  nowMs: number;
  /** Epoch milliseconds at which the authority issued, where it did: the fallback was open then or it was not. */
  issuedMs?: number;
}

/**
 * The quorum as it stands. `full` is the policy's own; `fallback` is its smaller one, open from `after` since admission
 * and good for at most its `max`; `immediate` is none at all. `seconds` is how long the grant may then last.
 */
export function quorumAt(facts: QuorumFacts): Quorum & { kind: QuorumKind; seconds: number } {
  const { request, terms, admission, nowMs, issuedMs = nowMs } = facts;
  const { approvals } = terms;
  const extra = admission?.extra_approvers ?? 0;
  const people = facts.approvers.filter(
    (person) => isEligibleApprover(person, request, terms) && isValidAt(person, nowMs),
  );
  const wanted = { ...approvals, min_approvers: wantedApprovers(approvals) + extra };
  const full = quorumOf(wanted, people);
  const kind = wanted.min_approvers === 0 ? 'immediate' : 'full';
  const seconds = request.duration_seconds;
  const { fallback } = approvals;
  if (full.met || fallback === undefined || admission === null) return { ...full, kind, seconds };
  if (issuedMs < epochMs(admission.at) + fallback.after * 1000) return { ...full, kind, seconds };
  const fewer = quorumOf({ ...approvals, require: [], min_approvers: fallback.min_approvers + extra }, people);
  return { ...fewer, kind: 'fallback', seconds: Math.min(seconds, fallback.max) };
}
