import { createHmac, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign } from 'jose';
import { describe, expect, it } from 'vitest';

import { warrantClaimsSchema, type WarrantClaims } from '../../domain/warrant.js';
import { canonicalJson, digestOf } from '../../proofs/canonical-json.js';
import { generateRoleKey, exportRolePublicKey } from '../../proofs/role-key.js';
import { judgeWarrant, mintWarrant, scopeHashOf, signWarrant, warrantScopeOf } from '../../proofs/warrant.js';
import { roleKeys } from './ceremony-people.js';
import { fullCeremony } from './full-ceremony.js';

const { authority } = roleKeys;
const { intent } = fullCeremony();
const ROLE = 'effect:entra.directory_role';
const ISSUED = Date.parse(intent.issued_at);
const SECOND = 1000;

const authorityKey = (keyid: string) => (keyid === authority.keyid ? authority.publicKey : undefined);
const judge = (token: string | null, over: Partial<Parameters<typeof judgeWarrant>[1]> = {}) =>
  judgeWarrant(token, { intent, role: ROLE, authorityKey, nowMs: ISSUED + 1000, ...over });
const codeOf = (...given: Parameters<typeof judge>): string => {
  const judged = judge(...given);
  return judged.ok ? 'ok' : judged.code;
};
const minted = await mintWarrant(intent, authority, ISSUED);
const claimsOf = (token: string): WarrantClaims =>
  warrantClaimsSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')));
const claims = claimsOf(minted);
const part = (value: unknown): string => Buffer.from(canonicalJson(value), 'utf8').toString('base64url');
/** Signed by the authority, whatever they say; the scope hash agrees unless it is given. */
const saying = (over: Partial<WarrantClaims>): Promise<string> => {
  const said = { ...claims, ...over };
  return signWarrant({ ...said, token_scope_hash_b64u: over.token_scope_hash_b64u ?? scopeHashOf(said) }, authority);
};

describe('a warrant', () => {
  it('is a compact JWS by the authority, with the claim names of scoped tokens where those exist', async () => {
    const header: unknown = JSON.parse(Buffer.from(minted.split('.')[0] ?? '', 'base64url').toString('utf8'));
    expect(header).toEqual({ alg: 'Ed25519', kid: authority.keyid, typ: 'reseal-warrant+jwt' });
    expect(claims).toEqual({
      token_version: '1',
      sub: `breakglass/${intent.event_id}`,
      aud: ROLE,
      scope: ['breakglass.microsoft_graph.write_role_assignment'],
      iat: ISSUED / 1000,
      exp: ISSUED / 1000 + 120,
      jti: expect.any(String) as unknown,
      policy_hash_b64u: Buffer.from(intent.policy_digest, 'hex').toString('base64url'),
      token_scope_hash_b64u: scopeHashOf(warrantScopeOf(intent)),
      mission_id: intent.event_id,
      reseal: {
        effect: 'entra.directory_role',
        direction: 'restore',
        tuple: intent.tuple,
        round: 1,
        intent_digest: digestOf(intent),
        evidence_digest: intent.evidence_digest,
        deadline: intent.deadline,
      },
    });
    expect(judge(minted)).toEqual({ ok: true, claims });
  });

  it('has the same scope hash for every warrant of one intent, and an id of its own', async () => {
    const again = claimsOf(await mintWarrant(intent, authority, ISSUED + 60_000));
    expect(again.token_scope_hash_b64u).toBe(claims.token_scope_hash_b64u);
    expect(again.jti).not.toBe(claims.jti);
    const { iat: _iat, exp: _exp, jti: _jti, token_scope_hash_b64u, ...authorises } = claims;
    expect(Buffer.from(token_scope_hash_b64u, 'base64url').toString('hex')).toBe(
      digestOf({ ...authorises, aud: [authorises.aud] }),
    );
  });

  it('is in force for two minutes, as long as it is told, and never past the deadline', async () => {
    expect(codeOf(minted, { nowMs: ISSUED + 120 * SECOND - 1 })).toBe('ok');
    expect(codeOf(minted, { nowMs: ISSUED + 120 * SECOND })).toBe('warrant_expired');
    const long = await mintWarrant(intent, authority, ISSUED, 10 * 60);
    expect(codeOf(long, { nowMs: ISSUED + 600 * SECOND - 1 })).toBe('ok');
    const deadline = Date.parse(intent.deadline);
    const last = claimsOf(await mintWarrant(intent, authority, deadline - 30 * SECOND));
    expect(last.exp * 1000).toBe(deadline);
    const most = claimsOf(
      await mintWarrant({ ...intent, deadline: '2099-01-01T00:00:00.000Z' }, authority, ISSUED, 9999),
    );
    expect(most.exp - most.iat).toBe(30 * 60);
  });

  it('is over earlier for a judge who takes none that old', async () => {
    const long = await mintWarrant(intent, authority, ISSUED, 600);
    expect(codeOf(long, { nowMs: ISSUED + 239 * SECOND, maxAgeSeconds: 240 })).toBe('ok');
    expect(codeOf(long, { nowMs: ISSUED + 240 * SECOND, maxAgeSeconds: 240 })).toBe('warrant_expired');
    expect(codeOf(minted, { nowMs: ISSUED + 120 * SECOND, maxAgeSeconds: 240 })).toBe('warrant_expired');
  });

  it('may come from a clock that is up to a minute ahead', async () => {
    expect(codeOf(minted, { nowMs: ISSUED - 60 * SECOND })).toBe('ok');
    expect(codeOf(minted, { nowMs: ISSUED - 61 * SECOND })).toBe('warrant_not_yet_valid');
  });
});

describe('a warrant for something else', () => {
  it('refuses one of another event', async () => {
    const { intent: other } = fullCeremony();
    expect(codeOf(await mintWarrant(other, authority, ISSUED))).toBe('warrant_foreign');
  });

  it('refuses one for another role', async () => {
    expect(codeOf(minted, { role: 'effect:entra.sessions' })).toBe('warrant_foreign');
    expect(codeOf(await saying({ aud: 'effect:entra.sessions' }))).toBe('warrant_foreign');
    expect(codeOf(await saying({ aud: 'effect:entra.sessions' }), { role: 'effect:entra.sessions' })).toBe(
      'warrant_foreign',
    );
  });

  const { reseal } = claims;
  it.each<[string, Partial<WarrantClaims>]>([
    ['another round', { reseal: { ...reseal, round: 2 } }],
    ['the other direction', { reseal: { ...reseal, direction: 'reduce' } }],
    ['another principal', { reseal: { ...reseal, tuple: { ...reseal.tuple, principal_id: reseal.tuple.tenant_id } } }],
    [
      'a wider scope',
      { reseal: { ...reseal, tuple: { ...reseal.tuple, directory_scope_id: '/administrativeUnits/1' } } },
    ],
    [
      'another role definition',
      { reseal: { ...reseal, tuple: { ...reseal.tuple, role_template_id: reseal.tuple.tenant_id } } },
    ],
    ['another tenant', { reseal: { ...reseal, tuple: { ...reseal.tuple, tenant_id: reseal.tuple.principal_id } } }],
    ['another intent', { reseal: { ...reseal, intent_digest: 'a'.repeat(64) } }],
    ['other evidence', { reseal: { ...reseal, evidence_digest: 'a'.repeat(64) } }],
    ['another deadline', { reseal: { ...reseal, deadline: '2099-01-01T00:00:00.000Z' } }],
    ['another policy', { policy_hash_b64u: 'A'.repeat(43) }],
    ['another job', { sub: 'breakglass/ffffffffffffffff' }],
    ['another mission', { mission_id: 'ffffffffffffffff' }],
  ])('refuses one for %s, though the authority signed it', async (_, over) => {
    expect(codeOf(await saying(over))).toBe('warrant_foreign');
  });

  it('refuses one that outlives the deadline, or lives too long, or not at all', async () => {
    const deadline = Date.parse(intent.deadline) / 1000;
    expect(codeOf(await saying({ iat: deadline - 60, exp: deadline + 1 }))).toBe('warrant_foreign');
    expect(codeOf(await saying({ exp: claims.iat + 1801 }))).toBe('warrant_malformed');
    expect(codeOf(await saying({ exp: claims.iat }))).toBe('warrant_malformed');
  });

  it('refuses a scope hash of another scope', async () => {
    expect(codeOf(await saying({ token_scope_hash_b64u: 'A'.repeat(43) }))).toBe('warrant_malformed');
  });
});

describe('a warrant that the authority did not give', () => {
  it('refuses one by a key that nobody knows', async () => {
    expect(codeOf(await mintWarrant(intent, generateRoleKey(), ISSUED))).toBe('warrant_not_signed');
  });

  it.each(Object.entries(roleKeys).filter(([role]) => role !== 'authority'))(
    'refuses one by the key of %s',
    async (_, key) => {
      expect(codeOf(await signWarrant(claims, key))).toBe('warrant_not_signed');
      const posing = await signWarrant(claims, { ...key, keyid: authority.keyid });
      expect(codeOf(posing)).toBe('warrant_not_signed');
    },
  );

  it('refuses `alg: none`, with and without a signature', async () => {
    for (const alg of ['none', 'NONE', 'None', '']) {
      const header = part({ alg, kid: authority.keyid, typ: 'reseal-warrant+jwt' });
      expect(codeOf(`${header}.${part(claims)}.`)).toBe('warrant_malformed');
      expect(codeOf(`${header}.${part(claims)}.${minted.split('.')[2]}`)).toBe('warrant_malformed');
    }
  });

  it('refuses HS256 with the public key as its secret, in every form of that key', async () => {
    const { publicKey } = authority;
    const forms = [
      publicKey.export({ type: 'spki', format: 'der' }),
      publicKey.export({ type: 'spki', format: 'pem' }),
      exportRolePublicKey(publicKey),
      Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    ];
    const signed = `${part({ alg: 'HS256', kid: authority.keyid, typ: 'reseal-warrant+jwt' })}.${part(claims)}`;
    for (const secret of forms) {
      const mac = createHmac('sha256', secret).update(signed).digest('base64url');
      expect(codeOf(`${signed}.${mac}`)).toBe('warrant_malformed');
    }
  });

  it('believes no key, address or extension that comes in the header', async () => {
    const mine = generateKeyPairSync('ed25519');
    const jwk = mine.publicKey.export({ format: 'jwk' });
    const payload = Buffer.from(canonicalJson(claims), 'utf8');
    const base = { alg: 'Ed25519', kid: authority.keyid, typ: 'reseal-warrant+jwt' };
    for (const more of [{ jwk }, { jku: 'https://example.com/keys' }, { x5c: ['AAAA'] }, { cty: 'JWT' }]) {
      // In the order of their names, as a header of ours would be: only what it holds can be held against it.
      const header = Object.fromEntries(Object.entries({ ...base, ...more }).sort(([a], [b]) => (a < b ? -1 : 1)));
      const sign = (key: typeof mine.privateKey) =>
        new CompactSign(payload).setProtectedHeader(header as typeof base).sign(key);
      expect(codeOf(await sign(mine.privateKey))).toBe('warrant_malformed');
      expect(codeOf(await sign(authority.privateKey))).toBe('warrant_malformed');
    }
    const token = await new CompactSign(payload).setProtectedHeader(base).sign(mine.privateKey);
    expect(codeOf(token)).toBe('warrant_not_signed');
  });

  it('refuses what the authority signed as something else', async () => {
    const payload = Buffer.from(canonicalJson(claims), 'utf8');
    for (const typ of ['JWT', 'reseal-warrant', undefined]) {
      const header = { alg: 'Ed25519', kid: authority.keyid, ...(typ === undefined ? {} : { typ }) };
      const token = await new CompactSign(payload).setProtectedHeader(header).sign(authority.privateKey);
      expect(codeOf(token)).toBe('warrant_malformed');
    }
    const { alg, ...rest } = { alg: 'EdDSA', kid: authority.keyid, typ: 'reseal-warrant+jwt' };
    const token = await new CompactSign(payload).setProtectedHeader({ alg, ...rest }).sign(authority.privateKey);
    expect(codeOf(token)).toBe('warrant_malformed');
  });

  it('refuses claims that were edited, under the signature of the old ones', async () => {
    const [header, , signature] = minted.split('.');
    const longer = { ...claims, exp: claims.exp + 60 };
    expect(codeOf(`${header}.${part(longer)}.${signature}`)).toBe('warrant_not_signed');
  });

  it('refuses claims with a member more, twice, or in another spelling', async () => {
    const sign = (text: string) =>
      new CompactSign(Buffer.from(text, 'utf8'))
        .setProtectedHeader({ alg: 'Ed25519', kid: authority.keyid, typ: 'reseal-warrant+jwt' })
        .sign(authority.privateKey);
    const text = canonicalJson(claims);
    expect(codeOf(await sign(text))).toBe('ok');
    expect(codeOf(await sign(canonicalJson({ ...claims, admin: true })))).toBe('warrant_malformed');
    expect(codeOf(await sign(text.replace('{"aud"', `{"aud":"${ROLE}","aud"`)))).toBe('warrant_malformed');
    expect(codeOf(await sign(JSON.stringify(claims, null, 1)))).toBe('warrant_malformed');
    expect(codeOf(await sign('null'))).toBe('warrant_malformed');
  });

  it('says of a missing one that it is missing', async () => {
    expect(codeOf(null)).toBe('warrant_absent');
  });

  it('refuses every change of one character, and never throws', async () => {
    for (let at = 0; at < minted.length; at += 1) {
      const other = minted[at] === 'A' ? 'B' : 'A';
      const changed = `${minted.slice(0, at)}${other}${minted.slice(at + 1)}`;
      expect(codeOf(changed), `at ${at}`).toMatch(/^warrant_(malformed|not_signed)$/);
    }
  });

  it('never throws, whatever it is given', async () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
      fc.jsonValue().map((value) => `${Buffer.from(JSON.stringify(value)).toString('base64url')}.e30.AAAA`),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(codeOf(text)).toMatch(/^warrant_/);
      }),
      { numRuns: 500 },
    );
    for (const value of [undefined, 7, {}, [], true]) expect(codeOf(value as never)).toMatch(/^warrant_/);
  });
});
