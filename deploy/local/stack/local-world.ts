/**
 * The people, the tenant and the policy of a local stack: made up, the same in every folder but for the keys, so that an
 * example in the documentation works as it stands.
 */
export const LOCAL_TENANT = 'c0ffee00-0000-4000-8000-000000000001';

export interface LocalPerson {
  id: string;
  upn: string;
  object_id: string;
  display_name: string;
  groups: string[];
  /** A human when left out. */
  kind?: 'human' | 'agent';
}

export const LOCAL_PEOPLE: readonly LocalPerson[] = [
  {
    id: 'alice',
    upn: 'alice@corp.example',
    object_id: 'a11ce000-0000-4000-8000-00000000000a',
    display_name: 'Alice Operator',
    groups: ['oncall'],
  },
  {
    id: 'bob',
    upn: 'bob@corp.example',
    object_id: 'b0b00000-0000-4000-8000-00000000000b',
    display_name: 'Bob Security',
    groups: ['security'],
  },
  {
    id: 'carol',
    upn: 'carol@corp.example',
    object_id: 'ca401000-0000-4000-8000-00000000000c',
    display_name: 'Carol Platform',
    groups: ['platform'],
  },
];

/** The applications that Reseal's own roles use in the simulated tenant. */
export const LOCAL_APPLICATIONS = {
  directory_role: '5e5ea100-0000-4000-8000-0000000000d1',
  sessions: '5e5ea100-0000-4000-8000-0000000000d2',
  verifier: '5e5ea100-0000-4000-8000-0000000000d3',
  sweeper: '5e5ea100-0000-4000-8000-0000000000d4',
  credentials: '5e5ea100-0000-4000-8000-0000000000d5',
  account: '5e5ea100-0000-4000-8000-0000000000d6',
  conditional_access: '5e5ea100-0000-4000-8000-0000000000d7',
  group_membership: '5e5ea100-0000-4000-8000-0000000000d8',
  role_assignment: '5e5ea100-0000-4000-8000-0000000000d9',
  containment: '5e5ea100-0000-4000-8000-0000000000ce',
} as const;

/** Under which the sweep takes back what carries no mark. */
export const LOCAL_UNMARKED_SWEEPER = '5e5ea100-0000-4000-8000-0000000000da';

const roles = [
  ['security-admin', '194ae4cb-b126-40b2-bd5b-6091b380977d', 'Security Administrator', false],
  ['user-admin', 'fe930be7-5e62-47db-91af-98c3a49a38b1', 'User Administrator', false],
  ['exchange-admin', '29232cdf-9323-42fd-ade2-1d097af3e4de', 'Exchange Administrator', false],
  ['privileged-role-admin', 'e8611ab8-c189-46e8-94e1-60213ab1f814', 'Privileged Role Administrator', true],
] as const;

/** The policy a new local stack starts with. It is a file from then on: edit it and restart. */
export function localPolicyYaml(): string {
  const profiles = roles.map(
    ([name, id, role, tier0]) => `  ${name}:
    description: ${role} in the local tenant
    action: entra.directory_role
    role: { template_id: ${id}, name: ${role} }${tier0 ? '\n    tier0: true\n    timebox: { default: 15m, max: 1h }' : ''}`,
  );
  return `# The policy of this local stack. Edit it, restart \`reseal dev\`, and ask again: a request is bound to the policy it was made under.
version: 1
name: local
tenant_id: ${LOCAL_TENANT}
approval_window: 30m
timebox: { default: 30m, max: 4h }
grace: 10m
# Two people, one of each group; the same person never counts twice.
approvals:
  min_approvers: 2
  require:
    - { group: security, count: 1 }
    - { group: platform, count: 1 }
# Who hears of what: everything goes to the inbox that \`reseal dev\` names.
notices:
  - channel: inbox
# May end a ceremony at any time, besides those who take part in it.
responders: [group:oncall]
profiles:
${profiles.join('\n')}
`;
}
