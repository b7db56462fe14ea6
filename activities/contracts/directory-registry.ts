import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { SignedKind } from '../../domain/signed-documents.js';
import { documentName, isDocumentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import { mergeSignatures } from '../../proofs/contract-signing.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import { MAX_SIGNED_BYTES } from '../../proofs/contract.js';

const FOLDERS: Readonly<Record<SignedKind, string>> = {
  contract: 'contracts',
  roster: 'rosters',
  revocations: 'revocations',
};

/**
 * A registry in a directory: one JSON file a document, `contracts/<digest>.json`, `rosters/<digest>.json` and
 * `revocations/<number>.json`. A directory that is not there is a registry that cannot be reached; files of other names are
 * not looked at.
 */
export function directoryRegistry(directory: string): ContractRegistry {
  const folder = (kind: SignedKind): string => path.join(directory, FOLDERS[kind]);
  const fileOf = (kind: SignedKind, name: string): string => path.join(folder(kind), `${name}.json`);
  const fetch = async (kind: SignedKind, name: string): Promise<unknown> => {
    if (!isDocumentName(kind, name)) return undefined;
    const bytes = await readFile(fileOf(kind, name)).catch(unlessMissing);
    if (bytes === undefined) return undefined;
    const json = parseStrictJson(bytes, { maxBytes: 2 * MAX_SIGNED_BYTES });
    return json.ok ? json.value : bytes.toString('utf8');
  };
  return {
    list: async (kind) => {
      await access(directory);
      const names = (await readdir(folder(kind)).catch(unlessMissing)) ?? [];
      return names.flatMap((file) => {
        const name = file.replace(/[.]json$/, '');
        return file.endsWith('.json') && isDocumentName(kind, name) ? [name] : [];
      });
    },
    fetch,
    put: async (kind, envelope) => {
      const name = documentName(kind, envelope);
      if (name === undefined) throw new TypeError(`this is no envelope of a ${kind}`);
      await mkdir(folder(kind), { recursive: true });
      const merged = mergeSignatures(await fetch(kind, name), envelope) ?? envelope;
      // Never half a file: whoever reads meanwhile sees the old or the new one.
      const draft = path.join(folder(kind), `.${name}.${randomBytes(6).toString('hex')}`);
      await writeFile(draft, `${JSON.stringify(merged)}\n`);
      await rename(draft, fileOf(kind, name));
      return name;
    },
  };
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
