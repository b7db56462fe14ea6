import { describe, expect, it } from 'vitest';
import { declaredLines, declaredOnly } from '../../domain/contract-declared.js';
import { policyWarnings } from '../../domain/policy-warnings.js';
import { policySchema } from '../../domain/policy.js';
import type { Roster } from '../../domain/roster.js';
import { contractInput, contractPolicy, policyInput, ROSTER } from '../support/contract-signers.js';

type Over = Record<string, unknown>;
const execution = contractInput()['execution'] as Over;
const targets = execution['target_constraints'] as Over;
const STRANGER = '00000000-0000-4000-8000-0000000000ff';
const weak = (over: Over, policy: Over = {}, roster: Roster | null = null): string[] =>
  policyWarnings(policySchema.parse(policyInput(contractInput(over), policy)), roster)
    .filter(({ path }) => path[0] === 'contract')
    .map(({ code, path }) => `${code} ${path.slice(1).join('.')}`);
const targeted = (over: Over): Over => ({ execution: { ...execution, target_constraints: { ...targets, ...over } } });
const tooled = (tools: string[]): Over => ({
  execution: { ...execution, tools_allowlist: [...(execution['tools_allowlist'] as string[]).slice(1), ...tools] },
});
const WRITE = 'breakglass.microsoft_graph.write_role_assignment';

describe('a contract that is legal and weak', () => {
  it('is not the one that says no more than its profiles need', () => {
    expect(weak({}, {}, ROSTER)).toEqual([]);
  });

  it.each([
    ['contract_long_lived valid_until', { valid_until: '2027-11-03T00:00:00Z' }],
    ['contract_long_token token_ttl', { token_ttl: '5m1s' }],
    ['contract_unknown_tool execution.tools_allowlist.3', tooled([WRITE, 'shell.run'])],
    ['contract_grants_nothing execution.tools_allowlist', tooled([])],
    ['contract_any_principal execution.target_constraints.allowed_principals', targeted({ allowed_principals: ['*'] })],
    ['contract_grants_nothing execution.target_constraints.allowed_principals', targeted({ allowed_principals: [] })],
    [
      'contract_wide_targets execution.target_constraints.tenant_ids.1',
      targeted({ tenant_ids: [...(targets['tenant_ids'] as string[]), STRANGER] }),
    ],
    [
      'contract_wide_targets execution.target_constraints.allowed_roles.1',
      targeted({ allowed_roles: [...(targets['allowed_roles'] as string[]), STRANGER] }),
    ],
    ['contract_leaves_out_profile execution.target_constraints.tenant_ids', targeted({ tenant_ids: [] })],
    ['contract_leaves_out_profile execution.target_constraints.allowed_roles', targeted({ allowed_roles: [] })],
  ] as [string, Over][])('%s', (expected, over) => {
    expect(weak(over)).toEqual([expected]);
  });

  it('says that it is elevated, where it may be', () => {
    const strict = {
      timebox: { default: '30m', max: '1h' },
      approvals: { min_approvers: 3, approvers: ['group:security'] },
    };
    expect(weak({ execution: { ...execution, elevated: true } }, strict)).toEqual([
      'contract_elevated execution.elevated',
    ]);
  });

  it('says who is not on the roster, where there is one', () => {
    const over = targeted({ allowed_principals: ['alice@contoso.com', 'alcie@contoso.com', STRANGER] });
    expect(weak(over)).toEqual([]);
    expect(weak(over, {}, ROSTER)).toEqual(['person_not_on_roster execution.target_constraints.allowed_principals.1']);
  });

  it('is judged on valid days, not on a leap year', () => {
    expect(weak({ valid_until: '2027-11-02T00:00:00Z' })).toEqual([]);
  });
});

describe('what a contract declares and nothing enforces', () => {
  const pathsOf = (over: Over): string[] => declaredOnly(contractPolicy(over).contract).map(({ path }) => path);

  it('is never left unsaid', () => {
    expect(pathsOf({})).toEqual([
      'execution.runtime',
      'execution.tools_denylist',
      'execution.elevated',
      'kill_switch.on_trigger',
    ]);
    expect(
      pathsOf({
        ...tooled([WRITE, 'shell.run']),
        network: { model_calls_must_use: 'clawproxy', provider: 'any' },
        audit: { require_gateway_receipts: true, emit_proof_bundle: true },
      }),
    ).toEqual([
      'execution.runtime',
      'execution.tools_allowlist',
      'execution.tools_denylist',
      'execution.elevated',
      'network.model_calls_must_use',
      'network.provider',
      'kill_switch.on_trigger',
      'audit.require_gateway_receipts',
    ]);
  });

  it('leaves out a denied tool of Reseal: that is enforced', () => {
    const over = tooled([]);
    const denied = { execution: { ...(over['execution'] as Over), tools_denylist: [WRITE] } };
    expect(pathsOf(denied)).toEqual(['execution.runtime', 'execution.elevated', 'kill_switch.on_trigger']);
    const both = { execution: { ...(over['execution'] as Over), tools_denylist: [WRITE, 'shell.exec'] } };
    expect(declaredLines(contractPolicy(both).contract)[1]).toMatch(/tools_denylist: shell\.exec: no tool/);
  });

  it('is a line each', () => {
    expect(declaredLines(contractPolicy().contract)[0]).toBe(
      'declared, not enforced: contract.execution.runtime: reseal: nothing checks what runs a job',
    );
  });
});
