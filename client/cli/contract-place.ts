import { resolve } from 'node:path';
import { SIGNED_KINDS, type SignedKind } from '../../domain/signed-documents.js';
import { parseDuration } from '../../domain/duration.js';
import type { ContractRegistry } from '../../proofs/contract-registry.js';
import type { ContractRoots } from '../../proofs/contract-roots.js';
import { ResealError } from '../api/reseal-error.js';
import { placeOf } from '../config/settings.js';
import type { SigningMeans } from '../contract/contract-signers.js';
import { registryAt } from '../contract/registry-at.js';
import { readContractRoots } from '../contract/roots-file.js';
import type { Session } from './session.js';

/** Options of every `reseal contract` command. */
export interface ContractOptions {
  registry?: string;
  roots?: string;
  roster?: boolean;
  revocations?: boolean;
}

/** Options of those that sign. */
export interface SigningOptions extends ContractOptions {
  signer?: string[];
  signerTimeout?: string;
  yes?: boolean;
}

/** Where contracts are, and whose signatures count. */
export interface ContractPlace {
  place: string;
  registry: ContractRegistry;
  roots: ContractRoots;
}

/**
 * From the options, or where the configuration says.
 *
 * @throws {ResealError} `usage` when nobody said, `config_invalid`.
 */
export async function contractPlace(session: Session, options: ContractOptions): Promise<ContractPlace> {
  const settings = await session.settings();
  const place = placeOf(session.io.cwd, options.registry) ?? settings.registry;
  if (place === undefined)
    throw new ResealError('usage', 'where are the contracts?', {
      hint: 'pass --registry DIR or URL, or set RESEAL_REGISTRY',
    });
  return { place, registry: registryAt(place), roots: await contractRoots(session, options) };
}

/** @throws {ResealError} `usage` when nobody said where they are, `config_invalid`. */
export async function contractRoots(session: Session, options: ContractOptions): Promise<ContractRoots> {
  return (await readContractRoots(await rootsPath(session, options.roots))).roots;
}

export async function rootsPath(session: Session, flag: string | undefined): Promise<string> {
  const path = flag === undefined ? (await session.settings()).contractRootsPath : resolve(session.io.cwd, flag);
  if (path !== undefined) return path;
  throw new ResealError('usage', 'whose signatures count?', {
    hint: 'pass --roots FILE or set RESEAL_CONTRACT_ROOTS; reseal contract roots makes one',
  });
}

/** The kinds that are meant: `--roster`, `--revocations`, or any. */
export function kindsOf({ roster, revocations }: ContractOptions): readonly SignedKind[] {
  if (roster === true && revocations === true)
    throw new ResealError('usage', '--roster and --revocations: say one of both');
  return roster === true ? ['roster'] : revocations === true ? ['revocations'] : SIGNED_KINDS;
}

const DEFAULT_SIGNER_SECONDS = 60;

/** What signs: `--key` as often as given, and `--signer`. RESEAL_KEY is a person's key for statements, and not meant here. */
export function signingMeans(session: Session, options: SigningOptions): SigningMeans {
  const { signer: commands = [], signerTimeout } = options;
  const keys = (session.options.keys ?? []).map((path) => resolve(session.io.cwd, path));
  if (keys.length + commands.length === 0)
    throw new ResealError('usage', 'who signs?', {
      hint: 'pass --key KEYFILE once a signer, or --signer COMMAND for a key that lives elsewhere',
    });
  const seconds = signerTimeout === undefined ? DEFAULT_SIGNER_SECONDS : parseDuration(signerTimeout);
  if (seconds === undefined)
    throw new ResealError('usage', `--signer-timeout "${signerTimeout ?? ''}": expected 30s or 2m`);
  return { keys, commands, cwd: session.io.cwd, env: session.io.env, timeoutMs: seconds * 1000 };
}

/** @throws {ResealError} `usage`, naming the flag. */
export function momentFlag(flag: string, text: string): string {
  const ms = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new ResealError('usage', `${flag} is a time with its zone, such as 2026-11-21T00:00:00Z, not "${text}"`);
}
