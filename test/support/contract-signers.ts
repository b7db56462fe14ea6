import type { Contract } from '../../domain/contract.js';
import { policySchema } from '../../domain/policy.js';
import type { Roster } from '../../domain/roster.js';
import {
  revocationsSchema,
  signedRosterSchema,
  SIGNED_KINDS,
  type Revocations,
} from '../../domain/signed-documents.js';
import type { ContractPolicy } from '../../proofs/contract.js';
import {
  contractRootsOf,
  contractRootsSchema,
  type ContractRoots,
  type ContractRootKey,
} from '../../proofs/contract-roots.js';
import { exportRolePublicKey, generateRoleKey, type RoleKey } from '../../proofs/role-key.js';

/** Signers, and contracts, rosters and lists for them to sign, that the tests of contracts share. */

export const NOW = Date.parse('2026-11-21T12:00:00.000Z');
export const TENANT = '7d2f6c1e-93ab-4c58-8e0d-1b5a4f7c9e21';
export const ROLE = 'e8611ab8-c189-46e8-94e1-60213ab1f814';

/** One signer and their key. */
export interface TestSigner {
  name: string;
  key: RoleKey;
}

export const signer = (name: string): TestSigner => ({ name, key: generateRoleKey() });

/** The entry of a roots file for a signer, who may sign everything in 2026 and 2027 unless `over` says otherwise. */
export const rootEntry = ({ name, key }: TestSigner, over: Partial<ContractRootKey> = {}): ContractRootKey => ({
  keyid: key.keyid,
  public_key: exportRolePublicKey(key.publicKey),
  name,
  valid_from: '2026-01-01T00:00:00.000Z',
  valid_until: '2028-01-01T00:00:00.000Z',
  signs: [...SIGNED_KINDS],
  ...over,
});

export const rootsOf = (keys: ContractRootKey[], threshold = 2): ContractRoots =>
  contractRootsOf(contractRootsSchema.parse({ schema: 'reseal.contract-roots.v1', threshold, keys }));

/** The contract section as a file may have it; everything is allowed on {@link TENANT}, {@link ROLE} and alice. */
export const contractInput = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  series: 'local',
  version: 1,
  valid_from: '2026-11-01T00:00:00Z',
  valid_until: '2027-11-01T00:00:00Z',
  token_ttl: '2m',
  no_renew_without_reapproval: true,
  execution: {
    runtime: 'reseal',
    tools_allowlist: [
      'breakglass.microsoft_graph.write_role_assignment',
      'breakglass.microsoft_graph.read_role_assignment',
      'breakglass.rollback.remove_role_assignment',
    ],
    tools_denylist: ['shell.exec', 'tools.elevated'],
    target_constraints: { tenant_ids: [TENANT], allowed_principals: ['alice@contoso.com'], allowed_roles: [ROLE] },
  },
  kill_switch: {
    triggers: ['approval_revoked', 'timebox_expired', 'unexpected_target_detected'],
    on_trigger: ['revoke_warrant', 'halt_job', 'reseal'],
  },
  audit: { require_gateway_receipts: false, emit_proof_bundle: true },
  ...over,
});

/** A policy file's content with that contract. */
export const policyInput = (
  contract: Record<string, unknown> = contractInput(),
  over: Record<string, unknown> = {},
): Record<string, unknown> => ({
  version: 1,
  name: 'contracted',
  tenant_id: TENANT,
  approvals: { min_approvers: 2, approvers: ['group:security'] },
  profiles: {
    'role-admin': {
      action: 'entra.directory_role',
      role: { template_id: ROLE, name: 'Privileged Role Administrator' },
      tier0: true,
    },
  },
  contract,
  ...over,
});

export const contractPolicy = (over: Partial<Record<keyof Contract, unknown>> = {}): ContractPolicy =>
  policySchema.parse(policyInput(contractInput(over))) as ContractPolicy;

export const ROSTER: Roster = {
  version: 1,
  people: [
    {
      id: 'alice',
      kind: 'human',
      object_ids: ['00000000-0000-4000-8000-000000000001'],
      aliases: ['alice@contoso.com'],
      keys: [],
      groups: ['security'],
    },
    {
      id: 'bob',
      kind: 'human',
      object_ids: ['00000000-0000-4000-8000-000000000002'],
      aliases: ['bob@contoso.com'],
      keys: [],
      groups: ['security'],
    },
  ],
};

export const signedRoster = (over: Record<string, unknown> = {}) =>
  signedRosterSchema.parse({
    schema: 'reseal.roster.v1',
    series: 'local',
    version: 1,
    valid_from: '2026-11-01T00:00:00Z',
    valid_until: '2027-11-01T00:00:00Z',
    roster: ROSTER,
    ...over,
  });

export const revocationList = (over: Partial<Revocations> = {}): Revocations =>
  revocationsSchema.parse({
    schema: 'reseal.revocations.v1',
    number: 1,
    issued_at: '2026-11-20T00:00:00Z',
    fresh_until: '2026-12-20T00:00:00Z',
    contracts: [],
    rosters: [],
    keys: [],
    ...over,
  });
