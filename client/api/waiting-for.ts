import { isNamed, termsOf, type Policy } from '../../domain/policy.js';
import { findPerson, type Person, type Roster } from '../../domain/roster.js';
import type { CeremonyView } from '../../domain/view.js';
import { ResealError } from './reseal-error.js';

/** Whom requests may wait for: the person, and how the register looks for them. */
export interface NamedApprover {
  kind: Person['kind'];
  person: Person;
  /** `parties` name the person in a policy: `person:…` and `group:…`. */
  parties: { id: string; object_ids: readonly string[]; parties: readonly string[] };
}

/** @throws {ResealError} `unknown_person`. */
export function approverNamed(roster: Roster, name: string): NamedApprover {
  const person = findPerson(roster, name);
  if (person === undefined) throw new ResealError('unknown_person', `nobody on the roster is called ${name}`);
  const { id, kind, object_ids, groups } = person;
  const parties = [`person:${id}`, ...groups.map((group) => `group:${group}`)];
  return { kind, person, parties: { id, object_ids, parties } };
}

/** Whether the policy names them as an approver of this ceremony, and they neither asked nor would receive. */
export function mayApprove(person: Person, view: CeremonyView, policy: Policy): boolean {
  const { invoker, invoker_person, principal, principal_id, profile } = view;
  const is = (upn: string | null): boolean => upn !== null && person.aliases.includes(upn.toLowerCase());
  if (invoker_person === person.id || is(invoker) || is(principal)) return false;
  if (principal_id !== null && person.object_ids.includes(principal_id)) return false;
  const terms = termsOf(policy, profile ?? '');
  return terms !== undefined && isNamed(terms.approvals.approvers, person);
}

/** Whether a ceremony waits for approvals, of its request or of an extension, and has none of theirs. */
export function stillWaits(person: Person, view: CeremonyView): boolean {
  const asked = view.state === 'awaiting_approval' ? view : waitingExtension(view);
  if (asked === null) return false;
  return !asked.approvals.some(
    ({ approver }) => approver === person.id || person.aliases.includes(approver.toLowerCase()),
  );
}

/** The extension that waits for approvals, or null. A gateway of an earlier version tells of none. */
export function waitingExtension(view: CeremonyView | null): NonNullable<CeremonyView['extension']> | null {
  const extension = view?.extension ?? null;
  return view?.state === 'active' && extension?.state === 'awaiting_approval' ? extension : null;
}
