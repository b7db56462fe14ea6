import type { Policy } from './policy.js';
import type { PolicyWarning } from './policy-warning.js';
import type { Person } from './roster.js';

interface Named {
  party: string;
  path: PropertyKey[];
}

/** Groups that nobody is in, and people whom the roster does not have: a name that is wrong by a letter names nobody. */
export function strangerWarnings(policy: Policy, people: readonly Person[]): PolicyWarning[] {
  const groups = new Set(people.flatMap(({ groups }) => groups));
  const ids = new Set(people.map(({ id }) => id));
  return partiesOf(policy).flatMap(({ party, path }): PolicyWarning[] => {
    const name = party.slice(party.indexOf(':') + 1);
    if (party.startsWith('group:'))
      return groups.has(name) ? [] : [{ code: 'group_of_nobody', path, message: `nobody on the roster is in ${name}` }];
    return ids.has(name)
      ? []
      : [{ code: 'person_not_on_roster', path, message: `the roster has nobody called ${name}` }];
  });
}

/** Every party that a policy names, and where. */
function partiesOf(policy: Policy): Named[] {
  const listed = (list: readonly string[] | undefined, ...path: PropertyKey[]): Named[] =>
    (list ?? []).map((party, index) => ({ party, path: [...path, index] }));
  const approving = (approvals: Policy['approvals'], ...path: PropertyKey[]): Named[] => {
    if (approvals === undefined) return [];
    const required = approvals.require.map(({ group }, index) => ({
      party: `group:${group}`,
      path: [...path, 'require', index, 'group'],
    }));
    // Groups that are required were added to the approvers when the file was read: they are told where they are written.
    const written = approvals.approvers.filter((party) => !required.some((one) => one.party === party));
    return [
      ...listed(written, ...path, 'approvers'),
      ...required,
      ...listed(approvals.immediate, ...path, 'immediate'),
    ];
  };
  return [
    ...approving(policy.approvals, 'approvals'),
    ...listed(policy.responders, 'responders'),
    ...Object.entries(policy.profiles).flatMap(([name, { approvals }]) =>
      approving(approvals, 'profiles', name, 'approvals'),
    ),
    ...(policy.rules ?? []).flatMap(({ allow }, index) => listed(allow, 'rules', index, 'allow')),
    ...(policy.standing ?? []).flatMap(({ allow }, index) => listed(allow, 'standing', index, 'allow')),
  ];
}
