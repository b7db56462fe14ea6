import type { KeyObject } from 'node:crypto';
import { importRolePublicKey } from '../proofs/role-key.js';
import { trustFileSchema, type TrustFile } from '../proofs/trust.js';
import { readJsonFile } from './json-file.js';

/** Reads a trust-roots file. Throws SettingsError `file_missing` or `file_invalid`, naming the file and what is wrong. */
export const readTrustFile = (file: string): Promise<TrustFile> => readJsonFile(file, trustFileSchema, 'file_invalid');

/** Old keys included: a rollback must still recognise what an earlier authority key granted. */
export function authorityKeysOf(trust: TrustFile): KeyObject[] {
  return trust.roles.flatMap(({ role, public_key }) => {
    const key = role === 'authority' ? importRolePublicKey(public_key) : undefined;
    return key?.ok ? [key.publicKey] : [];
  });
}
