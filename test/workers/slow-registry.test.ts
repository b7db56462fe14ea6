import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { directoryRegistry } from '../../activities/contracts/directory-registry.js';
import { httpRegistry } from '../../activities/contracts/http-registry.js';
import { joinedRegistry } from '../../activities/contracts/joined-registry.js';
import { promptRegistry } from '../../activities/contracts/prompt-registry.js';
import { instant } from '../../domain/identifiers.js';
import { digestOf } from '../../proofs/canonical-json.js';
import type { ContractRegistry } from '../../proofs/contract-registry.js';
import { signDocument } from '../../proofs/contract-signing.js';
import type { ContractPolicy } from '../../proofs/contract.js';
import { ContractBook } from '../../workers/contract-book.js';
import {
  contractPolicy,
  revocationList,
  rootEntry,
  rootsOf,
  signedRoster,
  signer,
} from '../support/contract-signers.js';
import { SlowRegistry, type Pace } from '../support/slow-registry.js';

const DAY = 24 * 3600_000;
const [ann, ben] = [signer('ann'), signer('ben')];
const KEYS = [ann.key, ben.key];
const always = { valid_from: '2020-01-01T00:00:00.000Z', valid_until: '2100-01-01T00:00:00.000Z' };
const policy: ContractPolicy = contractPolicy({ version: 1, ...always });

let folder: string;
let honest: ContractRegistry;
let slow: SlowRegistry;
let logged: [string, Record<string, unknown>][];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-slow-'));
  honest = directoryRegistry(path.join(folder, 'registry'));
  slow = await SlowRegistry.start(honest);
  logged = [];
  await honest.put('contract', signDocument('contract', policy, KEYS));
  await honest.put('roster', signDocument('roster', signedRoster(always), KEYS));
  await listed();
});
afterEach(async () => {
  await slow.stop();
  await rm(folder, { recursive: true, force: true });
});

const listed = (over: Parameters<typeof revocationList>[0] = {}, into = honest) =>
  into.put(
    'revocations',
    signDocument(
      'revocations',
      revocationList({ issued_at: instant(Date.now()), fresh_until: instant(Date.now() + DAY), ...over }),
      KEYS,
    ),
  );
/** A book of what is at the address, once it has read all of it. */
async function read(registry: ContractRegistry = httpRegistry(slow.url), patienceMs = 500): Promise<ContractBook> {
  const book = await ContractBook.open({
    registry,
    roots: () => Promise.resolve(rootsOf([rootEntry(ann, always), rootEntry(ben, always)])),
    series: 'local',
    rosterSeries: 'local',
    clock: { now: Date.now },
    log: (message, fields) => void logged.push([message, fields]),
    patienceMs,
  });
  await expect.poll(() => refreshed(book), PATIENTLY).toBe('carries');
  return book;
}
const PATIENTLY = { timeout: 30_000, interval: 50 };
const codeIn = (book: ContractBook): string => {
  const carrying = book.carrying(digestOf(policy), Date.now());
  return carrying.ok ? 'carries' : carrying.code;
};
async function refreshed(book: ContractBook): Promise<string> {
  await book.refresh();
  return codeIn(book);
}

describe.each(['dribbles', 'hangs'] as Pace[])('a registry that %s', (pace) => {
  it('keeps nobody who ends something waiting, and makes no list count for longer', async () => {
    const book = await read();
    await listed({ number: 2, fresh_until: instant(Date.now() + 1_000) });
    await expect.poll(() => refreshed(book), PATIENTLY).toBe('revocations_stale');
    slow.all(pace);
    await listed({ number: 3 });
    const reading = book.refresh();
    // By whom and by which roster an order is judged is known without it.
    expect(book.roster().people.map(({ id }) => id)).toEqual(['alice', 'bob']);
    expect(book.policy().digest).toBe(digestOf(policy));
    await reading;
    expect(logged).toContainEqual(['the registry of contracts cannot be read', { code: 'registry_slow' }]);
    expect(codeIn(book)).toBe('revocations_stale');
    expect(book.policy().digest).toBe(digestOf(policy));
    slow.all('prompt');
    await expect.poll(() => refreshed(book), PATIENTLY).toBe('carries');
  });

  it('with contracts and rosters has its revocations heard all the same', async () => {
    const book = await read();
    [slow.pace.contract, slow.pace.roster] = [pace, pace];
    await listed({ number: 2, contracts: [digestOf(policy)] });
    await expect.poll(() => refreshed(book), PATIENTLY).toBe('contract_revoked');
  });

  it('beside the register’s own holds up no revocation that is published there', async () => {
    const own = directoryRegistry(path.join(folder, 'own'));
    const beside = promptRegistry(httpRegistry(slow.url), { answerMs: 100, slowMs: 60_000 });
    const book = await read(joinedRegistry(own, beside));
    slow.all(pace);
    await listed({ number: 2, contracts: [digestOf(policy)] }, own);
    await expect.poll(() => refreshed(book), PATIENTLY).toBe('contract_revoked');
  });
});

describe('a registry whose answers come late', () => {
  const lateBy = (release: Promise<void>, asked: string[] = []): ContractRegistry => ({
    list: async (kind) => {
      asked.push(kind);
      await release;
      return honest.list(kind);
    },
    fetch: async (kind, name) => {
      asked.push(name);
      await release;
      return honest.fetch(kind, name);
    },
    put: (kind, envelope) => honest.put(kind, envelope),
  });

  it('is taken for one that is not reached until then, asked once, and its answer is given to who asks next', async () => {
    let release = (): void => undefined;
    const asked: string[] = [];
    const prompt = promptRegistry(lateBy(new Promise((resolve) => (release = resolve)), asked), { answerMs: 20 });
    for (let time = 0; time < 3; time += 1)
      await expect(prompt.list('contract')).rejects.toMatchObject({ code: 'registry_slow' });
    expect(asked).toEqual(['contract']);
    release();
    await expect.poll(() => prompt.list('contract').catch(() => []), PATIENTLY).toEqual([digestOf(policy)]);
    expect(asked).toEqual(['contract']);
  });

  it('is asked so much at once, and no more', async () => {
    const asked: string[] = [];
    const prompt = promptRegistry(lateBy(new Promise(() => undefined), asked), { answerMs: 1 });
    for (let name = 1; name <= 40; name += 1)
      await expect(prompt.fetch('revocations', String(name))).rejects.toMatchObject({ code: 'registry_slow' });
    expect(asked).toHaveLength(8);
  });
});

describe('an answer over the network', () => {
  it.each(['dribbles', 'hangs'] as Pace[])('is given up where it %s', async (pace) => {
    slow.all(pace);
    const registry = httpRegistry(slow.url, fetch, 300);
    await expect(registry.list('revocations')).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(registry.fetch('contract', digestOf(policy))).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('a process that ends', () => {
  it('does not wait for a registry that hangs', async () => {
    let [isHanging, isAsked] = [false, false];
    const hanging: ContractRegistry = {
      ...honest,
      list: (kind) => (isHanging ? new Promise(() => (isAsked = true)) : honest.list(kind)),
    };
    const book = await read(hanging, DAY);
    isHanging = true;
    const stop = book.follow(1);
    await expect.poll(() => isAsked, PATIENTLY).toBe(true);
    await stop();
  });
});
