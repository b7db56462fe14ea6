import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { encodeOpenSshEd25519 } from '../../../proofs/openssh-ed25519.js';
import type { LocalPerson } from './local-world.js';

export interface LocalIdentity {
  upn: string;
  object_id: string;
  key_path: string;
}

/**
 * Gives each person an SSH key (made on the first start, kept from then on) and writes the roster that names them.
 * Returns where the keys are. A roster that exists is left as it is.
 */
export async function makeIdentities(
  people: readonly LocalPerson[],
  directory: string,
  rosterFile: string,
): Promise<LocalIdentity[]> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const identities: LocalIdentity[] = [];
  const roster = { version: 1, people: [] as object[] };
  for (const person of people) {
    const key_path = path.join(directory, person.id);
    const line = await publicKeyOf(key_path, person.upn);
    identities.push({ upn: person.upn, object_id: person.object_id, key_path });
    const { id, upn, object_id, groups, kind = 'human' } = person;
    roster.people.push({ id, kind, object_ids: [object_id], aliases: [upn], keys: [line], groups });
  }
  await writeFile(rosterFile, stringify(roster, { lineWidth: 0 }), { flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    },
  );
  return identities;
}

async function publicKeyOf(keyPath: string, comment: string): Promise<string> {
  const known = await readFile(`${keyPath}.pub`, 'utf8').catch(() => undefined);
  if (known !== undefined) return known.trim();
  const { privateKey } = generateKeyPairSync('ed25519');
  const { privatePem, publicLine } = encodeOpenSshEd25519({ privateKey, comment });
  await writeFile(keyPath, privatePem, { mode: 0o600 });
  await writeFile(`${keyPath}.pub`, `${publicLine}\n`, { mode: 0o644 });
  return publicLine;
}
