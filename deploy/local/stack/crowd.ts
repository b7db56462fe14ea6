import type { LocalPerson } from './local-world.js';

export const crowdPerson = (id: string, digit: string, groups: string[]): LocalPerson => ({
  id,
  upn: `${id}@corp.example`,
  object_id: `${digit.repeat(8)}-0000-4000-8000-000000000000`,
  display_name: id,
  groups,
});

/** alice asks; bob is security, carol is platform. */
export const CROWD: readonly LocalPerson[] = [
  crowdPerson('alice', 'a', ['operators']),
  crowdPerson('bob', 'b', ['security']),
  crowdPerson('carol', 'c', ['platform']),
];

export const ROLE = { template_id: '194ae4cb-b126-40b2-bd5b-6091b380977d', name: 'Security Administrator' } as const;

/** A profile and a tenant of its own for each ceremony, so that each has a clock, faults and a truth of its own. */
export const tenantOf = (index: number): string => `7e000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
export const profileOf = (index: number): string => `p${index}`;

const besidesOf = (lines: string | undefined): string =>
  lines === undefined ? '' : `\n${lines.replace(/^/gm, '    ')}`;

/** A policy for many ceremonies side by side: for tests, recordings and the benchmark. Times are written as in a policy file. */
export function crowdPolicy(options: {
  profiles: number;
  timebox: { default: string; max: string };
  approvalWindow: string;
  grace: string;
  responders?: readonly string[];
  /** Lines of YAML for single profiles, by their index, without indentation. */
  besides?: ReadonlyMap<number, string>;
}): string {
  const { profiles, timebox, approvalWindow, grace, responders = [], besides } = options;
  const listed = Array.from(
    { length: profiles },
    (_, index) => `  ${profileOf(index)}:
    action: entra.directory_role
    tenant_id: ${tenantOf(index)}
    role: { template_id: ${ROLE.template_id}, name: ${ROLE.name} }${besidesOf(besides?.get(index))}`,
  );
  return `version: 1
name: crowd
tenant_id: ${tenantOf(999_999)}
approval_window: ${approvalWindow}
timebox: { default: ${timebox.default}, max: ${timebox.max} }
grace: ${grace}
approvals:
  min_approvers: 2
  require: [{ group: security, count: 1 }, { group: platform, count: 1 }]
responders: [${responders.join(', ')}]
profiles:
${listed.join('\n')}
`;
}
