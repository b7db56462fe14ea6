import { describe, expect, it } from 'vitest';
import { momentSchema } from '../../domain/contract.js';
import { contractRefusal, type ToolCall } from '../../domain/contract-targets.js';
import { policySchema } from '../../domain/policy.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { contractInput, contractPolicy, policyInput, ROLE, ROSTER, TENANT } from '../support/contract-signers.js';

type Over = Record<string, unknown>;
const execution = contractInput()['execution'] as Over;
const targets = execution['target_constraints'] as Over;
const killSwitch = contractInput()['kill_switch'] as Over;
const faults = (contract: Over, policy: Over = {}): string[] =>
  policySchema
    .safeParse(policyInput(contractInput(contract), policy))
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('a policy without a contract', () => {
  it('parses to what it did before contracts were, so that its digest stays', () => {
    const { contract: _, ...plain } = policyInput();
    const parsed = policySchema.parse(plain);
    expect(Object.keys(parsed)).not.toContain('contract');
    expect(digestOf(parsed)).toBe('4994490268d1dac3930bfc33dfa306d11d6e47af86ddc28256e8edc495561673');
  });
});

describe('a contract section', () => {
  it('is a member of the policy, so that the digest covers it', () => {
    const digests = [1, 2].map((version) => digestOf(contractPolicy({ version })));
    expect(new Set(digests).size).toBe(2);
  });

  it('parses to what parses to itself: what is signed is what is used', () => {
    const once = policySchema.parse(policyInput());
    expect(policySchema.parse(once)).toEqual(once);
    expect(once.contract).toMatchObject({ token_ttl: 120, valid_from: '2026-11-01T00:00:00.000Z' });
  });

  it.each([
    ['an unknown member', { lifetime: '1h' }, /Unrecognized key|lifetime/],
    ['version 0', { version: 0 }, /contract\.version/],
    ['a version that is no whole number', { version: 1.5 }, /contract\.version/],
    ['a series with a space', { series: 'a b' }, /contract\.series/],
    ['an end before its beginning', { valid_until: '2026-10-01T00:00:00Z' }, /contract\.valid_until: is not after/],
    ['an end at its beginning', { valid_until: '2026-11-01T00:00:00.000Z' }, /contract\.valid_until: is not after/],
    [
      'a day that is not in the calendar',
      { valid_from: '2026-02-30T00:00:00Z' },
      /contract\.valid_from: expected a time/,
    ],
    ['a time with an offset', { valid_from: '2026-11-01T00:00:00+01:00' }, /contract\.valid_from: expected a time/],
    ['a warrant of more than 30m', { token_ttl: '30m1s' }, /contract\.token_ttl: a warrant lives at most 30m/],
    ['a warrant of less than 1m', { token_ttl: '59s' }, /contract\.token_ttl: a warrant under 1m/],
    ['renewal without approval', { no_renew_without_reapproval: false }, /the only value is true/],
    ['no bundle', { audit: { require_gateway_receipts: false, emit_proof_bundle: false } }, /the only value is true/],
    [
      'a trigger left out',
      { kill_switch: { ...killSwitch, triggers: ['approval_revoked', 'timebox_expired'] } },
      /unexpected_target_detected is missing/,
    ],
    ['no reseal on a trigger', { kill_switch: { ...killSwitch, on_trigger: ['revoke_warrant'] } }, /reseal is missing/],
    ['no execution', { execution: undefined }, /contract\.execution/],
    ['no target constraints', { execution: { ...execution, target_constraints: undefined } }, /target_constraints/],
  ] as [string, Over, RegExp][])('refuses %s', (_name, over, expected) => {
    expect(faults(over).join('\n')).toMatch(expected);
  });

  it.each(['breakglass.microsoft_graph.read_role_assignment', 'breakglass.rollback.remove_role_assignment'])(
    'refuses to leave out %s',
    (tool) => {
      const tools_allowlist = (execution['tools_allowlist'] as string[]).filter((one) => one !== tool);
      expect(faults({ execution: { ...execution, tools_allowlist } })).toEqual([
        `contract.execution.tools_allowlist: ${tool} is missing: without it nothing could be verified or taken back`,
      ]);
      expect(faults({ execution: { ...execution, tools_denylist: [tool] } })).toEqual([
        `contract.execution.tools_denylist.0: ${tool} is allowed too: say one of both`,
      ]);
    },
  );

  it('takes no patterns for tools', () => {
    expect(faults({ execution: { ...execution, tools_allowlist: ['breakglass.*'] } }).join()).toMatch(/full name/);
  });

  it('refuses a warrant that outlives a profile', () => {
    const short = { timebox: { default: '10m', max: '10m' } };
    expect(faults({ token_ttl: '10m' }, short)).toEqual([]);
    expect(faults({ token_ttl: '11m' }, short)).toEqual([
      'contract.token_ttl: 11m is longer than profile role-admin lasts (10m)',
    ]);
  });
});

describe('an elevated contract', () => {
  const elevated = { execution: { ...execution, elevated: true } };
  const strict = {
    timebox: { default: '30m', max: '1h' },
    approvals: { min_approvers: 3, approvers: ['group:security'] },
  };

  it('is taken with a shorter window and a stricter quorum', () => {
    expect(faults(elevated, strict)).toEqual([]);
  });

  it.each([
    ['a longer window', { ...strict, timebox: { default: '30m', max: '1h1m' } }, /timebox\.max is 1h1m/],
    ['two approvers', { ...strict, approvals: { min_approvers: 2, approvers: ['group:a'] } }, /2 approvers are wanted/],
    [
      'a fallback',
      { ...strict, approvals: { ...strict.approvals, fallback: { after: '5m', min_approvers: 2, max: '30m' } } },
      /fallback lets fewer/,
    ],
  ])('is refused with %s', (_name, over, expected) => {
    expect(faults(elevated, over).join('\n')).toMatch(expected);
  });

  it('is refused where one profile asks nobody', () => {
    const { profiles } = policyInput() as { profiles: Record<string, Over> };
    const approvals = { min_approvers: 0, approvers: ['group:a'], immediate: ['group:b'] };
    const lax = { ...profiles['role-admin'], tier0: false, approvals };
    expect(faults(elevated, { ...strict, profiles: { ...profiles, lax } }).join()).toMatch(
      /profiles\.lax.*asks nobody/,
    );
  });

  it('may ask more in one profile than elsewhere', () => {
    expect(faults({}, { timebox: { default: '30m', max: '4h' } })).toEqual([]);
  });
});

describe('a moment', () => {
  it.each([
    ['2026-11-21T00:00:00Z', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T00:00:00.5Z', '2026-11-21T00:00:00.500Z'],
    ['2028-02-29T23:59:59Z', '2028-02-29T23:59:59.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(momentSchema.parse(text)).toBe(expected);
  });

  it.each([
    '2026-11-21',
    '2026-11-21T00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-13-01T00:00:00Z',
    '2027-02-29T00:00:00Z',
    '',
  ])('refuses "%s"', (text) => {
    expect(momentSchema.safeParse(text).success).toBe(false);
  });
});

describe('a call under a contract', () => {
  const call: ToolCall = {
    tool: 'breakglass.microsoft_graph.write_role_assignment',
    tenant_id: TENANT,
    principal_id: '00000000-0000-4000-8000-000000000001',
    object_id: ROLE,
    list: 'allowed_roles',
  };
  const bob = '00000000-0000-4000-8000-000000000002';
  const stranger = '00000000-0000-4000-8000-0000000000ff';
  const codeOf = (over: Partial<ToolCall>, constraints: Over = {}, more: Over = {}): string | undefined => {
    const target_constraints = { ...targets, ...constraints };
    const { contract } = contractPolicy({ execution: { ...execution, ...more, target_constraints } });
    return contractRefusal(contract, { ...call, ...over }, ROSTER)?.code;
  };

  it('is allowed where all of it is named', () => {
    expect(codeOf({})).toBeUndefined();
    expect(codeOf({ principal_id: stranger }, { allowed_principals: [stranger.toUpperCase()] })).toBeUndefined();
  });

  it.each([
    ['a denied tool', { tool: 'shell.exec' }, 'tool_denied'],
    ['another tool', { tool: 'breakglass.microsoft_graph.write_policy' }, 'tool_not_allowed'],
    ['another tenant', { tenant_id: stranger }, 'tenant_outside_contract'],
    ['somebody else of the roster', { principal_id: bob }, 'principal_outside_contract'],
    ['a stranger', { principal_id: stranger }, 'principal_outside_contract'],
    ['another role', { object_id: stranger }, 'role_outside_contract'],
  ])('is refused for %s', (_name, over, code) => {
    expect(codeOf(over)).toBe(code);
  });

  it.each([
    ['tenant_ids', 'tenant_outside_contract'],
    ['allowed_principals', 'principal_outside_contract'],
    ['allowed_roles', 'role_outside_contract'],
  ])('is refused for everybody where %s is empty', (list, code) => {
    expect(codeOf({}, { [list]: [] })).toBe(code);
  });

  it('"*" is everybody on the roster, and nobody else', () => {
    expect(codeOf({ principal_id: bob }, { allowed_principals: ['*'] })).toBeUndefined();
    expect(codeOf({ principal_id: stranger }, { allowed_principals: ['*'] })).toBe('principal_outside_contract');
  });

  it('an alias that looks like an object id does not stand for it', () => {
    const roster = {
      ...ROSTER,
      people: ROSTER.people.map((person) => ({ ...person, aliases: [...person.aliases, stranger] })).slice(0, 1),
    };
    const { contract } = contractPolicy();
    expect(contractRefusal(contract, { ...call, principal_id: stranger }, roster)?.code).toBe(
      'principal_outside_contract',
    );
  });
});
