import { ANY_PRINCIPAL, type Contract } from './contract.js';
import { ENFORCED_TOOLS } from './contract-declared.js';
import { formatDuration } from './duration.js';
import { listOfKind, objectOfEffect, toolsOfKind } from './effects/effects.js';
import { TARGET_LISTS, type TargetList } from './effects/kind.js';
import { epochMs } from './identifiers.js';
import { termsOf, type Policy } from './policy.js';
import type { PolicyWarning, PolicyWarningCode } from './policy-warning.js';
import type { Roster } from './roster.js';

const LONG_LIFE_MS = 366 * 24 * 3600 * 1000;
const LONG_TOKEN_SECONDS = 5 * 60;

const WORDS: Readonly<Record<TargetList, string>> = {
  allowed_roles: 'role',
  allowed_groups: 'group',
  allowed_policies: 'access policy',
};

type Warn = (code: PolicyWarningCode, path: PropertyKey[], message: string) => void;

/** What is legal in a contract section and weak, or cannot be meant. Without a roster, what depends on people is not looked at. */
export function contractWarnings(policy: Policy, roster: Roster | null): PolicyWarning[] {
  const { contract } = policy;
  if (contract === undefined) return [];
  const warnings: PolicyWarning[] = [];
  const warn: Warn = (code, path, message) => void warnings.push({ code, path: ['contract', ...path], message });
  const { valid_from, valid_until, token_ttl, execution } = contract;
  if (epochMs(valid_until) - epochMs(valid_from) > LONG_LIFE_MS)
    warn('contract_long_lived', ['valid_until'], 'more than a year: nobody will have looked at it for so long');
  if (token_ttl > LONG_TOKEN_SECONDS) {
    const message = `${formatDuration(token_ttl)}: 2m is enough, a warrant is asked for again while the ceremony stands`;
    warn('contract_long_token', ['token_ttl'], message);
  }
  toolWarnings(contract, policy, warn);
  if (execution.elevated)
    warn('contract_elevated', ['execution', 'elevated'], 'jobs may run unconfined on their machine');
  targetWarnings(policy, contract, roster, warn);
  return warnings;
}

function toolWarnings({ execution }: Contract, { profiles }: Policy, warn: Warn): void {
  const path = ['execution', 'tools_allowlist'];
  for (const [index, tool] of execution.tools_allowlist.entries())
    if (!ENFORCED_TOOLS.includes(tool)) warn('contract_unknown_tool', [...path, index], `Reseal has no tool ${tool}`);
  const kinds = new Set(Object.values(profiles).map(({ action }) => action));
  for (const kind of kinds) {
    const { write } = toolsOfKind(kind);
    if (execution.tools_allowlist.includes(write)) continue;
    warn('contract_grants_nothing', path, `without ${write} no ${WORDS[listOfKind(kind)]} can be granted`);
  }
}

/** Targets that are wider than the profiles need, and profiles that the targets leave out. */
function targetWarnings(policy: Policy, contract: Contract, roster: Roster | null, warn: Warn): void {
  const { target_constraints: targets } = contract.execution;
  const { tenant_ids, allowed_principals } = targets;
  const path = ['execution', 'target_constraints'];
  const names = Object.keys(policy.profiles);
  const terms = names.map((name) => termsOf(policy, name)).filter((one) => one !== undefined);
  for (const { profile, effect } of terms) {
    const { tenant_id } = effect;
    if (!tenant_ids.includes(tenant_id))
      warn('contract_leaves_out_profile', [...path, 'tenant_ids'], `profile ${profile} is of tenant ${tenant_id}`);
    const [list, { id }] = [listOfKind(effect.kind), objectOfEffect(effect)];
    if (targets[list]?.includes(id) !== true)
      warn('contract_leaves_out_profile', [...path, list], `profile ${profile} is of ${WORDS[list]} ${id}`);
  }
  const unused = (list: string, values: readonly string[], used: readonly string[]): void => {
    for (const [index, value] of values.entries())
      if (!used.includes(value))
        warn('contract_wide_targets', [...path, list, index], `no profile needs ${value}: leave it out`);
  };
  const tenants = terms.map(({ effect }) => effect.tenant_id);
  unused('tenant_ids', tenant_ids, tenants);
  for (const list of TARGET_LISTS) {
    const used = terms.filter(({ effect }) => listOfKind(effect.kind) === list);
    unused(
      list,
      targets[list] ?? [],
      used.map(({ effect }) => objectOfEffect(effect).id),
    );
  }
  if (allowed_principals.includes(ANY_PRINCIPAL))
    warn(
      'contract_any_principal',
      [...path, 'allowed_principals'],
      'everybody on the roster may receive every role of it',
    );
  if (allowed_principals.length === 0)
    warn('contract_grants_nothing', [...path, 'allowed_principals'], 'nobody is named, so nothing can be granted');
  if (roster === null) return;
  const aliases = new Set(roster.people.flatMap((person) => person.aliases));
  for (const [index, name] of allowed_principals.entries())
    if (name.includes('@') && !aliases.has(name)) {
      const message = `the roster has nobody called ${name}: it allows nobody`;
      warn('person_not_on_roster', [...path, 'allowed_principals', index], message);
    }
}
