import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Keyring } from '../../../workers/codec/keyring.js';
import type { PolicyInForce } from '../../../domain/policy-in-force.js';
import type { Roster } from '../../../domain/roster.js';
import { SIGNING_ROLES } from '../../../domain/roles.js';
import type { ContractRegistry } from '../../../proofs/contract-registry.js';
import { trustFileSchema, trustFileText } from '../../../proofs/trust.js';
import { readOrCreateKeyringFile } from '../../../workers/codec/keyring-file.js';
import { openRegistry } from '../../../workers/open-contract-book.js';
import { readOrCreateRoleKey } from '../../../workers/role-keys.js';
import { makeIdentities, type LocalIdentity } from './identities.js';
import type { Layout } from './layout.js';
import { localSigners, type LocalSigners } from './local-signers.js';
import { LOCAL_PEOPLE, localPolicyYaml } from './local-world.js';
import { publishContracts } from './publish-contracts.js';
import type { StackOptions } from './stack.js';

/** What the stack's folder says: who its people are, the policy in force, and the key of its payloads. */
export interface StackFiles {
  identities: LocalIdentity[];
  policy: PolicyInForce;
  roster: Roster;
  /** The series of the contract that the policy is. */
  series: string;
  registry: ContractRegistry;
  signers: LocalSigners;
  keyring: Keyring;
}

/** Makes what is missing of people, policy, keys and trust, publishes policy and roster as signed documents, and reads all of it. Throws SettingsError for a file that cannot work. */
export async function stackFiles(layout: Layout, options: StackOptions): Promise<StackFiles> {
  const identities = await makeIdentities(options.people ?? LOCAL_PEOPLE, layout.identities, layout.roster);
  for (const folder of [layout.importKeys, layout.contracts, layout.rotated])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(layout.policy, options.policyYaml ?? localPolicyYaml(), { flag: 'wx' }).catch(ifItExists);
  const nowMs = Date.now();
  const signers = await localSigners(layout, nowMs);
  const registry = openRegistry(layout.contracts);
  const { policy, roster, series } = await publishContracts(layout, registry, signers, nowMs);
  const keyring = await readOrCreateKeyringFile(layout.keyring);
  const roles = await Promise.all(
    SIGNING_ROLES.map(async (role) => ({
      role,
      publicKey: (await readOrCreateRoleKey(layout.roleKeys, role)).publicKey,
    })),
  );
  // A policy that was edited since has been in force: what was done under it still verifies.
  const policies = [...(await policiesBefore(layout.trust)), policy.digest];
  await writeFile(layout.trust, trustFileText({ roles, roster, policies, contractRoots: signers.file }));
  return { identities, policy, roster, series, keyring, registry, signers };
}

async function policiesBefore(trustPath: string): Promise<readonly string[]> {
  const text = await readFile(trustPath, 'utf8').catch(() => 'null');
  try {
    return trustFileSchema.safeParse(JSON.parse(text)).data?.policies ?? [];
  } catch {
    return [];
  }
}

function ifItExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
