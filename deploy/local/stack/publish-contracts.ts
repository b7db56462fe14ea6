import { readFile, writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { epochMs, instant } from '../../../domain/identifiers.js';
import type { PolicyInForce } from '../../../domain/policy-in-force.js';
import type { Roster } from '../../../domain/roster.js';
import type { SignedKind } from '../../../domain/signed-documents.js';
import type { ContractRegistry } from '../../../proofs/contract-registry.js';
import { signDocument } from '../../../proofs/contract-signing.js';
import type { SignedPayloads } from '../../../proofs/contract.js';
import { openShown, type Known } from '../../../proofs/contracts-known.js';
import { readPolicyFile, readRosterFile } from '../../../workers/policy-files.js';
import { withContract, withContractMembers } from './contract-text.js';
import type { Layout } from './layout.js';
import { LOCAL_SERIES, localContract } from './local-contract.js';
import type { LocalSigners } from './local-signers.js';

/** How long a list of revocations of a local stack is fresh, and how often one is made while the stack runs. */
const FRESH_MS = 3600_000;
const RENEW_MS = 20 * 60_000;
const YEAR_MS = 365 * 24 * 3600_000;
/** A contract that ends sooner is published anew at a start. */
const SOON_MS = 30 * 24 * 3600_000;

/** What a local stack has published: the contract that its policy file is, and the roster. */
export interface Published {
  policy: PolicyInForce;
  roster: Roster;
  /** Of the contract, as the policy file names it. */
  series: string;
}

/**
 * Signs and publishes what a local stack's files say: the policy as a contract, the roster, and a list of revocations that
 * repeats the one before. A policy file without a contract section gets one; a file that was edited gets the next version.
 * Throws SettingsError for a file that cannot work.
 */
export async function publishContracts(
  layout: Layout,
  registry: ContractRegistry,
  signers: LocalSigners,
  nowMs: number,
): Promise<Published> {
  const known = await readKnown(registry, signers, nowMs);
  const publish = <Kind extends SignedKind>(kind: Kind, value: SignedPayloads[Kind]): Promise<unknown> =>
    registry.put(kind, signDocument(kind, value, signers.keys));
  const policy = await versioned(layout.policy, known, nowMs);
  const { contract } = policy.policy;
  if (!known.contracts.some(({ digest }) => digest === policy.digest)) await publish('contract', policy.policy);
  const roster = await readRosterFile(layout.roster);
  const newest = highestOf(known.rosters, LOCAL_SERIES);
  if (
    newest === undefined ||
    !isDeepStrictEqual(newest.roster, roster) ||
    epochMs(newest.valid_until) < nowMs + SOON_MS
  )
    await publish('roster', {
      schema: 'reseal.roster.v1',
      series: LOCAL_SERIES,
      version: (newest?.version ?? 0) + 1,
      ...yearFrom(nowMs),
      roster,
    });
  await publish('revocations', nextList(known, nowMs));
  return { policy, roster, series: contract?.series ?? LOCAL_SERIES };
}

/** Publishes a fresh list of revocations again and again, until it is stopped. `failed` is told of what could not be. */
export function keepFresh(
  registry: ContractRegistry,
  signers: LocalSigners,
  failed: (error: unknown) => void,
): () => Promise<void> {
  const renew = async (): Promise<void> => {
    const nowMs = Date.now();
    const list = nextList(await readKnown(registry, signers, nowMs), nowMs);
    await registry.put('revocations', signDocument('revocations', list, signers.keys));
  };
  const timer = setInterval(() => void renew().catch(failed), RENEW_MS);
  return () => Promise.resolve(clearInterval(timer));
}

async function readKnown(registry: ContractRegistry, { roots }: LocalSigners, nowMs: number): Promise<Known> {
  const all = async (kind: SignedKind): Promise<unknown[]> =>
    Promise.all((await registry.list(kind)).map((name) => registry.fetch(kind, name)));
  const [contracts, rosters, revocations] = [await all('contract'), await all('roster'), await all('revocations')];
  return openShown({ contracts, rosters, revocations }, roots, nowMs);
}

/** The policy file as the contract that it is: the newest version there is, or the one after. */
async function versioned(file: string, known: Known, nowMs: number): Promise<PolicyInForce> {
  const read = await readPolicyFile(file);
  const { contract } = read.policy;
  const text = await readFile(file, 'utf8');
  const write = async (changed: string): Promise<PolicyInForce> => {
    await writeFile(file, changed);
    return readPolicyFile(file);
  };
  if (contract === undefined) {
    const version = (highestOf(known.contracts, LOCAL_SERIES)?.version ?? 0) + 1;
    return write(withContract(text, localContract(read.policy, { version, nowMs })));
  }
  const newest = highestOf(known.contracts, contract.series);
  const next = { version: Math.max(contract.version, (newest?.version ?? 0) + 1) };
  if (epochMs(contract.valid_until) < nowMs + SOON_MS)
    return write(withContractMembers(text, { ...next, ...yearFrom(nowMs) }));
  if (newest === undefined || newest.digest === read.digest || contract.version > newest.version) return read;
  return write(withContractMembers(text, next));
}

function nextList({ revocations }: Known, nowMs: number): SignedPayloads['revocations'] {
  const { number = 0, contracts = [], rosters = [], keys = [] } = revocations ?? {};
  return {
    schema: 'reseal.revocations.v1',
    number: number + 1,
    issued_at: instant(nowMs),
    fresh_until: instant(nowMs + FRESH_MS),
    contracts,
    rosters,
    keys,
  };
}

function yearFrom(nowMs: number): { valid_from: string; valid_until: string } {
  const from = Math.floor(nowMs / 3600_000) * 3600_000;
  return { valid_from: instant(from), valid_until: instant(from + YEAR_MS) };
}

const highestOf = <Version extends { series: string; version: number }>(
  versions: readonly Version[],
  series: string,
): Version | undefined => versions.filter((one) => one.series === series).sort((a, b) => b.version - a.version)[0];
