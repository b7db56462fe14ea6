import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { policySchema, type Policy } from '../../domain/policy.js';
import { rosterSchema, type Roster } from '../../domain/roster.js';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Four people with real OpenSSH keys: alice asks, bob (security) and carol (platform) approve, mallory is on no roster. */
export interface People {
  folder: string;
  roster: Roster;
  keyOf: (name: string) => string;
  dispose: () => void;
}

const OBJECT_IDS: Readonly<Record<string, string>> = {
  alice: 'a11ce000-0000-4000-8000-000000000001',
  bob: 'b0b00000-0000-4000-8000-000000000002',
  carol: 'ca401000-0000-4000-8000-000000000003',
};

export function makePeople(): People {
  const folder = mkdtempSync(join(tmpdir(), 'reseal-people-'));
  const keyOf = (name: string): string => join(folder, name);
  for (const name of ['alice', 'bob', 'carol', 'mallory']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', keyOf(name)]);
  }
  const groups: Readonly<Record<string, string[]>> = { alice: [], bob: ['security'], carol: ['platform'] };
  const people = Object.entries(groups).map(([id, own]) => ({
    id,
    kind: 'human',
    object_ids: [OBJECT_IDS[id]],
    aliases: [`${id}@example.test`],
    keys: [readFileSync(`${keyOf(id)}.pub`, 'utf8').trim()],
    groups: own,
  }));
  const roster = rosterSchema.parse({ version: 1, people });
  return { folder, roster, keyOf, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

export const testPolicy: Policy = policySchema.parse({
  version: 1,
  name: 'test',
  tenant_id: '7d2f6c1e-93ab-4c58-8e0d-1b5a4f7c9e21',
  responders: ['group:security'],
  approvals: {
    min_approvers: 2,
    require: [
      { group: 'security', count: 1 },
      { group: 'platform', count: 1 },
    ],
  },
  profiles: {
    'security-admin': {
      action: 'entra.directory_role',
      role: { template_id: '194ae4cb-b126-40b2-bd5b-6091b380977d', name: 'Security Administrator' },
    },
  },
});
