import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { httpRegistry, PublicationRefused } from '../../../activities/contracts/http-registry.js';
import { joinedRegistry } from '../../../activities/contracts/joined-registry.js';
import type { Database } from '../../../activities/register/database.js';
import { registerRegistry, type RegistryBounds } from '../../../activities/register/published-documents.js';
import { startGateway, type Gateway } from '../../../client/gateway/start-gateway.js';
import { PAYLOAD_TYPES, type SignedKind } from '../../../domain/signed-documents.js';
import type { ContractRegistry } from '../../../proofs/contract-registry.js';
import { documentName } from '../../../proofs/contract-registry.js';
import { mergeSignatures, signDocument } from '../../../proofs/contract-signing.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { signDsse, type DsseEnvelope } from '../../../proofs/dsse.js';
import { MachineApi } from '../../client/machine-api.js';
import { testPolicy } from '../../client/people.js';
import {
  contractPolicy,
  NOW,
  revocationList,
  rootEntry,
  rootsOf,
  ROSTER,
  signedRoster,
  signer,
} from '../../support/contract-signers.js';
import { bothDatabases } from './both-databases.js';

const [ann, ben, cleo, stranger] = ['ann', 'ben', 'cleo', 'stranger'].map(signer) as [
  ReturnType<typeof signer>,
  ReturnType<typeof signer>,
  ReturnType<typeof signer>,
  ReturnType<typeof signer>,
];
const keysOf = (by: (typeof ann)[]) => by.map(({ key }) => key);
const contract = (version: number, by = [ann, ben]) =>
  signDocument('contract', contractPolicy({ version }), keysOf(by));
const list = (number: number, by = [ann, ben], contracts: string[] = []) =>
  signDocument('revocations', revocationList({ number, contracts }), keysOf(by));
const nameOf = (kind: SignedKind, envelope: DsseEnvelope): string => documentName(kind, envelope) ?? '';
const BOUNDS: RegistryBounds = { documents: 6, characters: 64 * 1024, waiting: 2 };
const roots = rootsOf([rootEntry(ann), rootEntry(ben), rootEntry(cleo, { signs: ['roster'] })]);

describe.each(bothDatabases)('documents published to a register over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the registry${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: Awaited<ReturnType<typeof open>>;
    let database: Database;
    let gateway: Gateway;
    /** As `reseal contract publish --registry URL` puts it. */
    let away: ContractRegistry;
    let own: ContractRegistry;
    beforeAll(async () => {
      db = await open();
      ({ database } = db);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      await database.query('DELETE FROM register.published_documents');
      own = registerRegistry(database, { roots: () => Promise.resolve(roots), now: () => NOW, bounds: BOUNDS });
      const api = new MachineApi({ policy: testPolicy, roster: ROSTER, now: () => NOW });
      gateway = await startGateway({ api, port: 0, registry: own, publish: own });
      away = httpRegistry(gateway.url);
    });
    afterEach(() => gateway.close());

    const refusal = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'taken',
        (error: unknown) => (error instanceof PublicationRefused ? error.code : String(error)),
      );
    const rows = async (): Promise<number> =>
      (await database.query('SELECT 1 AS one FROM register.published_documents')).length;

    it('shows what two signers signed, over HTTP and to the role that holds the register', async () => {
      const envelope = contract(1);
      expect(await away.put('contract', envelope)).toBe(nameOf('contract', envelope));
      await away.put('roster', signDocument('roster', signedRoster(), keysOf([ann, ben])));
      await away.put('revocations', list(4));
      for (const registry of [away, own, joinedRegistry(own, away)]) {
        expect(await registry.list('contract')).toEqual([nameOf('contract', envelope)]);
        expect(await registry.fetch('contract', nameOf('contract', envelope))).toEqual(envelope);
        expect(await registry.list('roster')).toHaveLength(1);
        expect(await registry.list('revocations')).toEqual(['4']);
      }
    });

    it('keeps what one signer signed until the other adds a signature', async () => {
      await away.put('contract', contract(1, [ann]));
      await away.put('contract', contract(1, [ben]));
      const name = nameOf('contract', contract(1));
      expect(await away.fetch('contract', name)).toEqual(mergeSignatures(contract(1, [ann]), contract(1, [ben])));
      expect(await rows()).toBe(1);
    });

    it.each<[string, () => DsseEnvelope, string]>([
      ['a stranger signed', () => contract(1, [stranger]), 'publication_unsigned'],
      ['a stranger signed besides', () => contract(1, [ann, ben, stranger]), 'publication_foreign'],
      ['a signer signed who may sign rosters alone', () => contract(1, [ann, cleo]), 'publication_foreign'],
      [
        'a signature is of something else',
        () => ({ ...contract(1), signatures: contract(2).signatures }),
        'publication_foreign',
      ],
      [
        'is no contract, though signers signed it',
        () => {
          const { contract: _section, ...policy } = contractPolicy();
          const payload = Buffer.from(canonicalJson(policy));
          const [one, other] = keysOf([ann, ben]).map((key) =>
            signDsse({ payloadType: PAYLOAD_TYPES.contract, payload, key }),
          );
          return mergeSignatures(one, other) as DsseEnvelope;
        },
        'publication_malformed',
      ],
    ])('refuses what %s, and keeps nothing', async (_case, envelope, code) => {
      expect(await refusal(away.put('contract', envelope()))).toMatch(code);
      expect(await rows()).toBe(0);
    });

    it('refuses what is put under another name, is no envelope, or is too long', async () => {
      const put = (path: string, body: string, type = 'application/json') =>
        fetch(`${gateway.url}/v1/${path}`, { method: 'PUT', headers: { 'content-type': type }, body });
      const text = JSON.stringify(contract(1));
      const name = nameOf('contract', contract(1));
      for (const [path, body, type, status, code] of [
        [`contracts/${'a'.repeat(64)}`, text, 'application/json', 400, 'publication_misnamed'],
        [`rosters/${name}`, text, 'application/json', 400, 'publication_malformed'],
        ['contracts/..%2f..%2fx', text, 'application/json', 400, 'usage'],
        [`contracts/${name}`, text, 'text/plain', 415, 'unsupported_media_type'],
        [`contracts/${name}`, '{', 'application/json', 400, 'publication_malformed'],
        [
          `contracts/${name}`,
          JSON.stringify({ ...contract(1), signatures: [] }),
          'application/json',
          400,
          'publication_malformed',
        ],
        [`contracts/${name}`, text.replace('{', '{"payload":"",'), 'application/json', 400, 'publication_malformed'],
        [`contracts/${name}`, ' '.repeat(5 * 1024 * 1024), 'application/json', 413, 'too_large'],
      ] as const) {
        const answer = await put(path, body, type);
        expect([path, answer.status, await answer.json()]).toMatchObject([path, status, { error: { code } }]);
      }
      expect(await rows()).toBe(0);
    });

    it('lets no one signer fill it: what waits for others is bounded, and what is whole has room', async () => {
      await away.put('contract', contract(1, [ann]));
      await away.put('contract', contract(2, [ann]));
      expect(await refusal(away.put('contract', contract(3, [ann])))).toBe('publication_full');
      await away.put('contract', contract(3, [ann, ben]));
      await away.put('contract', contract(1, [ben]));
      await away.put('contract', contract(4, [ann]));
      expect(await rows()).toBe(4);
    });

    it('takes no more documents, and no more bytes, than it may hold', async () => {
      for (let version = 1; version <= BOUNDS.documents; version += 1) await away.put('contract', contract(version));
      expect(await refusal(away.put('contract', contract(9)))).toBe('publication_full');
      await away.put('contract', contract(1, [ann]));
      const people = ROSTER.people.map((person) => ({
        ...person,
        groups: Array.from({ length: 1000 }, (_g, at) => `group-${at}-${'x'.repeat(40)}`),
      }));
      const large = signDocument('roster', signedRoster({ roster: { ...ROSTER, people } }), keysOf([ann, ben]));
      expect(await refusal(away.put('roster', large))).toBe('publication_full');
    });

    it('lets no single signer keep a number of a list from the others', async () => {
      await away.put('revocations', list(4, [ann], ['a'.repeat(64)]));
      await away.put('revocations', list(4));
      expect(await away.fetch('revocations', '4')).toEqual(list(4));
      expect(await refusal(away.put('revocations', list(4, [ben], ['b'.repeat(64)])))).toBe('publication_taken');
      expect(await away.list('revocations')).toEqual(['4']);
    });

    it('takes nothing while nobody can say whose signatures count', async () => {
      const blind = registerRegistry(database, { roots: () => Promise.reject(new Error('no roots')) });
      await expect(blind.put('contract', contract(1))).rejects.toThrow('no roots');
    });
  });
});
