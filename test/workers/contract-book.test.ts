import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directoryRegistry } from '../../activities/contracts/directory-registry.js';
import { instant } from '../../domain/identifiers.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { signDocument } from '../../proofs/contract-signing.js';
import { documentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import type { ContractRoots } from '../../proofs/contract-roots.js';
import type { ContractPolicy } from '../../proofs/contract.js';
import { ContractBook, type BookSources } from '../../workers/contract-book.js';
import {
  contractPolicy,
  revocationList,
  rootEntry,
  rootsOf,
  signedRoster,
  signer,
} from '../support/contract-signers.js';

const DAY = 24 * 3600_000;
const [ann, ben] = [signer('ann'), signer('ben')];
const KEYS = [ann.key, ben.key];
/** The registry is real, so freshness follows the machine's clock; versions begin and end by the book's own. */
const always = { valid_from: '2020-01-01T00:00:00.000Z', valid_until: '2100-01-01T00:00:00.000Z' };

let folder: string;
let nowMs: number;
let roots: () => Promise<ContractRoots>;
let logged: [string, Record<string, unknown>][];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'reseal-book-'));
  nowMs = Date.now();
  roots = () => Promise.resolve(rootsOf([rootEntry(ann, always), rootEntry(ben, always)]));
  logged = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const registry = () => directoryRegistry(folder);
const contract = (version: number, over: Record<string, unknown> = {}): ContractPolicy =>
  contractPolicy({ version, ...always, ...over });
const publish = (policy: ContractPolicy) => registry().put('contract', signDocument('contract', policy, KEYS));
const listed = (over: Parameters<typeof revocationList>[0] = {}) =>
  registry().put(
    'revocations',
    signDocument(
      'revocations',
      revocationList({ issued_at: instant(Date.now()), fresh_until: instant(Date.now() + DAY), ...over }),
      KEYS,
    ),
  );

/** Everything that a grant takes: a contract, a roster, and a fresh list. */
async function complete(): Promise<ContractPolicy> {
  const policy = contract(1);
  await publish(policy);
  await registry().put('roster', signDocument('roster', signedRoster(always), KEYS));
  await listed();
  return policy;
}

const opened = (over: Partial<BookSources> = {}): Promise<ContractBook> =>
  ContractBook.open({
    registry: registry(),
    roots: () => roots(),
    series: 'local',
    rosterSeries: 'local',
    clock: { now: () => nowMs },
    log: (message, fields) => void logged.push([message, fields]),
    ...over,
  });

/** A registry that shows what the folder has, and besides it whatever `made` says. */
const flooded = (made: ReadonlyMap<string, unknown>): ContractRegistry => {
  const honest = registry();
  return {
    list: async (kind) => [...(kind === 'contract' ? made.keys() : []), ...(await honest.list(kind))],
    fetch: async (kind, name) => made.get(name) ?? honest.fetch(kind, name),
    put: (kind, envelope) => honest.put(kind, envelope),
  };
};

const codeFor = (book: ContractBook, policy: ContractPolicy, atMs = nowMs): string => {
  const carrying = book.carrying(digestOf(policy), atMs);
  return carrying.ok ? 'carries' : carrying.code;
};

describe('a registry that makes things up', () => {
  const stranger = signer('stranger');

  it('cannot fill a role’s memory, and what is signed still counts', async () => {
    const policy = await complete();
    const made = new Map<string, unknown>();
    for (let version = 1; version <= 200; version += 1) {
      const envelope = signDocument('contract', contract(version), [stranger.key]);
      made.set(documentName('contract', envelope) ?? '', envelope);
    }
    made.set(
      'f'.repeat(64),
      Array.from({ length: 1000 }, () => []),
    );
    made.delete(digestOf(policy));
    const book = await opened({ registry: flooded(made), most: 64 * 1024 });
    expect(book.carrying(digestOf(policy), nowMs)).toMatchObject({ ok: true });
    expect(book.unsignedHeld('contract')).toBeLessThanOrEqual(64 * 1024);
    expect(logged.map(([message]) => message)).toContain('the registry shows more than is kept of what nobody signed');
  });
});

describe('a book of contracts', () => {
  it('carries what is signed, valid and not revoked, with the signed roster and the envelope', async () => {
    const policy = await complete();
    const carrying = (await opened()).carrying(digestOf(policy), nowMs);
    expect(carrying).toMatchObject({ ok: true, policy, roster: { people: [{ id: 'alice' }, { id: 'bob' }] } });
    expect(carrying.ok && carrying.envelope?.signatures).toHaveLength(2);
  });

  it('hears a revocation, a new version and a new list while it runs', async () => {
    const policy = await complete();
    const book = await opened();
    await listed({ number: 2, contracts: [digestOf(policy)] });
    await book.refresh();
    expect(codeFor(book, policy)).toBe('contract_revoked');
    const next = contract(2);
    await publish(next);
    await book.refresh();
    expect(codeFor(book, next)).toBe('carries');
    expect(logged).toContainEqual(['another contract is in force', expect.objectContaining({ version: 2 })]);
  });

  it('never carries what was published and revoked while it was reading', async () => {
    await complete();
    const mistaken = contract(2);
    let isAsked = false;
    const book = await opened({
      registry: {
        ...registry(),
        list: async (kind) => {
          const names = await registry().list(kind);
          if (kind === 'revocations' && isAsked) {
            isAsked = false;
            await publish(mistaken);
            await listed({ number: 2, contracts: [digestOf(mistaken)] });
          }
          return names;
        },
      },
    });
    isAsked = true;
    await book.refresh();
    expect(codeFor(book, mistaken)).toBe('contract_revoked');
  });

  it('goes on with what it verified when the registry is gone, until the list is stale', async () => {
    const policy = await complete();
    await listed({ number: 2, fresh_until: instant(Date.now() + 1500) });
    const book = await opened();
    await rm(folder, { recursive: true });
    await book.refresh();
    expect(codeFor(book, policy)).toBe('carries');
    await expect.poll(() => codeFor(book, policy), { timeout: 10_000 }).toBe('revocations_stale');
    expect(logged.filter(([message]) => message === 'the registry of contracts cannot be read')).toHaveLength(1);
  });

  it('is not made stale by a ceremony whose own time runs ahead, and ends versions by that time', async () => {
    const policy = await complete();
    const short = contract(2, { valid_until: instant(nowMs + 10 * DAY) });
    await publish(short);
    const book = await opened();
    expect(codeFor(book, short, nowMs + 5 * DAY)).toBe('carries');
    expect(codeFor(book, short, nowMs + 11 * DAY)).toBe('contract_expired');
    expect(codeFor(book, policy, nowMs)).toBe('contract_superseded');
  });

  it('never goes back behind a version that was in force, though the registry shows no more of it', async () => {
    await complete();
    const [old, newer] = [contract(1), contract(2)];
    await publish(newer);
    const book = await opened();
    await rm(path.join(folder, 'contracts', `${digestOf(newer)}.json`));
    await book.refresh();
    expect([codeFor(book, old), codeFor(book, newer)]).toEqual(['contract_superseded', 'carries']);
  });

  it('takes nothing that one signer signed, and says so once', async () => {
    const policy = await complete();
    const lax = contract(7);
    await registry().put('contract', signDocument('contract', lax, [ann.key]));
    const book = await opened();
    await book.refresh();
    expect([codeFor(book, lax), codeFor(book, policy)]).toEqual(['contract_unsigned', 'carries']);
    expect(logged.filter(([, { code }]) => code === 'contract_unsigned')).toHaveLength(1);
  });

  it('takes a document once its second signer has signed, without a restart', async () => {
    await complete();
    const next = contract(2);
    await registry().put('contract', signDocument('contract', next, [ann.key]));
    const book = await opened();
    expect(codeFor(book, next)).toBe('contract_unsigned');
    await registry().put('contract', signDocument('contract', next, [ben.key]));
    await book.refresh();
    expect(codeFor(book, next)).toBe('carries');
  });

  it('opens with no roots and no registry: whoever ends something has somebody to ask, and nothing carries', async () => {
    const policy = contract(1);
    await rm(folder, { recursive: true });
    roots = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }));
    const book = await opened();
    expect(codeFor(book, policy)).toBe('contract_unknown');
    expect(book.roster().people).toEqual([]);
    expect(book.policy().policy.profiles).toEqual({});
    await mkdir(folder);
    roots = () => Promise.resolve(rootsOf([rootEntry(ann, always), rootEntry(ben, always)]));
    await complete();
    await book.refresh();
    expect(codeFor(book, policy)).toBe('carries');
  });

  it('shows policy and roster that were revoked, for whoever still ends something under them', async () => {
    const policy = await complete();
    const rosters = await registry().list('roster');
    await listed({ number: 2, contracts: [digestOf(policy)], rosters });
    const book = await opened();
    expect(book.policy().digest).toBe(digestOf(policy));
    expect(book.roster().people.map(({ id }) => id)).toEqual(['alice', 'bob']);
    expect(codeFor(book, policy)).toBe('contract_revoked');
  });

  it('names the roster where that is what is not in force', async () => {
    const policy = contract(1);
    await publish(policy);
    await listed();
    expect(codeFor(await opened(), policy)).toBe('roster_unknown');
  });
});
