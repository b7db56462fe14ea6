import { ANY_PRINCIPAL, type Contract } from './contract.js';
import { kindOfTuple, listOfKind, objectOf, toolsOfKind, type Tuple } from './effects/effects.js';
import type { KindTools, TargetList } from './effects/kind.js';
import type { Roster } from './roster.js';

/** One call of a tool, resolved to ids. GUIDs in lower case. */
export interface ToolCall {
  tool: string;
  tenant_id: string;
  /** Object id in the directory. */
  principal_id: string;
  /** What it is used on: the id of a role's template, or of a group. */
  object_id: string;
  /** Which of the contract's lists must name it. */
  list: TargetList;
}

/** The call of a kind's own tool on what an effect acts on. */
export const callOf = (use: keyof KindTools, tuple: Tuple): ToolCall =>
  toolCallOn(toolsOfKind(kindOfTuple(tuple))[use], tuple);

/** The call of a tool on what an effect acts on. */
export function toolCallOn(tool: string, tuple: Tuple): ToolCall {
  const { tenant_id, principal_id } = tuple;
  return { tool, tenant_id, principal_id, object_id: objectOf(tuple).id, list: listOfKind(kindOfTuple(tuple)) };
}

/** Why a contract does not let a tool be used on a target. */
export const CONTRACT_REFUSALS = [
  'tool_denied',
  'tool_not_allowed',
  'tenant_outside_contract',
  'principal_outside_contract',
  'role_outside_contract',
  'group_outside_contract',
  'policy_outside_contract',
] as const;
export type ContractRefusal = (typeof CONTRACT_REFUSALS)[number];

/**
 * Why the contract refuses a call, or undefined when it allows it. Deny wins over allow; an empty list of targets allows none.
 *
 * A user principal name in the contract means the object ids that the roster has for it: what a request says a principal is
 * called is its author's word, and decides nothing. Who is not on the roster must be named by object id.
 */
export function contractRefusal(
  { execution }: Pick<Contract, 'execution'>,
  call: ToolCall,
  roster: Roster,
): { code: ContractRefusal; message: string } | undefined {
  const { tools_allowlist, tools_denylist, target_constraints: targets } = execution;
  const { tool, tenant_id, principal_id, object_id, list } = call;
  if (tools_denylist.includes(tool)) return { code: 'tool_denied', message: `the contract denies ${tool}` };
  if (!tools_allowlist.includes(tool))
    return { code: 'tool_not_allowed', message: `the contract does not allow ${tool}` };
  if (!targets.tenant_ids.includes(tenant_id))
    return { code: 'tenant_outside_contract', message: `the contract does not name tenant ${tenant_id}` };
  if (!isAllowedPrincipal(targets.allowed_principals, principal_id, roster))
    return { code: 'principal_outside_contract', message: `the contract does not name principal ${principal_id}` };
  const { code, word } = OUTSIDE[list];
  if (targets[list]?.includes(object_id) !== true)
    return { code, message: `the contract does not name ${word} ${object_id}` };
  return undefined;
}

const OUTSIDE = {
  allowed_roles: { code: 'role_outside_contract', word: 'role' },
  allowed_groups: { code: 'group_outside_contract', word: 'group' },
  allowed_policies: { code: 'policy_outside_contract', word: 'access policy' },
} as const satisfies Record<TargetList, { code: ContractRefusal; word: string }>;

function isAllowedPrincipal(allowed: readonly string[], principalId: string, roster: Roster): boolean {
  if (allowed.includes(principalId)) return true;
  // By object id alone: an alias that looks like one must not stand for it.
  const person = roster.people.find(({ object_ids }) => object_ids.includes(principalId));
  if (person === undefined) return false;
  return allowed.includes(ANY_PRINCIPAL) || person.aliases.some((alias) => allowed.includes(alias));
}
