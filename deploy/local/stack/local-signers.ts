import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { instant } from '../../../domain/identifiers.js';
import { SIGNED_KINDS } from '../../../domain/signed-documents.js';
import { parseContractRoots, type ContractRoots, type ContractRootsFile } from '../../../proofs/contract-roots.js';
import {
  exportRolePrivateKey,
  exportRolePublicKey,
  generateRoleKey,
  importRolePrivateKey,
  type RoleKey,
} from '../../../proofs/role-key.js';
import { SettingsError } from '../../../workers/settings-error.js';
import type { Layout } from './layout.js';

/** Two names, because it takes two signers: one person plays both here, as one process plays all roles. */
const NAMES = ['first', 'second'] as const;
const YEAR_MS = 365 * 24 * 3600_000;

/** The signers of a local stack's contracts and rosters, and the roots file that names them. Made on the first start. */
export interface LocalSigners {
  keys: readonly RoleKey[];
  roots: ContractRoots;
  file: ContractRootsFile;
}

/** Throws SettingsError naming the file that cannot be what it should. */
export async function localSigners({ contractSigners, contractRoots }: Layout, nowMs: number): Promise<LocalSigners> {
  await mkdir(contractSigners, { recursive: true, mode: 0o700 });
  const keys = await Promise.all(NAMES.map((name) => signerKey(path.join(contractSigners, `${name}.pem`))));
  const good = { valid_from: instant(nowMs - 3600_000), valid_until: instant(nowMs + 10 * YEAR_MS) };
  const file = {
    schema: 'reseal.contract-roots.v1',
    threshold: NAMES.length,
    keys: keys.map(({ keyid, publicKey }, index) => ({
      keyid,
      public_key: exportRolePublicKey(publicKey),
      name: NAMES[index],
      ...good,
      signs: SIGNED_KINDS,
    })),
  };
  await writeFile(contractRoots, `${JSON.stringify(file, null, 2)}\n`, { flag: 'wx' }).catch(ifItExists);
  const parsed = parseContractRoots(await readFile(contractRoots));
  if (parsed.ok) return { keys, roots: parsed.roots, file: parsed.file };
  throw new SettingsError('file_invalid', `${contractRoots}: ${parsed.message}`);
}

async function signerKey(file: string): Promise<RoleKey> {
  await writeFile(file, exportRolePrivateKey(generateRoleKey()), { flag: 'wx', mode: 0o600 }).catch(ifItExists);
  const read = importRolePrivateKey(await readFile(file, 'utf8'));
  if (read.ok) return read.key;
  throw new SettingsError('file_invalid', `${file}: ${read.reason}: expected an Ed25519 key in PKCS#8 PEM`);
}

function ifItExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
