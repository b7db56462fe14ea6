import { isEligibleApprover, isInvoker, isPrincipal, type PersonFacts } from './quorum.js';
import { isNamed, type Terms } from './policy.js';
import type { Request } from './request.js';
import type { Act } from './statement.js';

export type Relation = 'approver' | 'author' | 'invoker' | 'principal' | 'responder' | 'bystander';

/**
 * Who may do what: the one table. `author` is who made the approval that is withdrawn; a `bystander` is any human who
 * neither asked nor received.
 */
export const RIGHTS: Readonly<Record<Act, readonly Relation[]>> = {
  approve: ['approver'],
  deny: ['approver'],
  withdraw: ['author'],
  close: ['invoker', 'principal'],
  kill: ['invoker', 'principal', 'approver', 'responder'],
  extend: ['invoker'],
  review: ['bystander'],
};

/** What follows from the request alone. */
export function relationsToRequest(person: PersonFacts, request: Request): Set<Relation> {
  const relations = new Set<Relation>();
  if (isInvoker(person, request)) relations.add('invoker');
  if (isPrincipal(person, request)) relations.add('principal');
  if (relations.size === 0 && person.kind === 'human') relations.add('bystander');
  return relations;
}

/** How a person stands to a ceremony. `approvedBy` holds the ids of those whose approvals stand. */
export function relationsOf(
  person: PersonFacts,
  request: Request,
  terms: Terms,
  approvedBy: ReadonlySet<string>,
): ReadonlySet<Relation> {
  const relations = relationsToRequest(person, request);
  if (isEligibleApprover(person, request, terms)) relations.add('approver');
  if (approvedBy.has(person.id)) relations.add('author');
  if (isNamed(terms.responders, person)) relations.add('responder');
  return relations;
}

/** Whether any of the person's relations gives the right to the act. */
export function mayAct(act: Act, relations: ReadonlySet<Relation>): boolean {
  return RIGHTS[act].some((relation) => relations.has(relation));
}
