import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAYLOAD_TYPES, SIGNED_KINDS, type SignedKind } from '../../domain/signed-documents.js';
import { canonicalJson, digestOf } from '../../proofs/canonical-json.js';
import { openContract, openRevocations, openRoster } from '../../proofs/contract.js';
import { withoutKeys, type ContractRoots } from '../../proofs/contract-roots.js';
import {
  isSignatureOf,
  mergeSignatures,
  signDocument,
  signWith,
  toBeSigned,
  withSignature,
} from '../../proofs/contract-signing.js';
import { signDsse, type DsseEnvelope } from '../../proofs/dsse.js';
import { exportRolePublicKey, generateRoleKey } from '../../proofs/role-key.js';
import {
  contractPolicy,
  NOW,
  revocationList,
  rootEntry,
  rootsOf,
  ROSTER,
  signedRoster,
  signer,
} from '../support/contract-signers.js';

const [ann, ben, cleo, mallory] = [signer('ann'), signer('ben'), signer('cleo'), signer('mallory')];
const roots = rootsOf([rootEntry(ann), rootEntry(ben), rootEntry(cleo)]);
const VALUES = { contract: contractPolicy(), roster: signedRoster(), revocations: revocationList() };
const OPENERS = { contract: openContract, roster: openRoster, revocations: openRevocations };
const signed = (kind: SignedKind, ...by: { key: typeof ann.key }[]): DsseEnvelope =>
  signDocument(
    kind,
    VALUES[kind],
    by.map(({ key }) => key),
  );
const codeOf = (kind: SignedKind, envelope: unknown, by: ContractRoots = roots, at = NOW): string => {
  const opened = OPENERS[kind](envelope, by, at);
  return opened.ok ? 'ok' : opened.code;
};
/** An envelope over any payload, as the signers' own keys would sign it. */
const forged = (kind: SignedKind, payload: Buffer, payloadType = PAYLOAD_TYPES[kind]): DsseEnvelope => {
  const made = [ann, ben].map(({ key }) => signDsse({ payloadType, payload, key }));
  return { payloadType, payload: payload.toString('base64'), signatures: made.flatMap(({ signatures }) => signatures) };
};

describe.each(SIGNED_KINDS)('a signed %s', (kind) => {
  it('opens when two signers signed it', () => {
    const opened = OPENERS[kind](signed(kind, ann, ben), roots, NOW);
    expect(opened).toMatchObject({ ok: true, digest: digestOf(VALUES[kind]), signers: ['ann', 'ben'] });
  });

  it.each([
    ['nobody of the roots', [mallory]],
    ['one signer', [ann]],
    ['one signer and a stranger', [ann, mallory]],
    ['one signer twice', [ann, ann]],
  ])('is unsigned when %s signed it', (_name, by) => {
    expect(codeOf(kind, signed(kind, ...by))).toBe(`${kind}_unsigned`);
  });

  it('counts people, not keys', () => {
    const again = { name: 'ann', key: generateRoleKey() };
    const rotating = rootsOf([rootEntry(ann), rootEntry(again), rootEntry(ben)]);
    expect(codeOf(kind, signed(kind, ann, again), rotating)).toBe(`${kind}_unsigned`);
    expect(codeOf(kind, signed(kind, again, ben), rotating)).toBe('ok');
  });

  it.each([
    ['is not yet valid', { valid_from: '2026-11-21T12:00:00.001Z' }],
    ['is over', { valid_until: '2026-11-21T12:00:00.000Z' }],
    ['was revoked', { revoked_at: '2026-11-21T12:00:00.000Z' }],
  ])('does not count a key that %s', (_name, over) => {
    expect(codeOf(kind, signed(kind, ann, ben), rootsOf([rootEntry(ann), rootEntry(ben, over)]))).toBe(
      `${kind}_unsigned`,
    );
  });

  it('counts a key to the last moment', () => {
    const edges = {
      valid_from: '2026-11-21T12:00:00.000Z',
      valid_until: '2026-11-21T12:00:00.001Z',
      revoked_at: '2026-11-21T12:00:00.001Z',
    };
    expect(codeOf(kind, signed(kind, ann, ben), rootsOf([rootEntry(ann), rootEntry(ben, edges)]))).toBe('ok');
  });

  it('counts a key for what it may sign only', () => {
    const others = SIGNED_KINDS.filter((one) => one !== kind);
    const limited = rootsOf([rootEntry(ann), rootEntry(ben, { signs: others })]);
    expect(codeOf(kind, signed(kind, ann, ben), limited)).toBe(`${kind}_unsigned`);
    expect(others.map((other) => codeOf(other, signed(other, ann, ben), limited))).toEqual(['ok', 'ok']);
  });

  it('is unsigned once its signer is taken out', () => {
    expect(codeOf(kind, signed(kind, ann, ben), withoutKeys(roots, [ben.key.keyid]))).toBe(`${kind}_unsigned`);
    expect(codeOf(kind, signed(kind, ann, ben, cleo), withoutKeys(roots, [ben.key.keyid]))).toBe('ok');
  });

  it('keeps to the threshold of the roots', () => {
    const three = rootsOf([rootEntry(ann), rootEntry(ben), rootEntry(cleo)], 3);
    expect(codeOf(kind, signed(kind, ann, ben), three)).toBe(`${kind}_unsigned`);
    expect(codeOf(kind, signed(kind, ann, ben, cleo), three)).toBe('ok');
    expect(codeOf(kind, signed(kind, ann), rootsOf([rootEntry(ann)], 1))).toBe('ok');
  });

  it('is changed when a signature is of other bytes', () => {
    const envelope = signed(kind, ann, ben);
    const other = signed(kind, ann, cleo);
    const [first] = envelope.signatures;
    const [, ofCleo] = other.signatures;
    const swapped = { ...envelope, signatures: [first, { keyid: ben.key.keyid, sig: ofCleo?.sig }] };
    expect(codeOf(kind, swapped)).toBe(`${kind}_changed`);
  });

  it('is no other kind', () => {
    for (const other of SIGNED_KINDS)
      if (other !== kind) {
        expect(codeOf(other, signed(kind, ann, ben))).toBe(`${other}_malformed`);
        // Even signed by the same people under the other's type.
        const payload = Buffer.from(canonicalJson(VALUES[kind]));
        expect(codeOf(other, forged(other, payload))).toBe(`${other}_malformed`);
      }
  });

  it.each([
    ['spaces', (text: string) => text.replace(':', ': ')],
    [
      'members in another order',
      (text: string) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse())),
    ],
    ['a duplicate member', (text: string) => text.replace('{', `{"version":1,`)],
    ['an unknown member', (text: string) => canonicalJson({ ...(JSON.parse(text) as object), zz: 1 })],
    ['a time spelt otherwise', (text: string) => text.replaceAll('.000Z', 'Z')],
    ['text after it', (text: string) => `${text} `],
    ['nothing', () => ''],
    ['null', () => 'null'],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
  ])('is malformed with %s, though its signers signed that', (_name, spoil) => {
    const text = canonicalJson(VALUES[kind]);
    expect(codeOf(kind, forged(kind, Buffer.from(text)))).toBe('ok');
    expect(codeOf(kind, forged(kind, Buffer.from(spoil(text))))).toBe(`${kind}_malformed`);
  });

  it('refuses every single-byte change of what is signed', () => {
    const envelope = signed(kind, ann, ben);
    const payload = Buffer.from(envelope.payload, 'base64');
    const codes = new Set<string>();
    for (let at = 0; at < payload.length; at += 1) {
      const changed = Buffer.from(payload);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      codes.add(codeOf(kind, { ...envelope, payload: changed.toString('base64') }));
    }
    expect([...codes]).toEqual([`${kind}_changed`]);
  });

  it('refuses every bit that is flipped in a signature, its key id or the type', () => {
    const envelope = signed(kind, ann, ben);
    const accepted: string[] = [];
    const attempt = (what: string, changed: unknown): void => {
      if (codeOf(kind, changed) === 'ok') accepted.push(what);
    };
    for (const index of [0, 1])
      for (let bit = 0; bit < 512; bit += 1) {
        const sig = Buffer.from(envelope.signatures[index]?.sig ?? '', 'base64');
        sig[bit >> 3] = (sig[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const signatures = envelope.signatures.map((one, at) =>
          at === index ? { ...one, sig: sig.toString('base64') } : one,
        );
        attempt(`bit ${bit} of signature ${index}`, { ...envelope, signatures });
      }
    for (const member of ['payloadType', 'keyid', 'sig', 'payload'] as const)
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 33, max: 126 }), (place, code) => {
          const spoil = (text: string): string => {
            const at = place % text.length;
            return text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
          };
          const [first, ...rest] = envelope.signatures;
          const changed =
            member === 'payloadType' || member === 'payload'
              ? { ...envelope, [member]: spoil(envelope[member]) }
              : { ...envelope, signatures: [{ ...first, [member]: spoil(first?.[member] ?? '') }, ...rest] };
          if (JSON.stringify(changed) === JSON.stringify(envelope)) return;
          attempt(`${member} at ${place} with ${code}`, changed);
        }),
        { numRuns: 100 },
      );
    expect(accepted).toEqual([]);
  });

  it('refuses every structural change of what is signed, re-encoded as it should be', () => {
    const value = JSON.parse(canonicalJson(VALUES[kind])) as object;
    const envelope = signed(kind, ann, ben);
    const changes = mutationsOf(value);
    expect(changes.length).toBeGreaterThan(20);
    for (const changed of changes) {
      const payload = Buffer.from(canonicalJson(changed)).toString('base64');
      expect(codeOf(kind, { ...envelope, payload })).toBe(`${kind}_changed`);
    }
  });

  it.each([undefined, null, 0, '', 'x', [], {}, { payloadType: 1 }, { signatures: [] }])(
    'answers %j with a code',
    (envelope) => {
      expect(codeOf(kind, envelope)).toBe(`${kind}_malformed`);
    },
  );

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything(), (envelope) => {
        expect(codeOf(kind, envelope)).toBe(`${kind}_malformed`);
      }),
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(codeOf(kind, forged(kind, Buffer.from(text)))).toBe(`${kind}_malformed`);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(kind, forged(kind, Buffer.from(bytes)))).toBe(`${kind}_malformed`);
      }),
    );
  });
});

it('however many of however many sign, it opens exactly from the threshold on', () => {
  const people = Array.from({ length: 5 }, (_, index) => signer(`person-${index}`));
  fc.assert(
    fc.property(
      fc.subarray([0, 1, 2, 3, 4]),
      fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }),
      fc.integer({ min: 1, max: 5 }),
      (signing, trusted, threshold) => {
        fc.pre(threshold <= trusted.length && signing.length > 0);
        const by = (indices: number[]) => indices.flatMap((index) => people.slice(index, index + 1));
        const opened = codeOf(
          'contract',
          signed('contract', ...by(signing)),
          rootsOf(
            by(trusted).map((one) => rootEntry(one)),
            threshold,
          ),
        );
        const count = signing.filter((index) => trusted.includes(index)).length;
        expect(opened).toBe(count >= threshold ? 'ok' : 'contract_unsigned');
      },
    ),
    { numRuns: 60 },
  );
});

describe('what a signed document answers', () => {
  it('the policy and the version of a contract', () => {
    expect(openContract(signed('contract', ann, ben), roots, NOW)).toMatchObject({
      policy: VALUES.contract,
      series: 'local',
      version: 1,
      valid_until: '2027-11-01T00:00:00.000Z',
    });
  });

  it('the people of a roster', () => {
    expect(openRoster(signed('roster', ann, ben), roots, NOW)).toMatchObject({ roster: ROSTER, version: 1 });
  });

  it('the list of what is revoked', () => {
    expect(openRevocations(signed('revocations', ann, ben), roots, NOW)).toMatchObject({
      revocations: VALUES.revocations,
    });
  });

  it('a policy without a contract section is none, whoever signed it', () => {
    const { contract: _, ...plain } = VALUES.contract;
    expect(codeOf('contract', forged('contract', Buffer.from(canonicalJson(plain))))).toBe('contract_malformed');
  });

  it('a contract without the reading of roles is none, whoever signed it', () => {
    const lax = JSON.parse(
      canonicalJson(VALUES.contract).replace('"breakglass.microsoft_graph.read_role_assignment",', ''),
    ) as object;
    expect(codeOf('contract', forged('contract', Buffer.from(canonicalJson(lax))))).toBe('contract_malformed');
  });
});

describe('signing', () => {
  it('is refused for what could not be opened', () => {
    const { contract: _, ...plain } = VALUES.contract;
    expect(() => toBeSigned('contract', plain)).toThrow('no contract section');
    const odd = { ...VALUES.roster, version: 0 };
    expect(() => toBeSigned('roster', odd)).toThrow(/cannot be signed: version/);
  });

  it('a second signer adds to what the first one signed', () => {
    const first = signed('contract', ann);
    expect(codeOf('contract', signWith(first, ben.key))).toBe('ok');
    expect(signWith(first, ann.key).signatures).toHaveLength(1);
  });

  it('a signature from elsewhere is known for whose it is', () => {
    const { signatures, ...unsigned } = signed('contract', ann);
    const bytes = Buffer.from(signatures[0]?.sig ?? '', 'base64');
    expect(isSignatureOf(unsigned, exportRolePublicKey(ann.key.publicKey), bytes)).toBe(true);
    expect(isSignatureOf(unsigned, exportRolePublicKey(ben.key.publicKey), bytes)).toBe(false);
    expect(isSignatureOf(unsigned, exportRolePublicKey(ann.key.publicKey), bytes.subarray(1))).toBe(false);
    expect(isSignatureOf(unsigned, 'AAAA', bytes)).toBe(false);
  });

  it('two envelopes of the same bytes become one, and of others none', () => {
    const merged = mergeSignatures(signed('contract', ann), signed('contract', ben));
    expect(codeOf('contract', merged)).toBe('ok');
    expect(mergeSignatures(signed('contract', ann), signed('roster', ben))).toBeUndefined();
    const other = signDocument('contract', contractPolicy({ version: 2 }), [ben.key]);
    expect(mergeSignatures(signed('contract', ann), other)).toBeUndefined();
    expect(mergeSignatures(signed('contract', ann), 'no envelope')).toBeUndefined();
    expect(withSignature(signed('contract', ann), { keyid: 'x', sig: 'y' }).signatures).toHaveLength(2);
  });
});

/** A value with each of its members and elements left out, doubled or changed, one at a time. */
function mutationsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    const list = value as unknown[];
    const each = list.flatMap((one, at) => [
      list.toSpliced(at, 1),
      [...list, one],
      ...mutationsOf(one).map((changed) => list.with(at, changed)),
    ]);
    return [[...list, null], ...each];
  }
  if (typeof value === 'object' && value !== null)
    return Object.entries(value as Record<string, unknown>).flatMap(([name, member]) => {
      const { [name]: _, ...others } = value as Record<string, unknown>;
      return [
        others,
        { ...others, [`${name}x`]: member },
        ...mutationsOf(member).map((changed) => ({ ...others, [name]: changed })),
      ];
    });
  if (typeof value === 'number') return [value + 1, String(value), null];
  if (typeof value === 'boolean') return [!value, null];
  if (typeof value === 'string') return [`${value}0`, `~${value.slice(1)}`, 0];
  return [0];
}
