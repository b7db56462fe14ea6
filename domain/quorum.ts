import { isValidAt, type Person } from './roster.js';
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

/** The quorum as it stands at `nowMs`: eligibility and roster validity are judged again, not remembered. */
export function quorumAt(request: Request, terms: Terms, approvers: readonly PersonFacts[], nowMs: number): Quorum {
  return quorumOf(
    terms.approvals,
    approvers.filter((person) => isEligibleApprover(person, request, terms) && isValidAt(person, nowMs)),
  );
}
