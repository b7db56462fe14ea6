import { isEligibleApprover, isInvoker, isPrincipal, type PersonFacts } from './quorum.js';
import { isNamed, type Terms } from './policy.js';
import type { Request } from './request.js';
import type { SignalAct } from './statement.js';

export type Relation = 'approver' | 'author' | 'invoker' | 'principal' | 'responder';

/** Who may do what: the one table. `author` is who made the approval that is withdrawn. */
export const RIGHTS: Readonly<Record<SignalAct, readonly Relation[]>> = {
  approve: ['approver'],
  deny: ['approver'],
  withdraw: ['author'],
  close: ['invoker', 'principal'],
  kill: ['invoker', 'principal', 'approver', 'responder'],
};

/** How a person stands to a ceremony. `approvedBy` holds the ids of those whose approvals stand. */
export function relationsOf(
  person: PersonFacts,
  request: Request,
  terms: Terms,
  approvedBy: ReadonlySet<string>,
): ReadonlySet<Relation> {
  const relations = new Set<Relation>();
  if (isEligibleApprover(person, request, terms)) relations.add('approver');
  if (approvedBy.has(person.id)) relations.add('author');
  if (isInvoker(person, request)) relations.add('invoker');
  if (isPrincipal(person, request)) relations.add('principal');
  if (isNamed(terms.responders, person)) relations.add('responder');
  return relations;
}

/** Whether any of the person's relations gives the right to the act. */
export function mayAct(act: SignalAct, relations: ReadonlySet<Relation>): boolean {
  return RIGHTS[act].some((relation) => relations.has(relation));
}
