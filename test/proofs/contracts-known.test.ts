import { describe, expect, it } from 'vitest';
import { parseContractRoots } from '../../proofs/contract-roots.js';
import { documentName, isDocumentName } from '../../proofs/contract-registry.js';
import { signDocument } from '../../proofs/contract-signing.js';
import { contractStanding, openShown, rosterStanding, type Shown } from '../../proofs/contracts-known.js';
import { digestOf } from '../../proofs/canonical-json.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import type { Revocations } from '../../domain/signed-documents.js';
import {
  contractPolicy,
  NOW,
  revocationList,
  rootEntry,
  rootsOf,
  signedRoster,
  signer,
  type TestSigner,
} from '../support/contract-signers.js';

const [ann, ben, cleo, mallory] = [signer('ann'), signer('ben'), signer('cleo'), signer('mallory')];
const roots = rootsOf([rootEntry(ann), rootEntry(ben), rootEntry(cleo)]);
const by = (...signers: TestSigner[]) => signers.map(({ key }) => key);
const contract = (version: number, ...signers: TestSigner[]): DsseEnvelope =>
  signDocument('contract', contractPolicy({ version }), by(...(signers.length === 0 ? [ann, ben] : signers)));
const list = (over: Partial<Revocations> = {}, ...signers: TestSigner[]): DsseEnvelope =>
  signDocument('revocations', revocationList(over), by(...(signers.length === 0 ? [ann, ben] : signers)));
const digestOfVersion = (version: number): string => digestOf(contractPolicy({ version }));
const at = { series: 'local', nowMs: NOW };
const shown = (over: Partial<Shown> = {}): Shown => ({
  contracts: [contract(1)],
  rosters: [signDocument('roster', signedRoster(), by(ann, ben))],
  revocations: [list()],
  ...over,
});

describe('what a registry shows', () => {
  it('says which contract and which roster are in force', () => {
    const known = openShown(shown({ contracts: [contract(2), contract(1)] }), roots, NOW);
    expect(contractStanding(known, at).inForce?.policy.contract.version).toBe(2);
    expect(rosterStanding(known, at).inForce?.roster.people.map(({ id }) => id)).toEqual(['alice', 'bob']);
    expect(known.rejected).toEqual([]);
  });

  it('counts for nothing where it is unsigned, and says so by its digest', () => {
    const known = openShown(shown({ contracts: [contract(1), contract(2, ann, mallory)] }), roots, NOW);
    const standing = contractStanding(known, at);
    expect(standing.inForce?.version).toBe(1);
    expect(standing.whyNot(digestOfVersion(2))?.code).toBe('contract_unsigned');
  });

  it('counts for nothing under the name of another', () => {
    const contracts = new Map<string, unknown>([
      [digestOfVersion(1), contract(2)],
      ['../../etc/passwd', contract(1)],
    ]);
    const known = openShown(shown({ contracts }), roots, NOW);
    expect(contractStanding(known, at).whyNot(digestOfVersion(1))?.code).toBe('contract_changed');
    expect(known.contracts).toEqual([]);
    const revocations = new Map<string, unknown>([['7', list()]]);
    expect(openShown(shown({ revocations }), roots, NOW).revocations).toBeNull();
  });

  it('counts under its own name', () => {
    const contracts = new Map<string, unknown>([[digestOfVersion(1), contract(1)]]);
    const known = openShown(shown({ contracts, revocations: new Map([['1', list()]]) }), roots, NOW);
    expect(contractStanding(known, at).inForce?.version).toBe(1);
  });

  it('may be anything', () => {
    const junk = [null, 1, 'x', [], {}, { payloadType: 'a', payload: 'b', signatures: [] }];
    const known = openShown({ contracts: junk, rosters: junk, revocations: junk }, roots, NOW);
    expect(known).toMatchObject({ contracts: [], rosters: [], revocations: null });
    expect(known.rejected).toHaveLength(3 * junk.length);
    expect(contractStanding(known, at).refusal?.code).toBe('contract_unknown');
  });
});

describe('lists of revocations', () => {
  it('the highest number counts alone', () => {
    const revocations = [list({ number: 2 }), list({ number: 1, contracts: [digestOfVersion(1)] })];
    expect(contractStanding(openShown(shown({ revocations }), roots, NOW), at).inForce?.version).toBe(1);
    const back = { ...at, seen: { revocations: 3 } };
    expect(contractStanding(openShown(shown({ revocations }), roots, NOW), back).refusal?.code).toBe(
      'revocations_stale',
    );
  });

  it('revoke contracts and rosters by digest', () => {
    const gone = list({ contracts: [digestOfVersion(1)], rosters: [digestOf(signedRoster())] });
    const known = openShown(shown({ revocations: [gone] }), roots, NOW);
    expect(contractStanding(known, at).refusal?.code).toBe('contract_revoked');
    expect(rosterStanding(known, at).refusal?.code).toBe('roster_revoked');
  });

  it('take keys back, and with them what those signed', () => {
    const gone = list({ keys: [ben.key.keyid] }, ann, cleo);
    const known = openShown(
      shown({ contracts: [contract(1), contract(2, ann, cleo)], revocations: [gone] }),
      roots,
      NOW,
    );
    expect(contractStanding(known, at).inForce?.version).toBe(2);
    expect(contractStanding(known, at).whyNot(digestOfVersion(1))?.code).toBe('contract_unsigned');
    expect(rosterStanding(known, at).refusal?.code).toBe('roster_unsigned');
  });

  it('signed by a key that an earlier one takes back count no more, in whatever order they come', () => {
    const takes = list({ number: 1, keys: [ben.key.keyid] }, ann, cleo);
    const gives = list({ number: 2 }, ann, ben);
    for (const revocations of [
      [takes, gives],
      [gives, takes],
    ]) {
      const known = openShown(shown({ revocations }), roots, NOW);
      expect(known.revocations?.number).toBe(1);
      expect(known.rejected.map(({ code }) => code)).toContain('revocations_unsigned');
    }
  });

  it('of one number with two contents revoke what either does, and are fresh while both are', () => {
    const one = list({ contracts: [digestOfVersion(1)], fresh_until: '2026-12-01T00:00:00Z' });
    const other = list({ rosters: [digestOf(signedRoster())], keys: [cleo.key.keyid] });
    for (const revocations of [
      [one, other],
      [other, one],
    ])
      expect(openShown(shown({ revocations }), roots, NOW).revocations).toMatchObject({
        contracts: [digestOfVersion(1)],
        rosters: [digestOf(signedRoster())],
        keys: [cleo.key.keyid],
        fresh_until: '2026-12-01T00:00:00.000Z',
      });
  });
});

describe('the name of a document', () => {
  it('is the digest of a contract or a roster, and the number of a list', () => {
    expect(documentName('contract', contract(1))).toBe(digestOfVersion(1));
    expect(documentName('revocations', list({ number: 12 }))).toBe('12');
    expect(documentName('contract', list())).toBeUndefined();
    expect(documentName('contract', null)).toBeUndefined();
  });

  it.each([
    ['contract', 'a'.repeat(64), true],
    ['contract', 'A'.repeat(64), false],
    ['roster', '../x', false],
    ['revocations', '1', true],
    ['revocations', '01', false],
    ['revocations', '1/..', false],
  ] as const)('%s %s: %s', (kind, name, expected) => {
    expect(isDocumentName(kind, name)).toBe(expected);
  });
});

describe('a roots file', () => {
  const file = (over: object = {}): string =>
    JSON.stringify({
      schema: 'reseal.contract-roots.v1',
      threshold: 2,
      keys: [rootEntry(ann), rootEntry(ben)],
      ...over,
    });
  const messageOf = (text: string): string => {
    const parsed = parseContractRoots(text);
    return parsed.ok ? 'ok' : `${parsed.code} ${parsed.message}`;
  };

  it('is read, with a threshold of two where it says none', () => {
    expect(messageOf(file())).toBe('ok');
    const parsed = parseContractRoots(file({ threshold: undefined }));
    expect(parsed.ok && parsed.roots.threshold).toBe(2);
  });

  it.each([
    ['no JSON', 'x', /^roots_not_json/],
    ['a duplicate member', '{"schema":"reseal.contract-roots.v1","schema":"x"}', /^roots_not_json duplicate_member/],
    ['a threshold of none', file({ threshold: 0 }), /^roots_malformed threshold/],
    ['more wanted than there are', file({ threshold: 3 }), /there are 2 signers: nothing could ever be signed/],
    [
      'one signer with two keys for two',
      file({ keys: [rootEntry(ann), rootEntry({ ...ben, name: 'ann' })] }),
      /there are 1 signers/,
    ],
    [
      'the same key under two names',
      file({ keys: [rootEntry(ann), rootEntry({ ...ann, name: 'ben' })] }),
      /the same key twice/,
    ],
    [
      'a key id of another key',
      file({ keys: [rootEntry(ann), rootEntry(ben, { keyid: cleo.key.keyid })] }),
      /is not the SHA-256/,
    ],
    [
      'no key',
      file({ keys: [rootEntry(ann), rootEntry(ben, { public_key: 'AAAA' })] }),
      /public_key: role_key_malformed/,
    ],
    [
      'an end before the beginning',
      file({ keys: [rootEntry(ann), rootEntry(ben, { valid_until: '2026-01-01T00:00:00Z' })] }),
      /is not after valid_from/,
    ],
    ['an unknown member', file({ extra: 1 }), /^roots_malformed/],
  ])('is refused with %s', (_name, text, expected) => {
    expect(messageOf(text)).toMatch(expected);
  });
});
