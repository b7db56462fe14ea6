import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directoryRegistry } from '../../../activities/contracts/directory-registry.js';
import { httpRegistry, isRegistryUrl } from '../../../activities/contracts/http-registry.js';
import { joinedRegistry } from '../../../activities/contracts/joined-registry.js';
import { startGateway, type Gateway } from '../../../client/gateway/start-gateway.js';
import { signDocument, mergeSignatures } from '../../../proofs/contract-signing.js';
import { documentName, type ContractRegistry } from '../../../proofs/contract-registry.js';
import { MachineApi } from '../../client/machine-api.js';
import { testPolicy } from '../../client/people.js';
import { contractPolicy, NOW, revocationList, ROSTER, signedRoster, signer } from '../../support/contract-signers.js';

const [ann, ben] = [signer('ann'), signer('ben')];
const contract = (version: number, by = [ann, ben]) =>
  signDocument(
    'contract',
    contractPolicy({ version }),
    by.map(({ key }) => key),
  );
const nameOf = (version: number): string => documentName('contract', contract(version)) ?? '';
const folders = mkdtempSync(join(tmpdir(), 'reseal-registry-'));
afterAll(() => rmSync(folders, { recursive: true, force: true }));

let folder: string;
let directory: ContractRegistry;
let gateway: Gateway;
const api = new MachineApi({ policy: testPolicy, roster: ROSTER, now: () => NOW });

beforeEach(async () => {
  folder = join(mkdtempSync(join(folders, 'case-')), 'registry');
  directory = directoryRegistry(folder);
  gateway = await startGateway({ api, port: 0, registry: directory });
});
afterEach(() => gateway.close());

describe('several as one', () => {
  const showing = (envelope: unknown): ContractRegistry => ({
    list: () => Promise.resolve([nameOf(1)]),
    fetch: () => Promise.resolve(envelope),
    put: () => Promise.reject(new Error('never')),
  });
  const altered = { ...contract(1), signatures: contract(2).signatures };

  it.each([
    ['something else', contract(2)],
    ['no envelope', { names: [] }],
    ['other signatures by the same keys', altered],
  ])('keep what the first one has, whatever another shows under its name: %s', async (_, shown) => {
    const joined = joinedRegistry(showing(contract(1)), showing(shown));
    expect(await joined.fetch('contract', nameOf(1))).toEqual(contract(1));
  });
});

describe.each([
  ['in a directory', () => directory],
  ['behind a gateway', () => httpRegistry(gateway.url)],
])('a registry %s', (_name, registry) => {
  it('has what was put into it, under its name', async () => {
    await directory.put('contract', contract(1));
    await directory.put('contract', contract(2));
    await directory.put('roster', signDocument('roster', signedRoster(), [ann.key]));
    await directory.put('revocations', signDocument('revocations', revocationList({ number: 7 }), [ann.key]));
    expect((await registry().list('contract')).sort()).toEqual([nameOf(1), nameOf(2)].sort());
    expect(await registry().fetch('contract', nameOf(2))).toEqual(contract(2));
    expect(await registry().list('revocations')).toEqual(['7']);
    expect(await registry().fetch('revocations', '7')).toMatchObject({
      payloadType: 'application/vnd.reseal.revocations+json',
    });
    expect(await registry().list('roster')).toHaveLength(1);
  });

  it('has nothing under a name that is not there, or is no name', async () => {
    await directory.put('contract', contract(1));
    writeFileSync(join(folder, 'secret.json'), '{}');
    expect(await registry().fetch('contract', 'a'.repeat(64))).toBeUndefined();
    for (const name of ['../secret', '..%2fsecret', '', nameOf(1).toUpperCase(), `${nameOf(1)}/..`])
      expect(await registry().fetch('contract', name)).toBeUndefined();
    expect(await registry().list('roster')).toEqual([]);
  });

  it('names nothing that has no name of a document', async () => {
    await directory.put('contract', contract(1));
    for (const name of ['README.md', 'x.json', `${nameOf(2)}.json.tmp`, '.hidden.json'])
      writeFileSync(join(folder, 'contracts', name), 'x');
    expect(await registry().list('contract')).toEqual([nameOf(1)]);
  });

  it('rejects when it cannot be reached: that is not the same as empty', async () => {
    await expect(registry().list('contract')).rejects.toThrow();
  });
});

describe('a directory', () => {
  it('keeps the signatures of both who put the same content', async () => {
    await directory.put('contract', contract(1, [ann]));
    await directory.put('contract', contract(1, [ben]));
    expect(await directory.fetch('contract', nameOf(1))).toEqual(
      mergeSignatures(contract(1, [ann]), contract(1, [ben])),
    );
    expect(readdirSync(join(folder, 'contracts'))).toEqual([`${nameOf(1)}.json`]);
  });

  it('shows what somebody put in its place as it is: whoever reads compares the name', async () => {
    await directory.put('contract', contract(1));
    writeFileSync(join(folder, 'contracts', `${nameOf(1)}.json`), 'not JSON');
    expect(await directory.fetch('contract', nameOf(1))).toBe('not JSON');
    const gone = await fetch(`${gateway.url}/v1/contracts/${nameOf(1)}`);
    expect(gone.status).toBe(404);
  });

  it('takes no envelope of another kind', async () => {
    await expect(directory.put('roster', contract(1))).rejects.toThrow('no envelope of a roster');
  });

  it('rejects what it may not read', async () => {
    await directory.put('contract', contract(1));
    rmSync(join(folder, 'contracts', `${nameOf(1)}.json`));
    mkdirSync(join(folder, 'contracts', `${nameOf(1)}.json`));
    await expect(directory.fetch('contract', nameOf(1))).rejects.toThrow('EISDIR');
    const answer = await fetch(`${gateway.url}/v1/contracts/${nameOf(1)}`);
    expect([answer.status, await answer.json()]).toMatchObject([502, { error: { code: 'registry_unreachable' } }]);
  });
});

describe('a gateway', () => {
  it('says that it has no registry, and how documents are asked for', async () => {
    const without = await startGateway({ api, port: 0 });
    try {
      const answer = await fetch(`${without.url}/v1/contracts`);
      expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'needs_registry' } }]);
    } finally {
      await without.close();
    }
    const answer = await fetch(`${gateway.url}/v1/revocations/first`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'usage' } }]);
    expect((await fetch(`${gateway.url}/v1/contracts`, { method: 'POST', body: '{}' })).status).toBe(404);
  });
});

describe('a registry at an address', () => {
  const answering = async (
    answer: (path: string) => { status?: number; body?: string; location?: string },
  ): Promise<Server> => {
    const server = createServer((request, response) => {
      const { status = 200, body = '', location } = answer(request.url ?? '');
      response.writeHead(status, location === undefined ? {} : { location }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  };
  const at = (server: Server): ContractRegistry =>
    httpRegistry(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

  it.each([
    ['a redirect', { status: 302, location: 'http://127.0.0.1:1/' }],
    ['an error', { status: 500 }],
    ['no JSON', { body: 'x' }],
    ['a list that is none', { body: '["a"]' }],
    ['names that are none', { body: '{"names":"all"}' }],
  ])('rejects %s', async (_name, answer) => {
    const server = await answering(() => answer);
    await expect(at(server).list('contract')).rejects.toThrow();
    server.close();
  });

  it('passes over names that are none', async () => {
    const server = await answering(() => ({ body: JSON.stringify({ names: [1, '../x', 'a'.repeat(64)] }) }));
    expect(await at(server).list('contract')).toEqual(['a'.repeat(64)]);
    server.close();
  });

  it('reads no further than an envelope can be long', async () => {
    const server = await answering(() => ({ body: 'x'.repeat(33 * 1024 * 1024) }));
    await expect(at(server).fetch('contract', 'a'.repeat(64))).rejects.toThrow('longer than 32 MiB');
    server.close();
  });

  it('takes nothing where it says so, in its own words, or in none', async () => {
    const body = JSON.stringify({ error: { code: 'publication_unsigned', message: 'nobody who may sign it did' } });
    const refusing = await answering(() => ({ status: 403, body }));
    await expect(at(refusing).put('contract', contract(1))).rejects.toMatchObject({
      code: 'publication_unsigned',
      message: 'nobody who may sign it did',
    });
    refusing.close();
    const other = await answering(() => ({ status: 405, body: '<html>' }));
    await expect(at(other).put('contract', contract(1))).rejects.toMatchObject({ code: 'http_405' });
    other.close();
  });

  it.each([
    ['https://registry.example.test/reseal', true],
    ['http://127.0.0.1:8515', true],
    ['http://localhost', true],
    ['http://registry.example.test', false],
    ['http://127.0.0.1.example.test', false],
    ['https://user:word@registry.example.test', false],
    ['file:///srv/contracts', false],
    ['/srv/contracts', false],
  ])('may be %s: %s', (text, expected) => {
    expect(isRegistryUrl(text)).toBe(expected);
  });
});
