import { randomBytes } from 'node:crypto';
import { open, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { seriesSchema } from '../../../domain/contract.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import { SIGNED_KINDS, type SignedKind } from '../../../domain/signed-documents.js';
import { contractRootsSchema, rootKeyRefusal, type ContractRootKey } from '../../../proofs/contract-roots.js';
import { exportRolePrivateKey, generateRoleKey } from '../../../proofs/role-key.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readTextIfThere } from '../../config/read-text.js';
import { readContractRoots, readPublicKey } from '../../contract/roots-file.js';
import { momentFlag, rootsPath } from '../contract-place.js';
import { oneLine } from '../printable.js';
import { block, columns, structured } from '../render.js';
import type { Session } from '../session.js';

export type KeygenOptions = Record<string, never>;

/** `reseal contract keygen FILE`: a new Ed25519 key, mode 0600, never over an old one; FILE.pub is for the roots. */
export async function makeSignerKey(session: Session, file: string, _options: KeygenOptions): Promise<number> {
  const path = resolve(session.io.cwd, file);
  const key = generateRoleKey();
  await writeNew(path, exportRolePrivateKey(key), 0o600);
  await writeNew(`${path}.pub`, key.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
  const made = { keyid: key.keyid, private_key: file, public_key: `${file}.pub` };
  const rows = [
    ['keyid', made.keyid],
    ['private key', `${file} (mode 0600, unencrypted: keep it off the machines that run Reseal)`],
    ['public key', made.public_key],
  ] as const;
  session.data((await structured(session.output, made)) ?? block(rows));
  session.next(`reseal contract roots roots.json --add NAME=${file}.pub`);
  return EXIT.done;
}

export interface RootsOptions {
  add?: string[];
  signs?: string;
  validFrom?: string;
  validUntil?: string;
  revoke?: string[];
  threshold?: string;
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

/** `reseal contract roots [FILE]`: shows who may sign, or changes that; keys are never taken out, so that old bundles verify. */
export async function contractRootsFile(
  session: Session,
  file: string | undefined,
  options: RootsOptions,
): Promise<number> {
  const path = await rootsPath(session, file);
  const { add = [], revoke = [], threshold } = options;
  const changes = add.length + revoke.length + (threshold === undefined ? 0 : 1);
  const nowMs = session.now();
  if (changes > 0) await changeRoots(session, path, options);
  const { file: roots } = await readContractRoots(path);
  session.data((await structured(session.output, roots)) ?? rootsText(roots, nowMs));
  if (changes > 0) session.say(`wrote ${file ?? path}: every process that judges contracts needs this file`);
  return EXIT.done;
}

async function changeRoots(session: Session, path: string, options: RootsOptions): Promise<void> {
  const nowMs = session.now();
  const { add = [], revoke = [], threshold } = options;
  const there = (await readTextIfThere(path)) !== undefined;
  const before = there ? (await readContractRoots(path)).file : undefined;
  if (!there && add.length === 0) throw new ResealError('config_invalid', `there is no file ${path}`);
  const keys = [...(before?.keys ?? [])];
  for (const keyid of revoke) {
    const index = keys.findIndex((key) => key.keyid === keyid);
    const key = keys[index];
    if (key === undefined) throw new ResealError('not_found', `${path} has no key ${keyid}`);
    keys[index] = { ...key, revoked_at: key.revoked_at ?? instant(nowMs) };
  }
  for (const text of add) keys.push(await rootKeyOf(session, text, options));
  const parsed = contractRootsSchema.safeParse({
    schema: 'reseal.contract-roots.v1',
    threshold: threshold === undefined ? (before?.threshold ?? 2) : Number(threshold),
    keys,
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ResealError('usage', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, {
      hint: 'name every signer in one go: --add ann=ann.pem.pub --add ben=ben.pem.pub',
    });
  }
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeNew(draft, `${JSON.stringify(parsed.data, null, 2)}\n`, 0o644);
  await rename(draft, path);
}

async function rootKeyOf(session: Session, text: string, options: RootsOptions): Promise<ContractRootKey> {
  const at = text.indexOf('=');
  const [name, file] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  if (!seriesSchema.safeParse(name).success || file === '')
    throw new ResealError('usage', `--add "${text}": expected NAME=FILE, and in the name a-z 0-9 . _ -`);
  const from = options.validFrom === undefined ? instant(session.now()) : momentFlag('--valid-from', options.validFrom);
  const until =
    options.validUntil === undefined
      ? instant(epochMs(from) + YEAR_MS)
      : momentFlag('--valid-until', options.validUntil);
  return {
    ...(await readPublicKey(resolve(session.io.cwd, file))),
    name,
    valid_from: from,
    valid_until: until,
    signs: kindsOfFlag(options.signs),
  };
}

function kindsOfFlag(text: string | undefined): SignedKind[] {
  if (text === undefined) return [...SIGNED_KINDS];
  const wanted = text.split(',').map((one) => one.trim());
  const wrong = wanted.find((one) => !(SIGNED_KINDS as readonly string[]).includes(one));
  if (wrong !== undefined)
    throw new ResealError('usage', `--signs "${wrong}": expected of ${SIGNED_KINDS.join(', ')}, separated by commas`);
  return SIGNED_KINDS.filter((kind) => wanted.includes(kind));
}

function rootsText({ threshold, keys }: { threshold: number; keys: ContractRootKey[] }, nowMs: number): string {
  const rows = keys.map((key) => [
    oneLine(key.name),
    SIGNED_KINDS.every((kind) => key.signs.includes(kind)) ? 'everything' : key.signs.join(', '),
    key.valid_until.slice(0, 10),
    rootKeyRefusal(key, key.signs[0] ?? 'contract', nowMs) ?? 'counts',
    key.keyid,
  ]);
  const table = columns(['SIGNER', 'SIGNS', 'UNTIL', 'STANDS', 'KEYID'], rows, { widest: 64 });
  return `${threshold} signers are wanted\n\n${table}`;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new ResealError('usage', `${path} exists`, { hint: 'a key is never overwritten: choose another name' });
    throw new ResealError('usage', `${path} cannot be written: ${error.code ?? 'unknown error'}`, { cause: error });
  });
  await writeFile(file, text).finally(() => file.close());
}
