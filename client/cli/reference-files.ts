import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostReference } from '../../domain/incidents/host-reference.js';
import { instant } from '../../domain/identifiers.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import { canonicalJson, sha256Hex } from '../../proofs/canonical-json.js';
import { readSignedReference, type ReadReference } from '../../proofs/incidents/host-reference.js';
import { ResealError } from '../api/reseal-error.js';
import { readBytes } from '../config/read-bytes.js';
import type { Actor } from './identity.js';

const MAX_BYTES = 1024 * 1024;
/** An acceptance counts from when the verifier first sees it, if that is within a day. */
const LIFE_MS = 24 * 3600 * 1000;

export const referenceFile = (folder: string, { host, version }: Pick<HostReference, 'host' | 'version'>): string =>
  join(folder, `${host}.${version}.json`);

/** @throws {ResealError} `usage`, `config_invalid`. */
export async function readReferenceFile(file: string): Promise<Extract<ReadReference, { ok: true }>> {
  const read = readSignedReference(await readBytes(file, MAX_BYTES));
  if (read.ok) return read;
  throw new ResealError('config_invalid', `${file} is no reference of a host: ${read.message}`);
}

/** The versions of a host's reference that lie in a folder, the highest first. Throws ResealError `usage`. */
export async function referenceVersions(folder: string, host: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new ResealError('usage', `${folder} cannot be read: ${error.code ?? 'unknown error'}`, { cause: error });
  });
  const versions = names.flatMap((name) => {
    const [, of, version] = /^(.+)\.(\d{1,9})\.json$/.exec(name) ?? [];
    return of === host && version !== undefined ? [Number(version)] : [];
  });
  return versions.sort((a, b) => b - a);
}

/** The highest version of a host that lies in a folder; undefined where none does. */
export async function latestReference(folder: string, host: string): Promise<HostReference | undefined> {
  const [version] = await referenceVersions(folder, host);
  if (version === undefined) return undefined;
  return (await readReferenceFile(referenceFile(folder, { host, version }))).value.reference;
}

/** Never half a file: whoever reads meanwhile sees the old or the new one. Throws ResealError `usage`. */
export async function writeReferenceFile(
  file: string,
  reference: string,
  acceptances: readonly SignedStatement[],
): Promise<void> {
  const text = `${JSON.stringify({ schema: 'reseal.signed_host_reference.v1', reference, acceptances }, null, 2)}\n`;
  try {
    await mkdir(join(file, '..'), { recursive: true });
    const draft = `${file}.${randomBytes(6).toString('hex')}`;
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ResealError('usage', `${file} cannot be written: ${code ?? 'unknown error'}`, { cause });
  }
}

/** The actor's own statement that this reference (RFC 8785 text) of this host is good. */
export async function signAcceptance(
  { person, signer }: Actor,
  host: string,
  reference: string,
  nowMs: number,
): Promise<SignedStatement> {
  const payload = canonicalJson({
    domain: STATEMENT_DOMAIN,
    act: 'enroll_host',
    host,
    reference_digest: sha256Hex(reference),
    person: person.id,
    issued_at: instant(nowMs),
    not_after: instant(nowMs + LIFE_MS),
  });
  return { payload, signature: await signer.sign(Buffer.from(payload, 'utf8'), STATEMENT_DOMAIN) };
}
