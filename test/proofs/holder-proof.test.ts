import { beforeAll, describe, expect, it } from 'vitest';

import { TOOLS } from '../../domain/contract.js';
import { signCompact } from '../../proofs/compact-jws.js';
import {
  generateHolderKey,
  judgeHolding,
  proveHolding,
  thumbprintOf,
  type ProvenCall,
} from '../../proofs/holder-proof.js';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const holder = generateHolderKey();
const call: ProvenCall = { token: 'a.b.c', tool: TOOLS.read, body: { target: { principal_id: 'x' } } };
let proof: string;
beforeAll(async () => {
  proof = await proveHolding(call, holder, NOW);
});

const judge = async (over: Partial<Parameters<typeof judgeHolding>[1]> = {}, text = proof): Promise<string> => {
  const verdict = judgeHolding(text, { ...call, jkt: thumbprintOf(holder.holder), nowMs: NOW, ...over });
  return verdict.ok ? 'ok' : verdict.code;
};

describe('a proof of possession', () => {
  it('counts for the call that it was made for', async () => {
    expect(await judge()).toBe('ok');
  });

  it('has the thumbprint of the example in RFC 8037', () => {
    // Appendix A.3.
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    expect(thumbprintOf(x)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  it('is refused for another token, tool or body', async () => {
    expect(await judge({ token: 'a.b.d' })).toBe('proof_foreign');
    expect(await judge({ tool: TOOLS.write })).toBe('proof_foreign');
    expect(await judge({ body: { target: { principal_id: 'y' } } })).toBe('proof_foreign');
    expect(await judge({ body: undefined })).toBe('proof_foreign');
  });

  it("is refused where it is not by the token's own holder", async () => {
    expect(await judge({ jkt: thumbprintOf(generateHolderKey().holder) })).toBe('holder_mismatch');
  });

  it('is over after a minute, and not good before its time', async () => {
    expect(await judge({ nowMs: NOW + 59_999 })).toBe('ok');
    expect(await judge({ nowMs: NOW + 60_000 })).toBe('proof_stale');
    expect(await judge({ nowMs: NOW - 60_000 })).toBe('ok');
    expect(await judge({ nowMs: NOW - 60_001 })).toBe('proof_stale');
  });

  it('is refused when anything in it was changed', async () => {
    const [header, , signature] = proof.split('.');
    const claims = Buffer.from('{"jti":"none"}').toString('base64url');
    expect(await judge({}, `${header}.${claims}.${signature}`)).toBe('proof_not_signed');
    expect(await judge({}, `${proof}=`)).toBe('proof_malformed');
    expect(await judge({}, 'x'.repeat(3000))).toBe('proof_malformed');
  });

  it.each([
    ['a small-order key, under which anybody can sign', { crv: 'Ed25519', kty: 'OKP', x: 'A'.repeat(43) }],
    ['a private key', { crv: 'Ed25519', kty: 'OKP', x: holder.holder, d: 'A'.repeat(43) }],
    ['no key', null],
  ])('is refused with %s in its header', async (_, jwk) => {
    const forged = await signCompact({}, { typ: 'reseal-proof+jwt', jwk }, holder.privateKey);
    expect(await judge({}, forged)).toBe('proof_not_signed');
  });

  it('is refused as a token of another kind', async () => {
    const jwk = { crv: 'Ed25519', kty: 'OKP', x: holder.holder };
    const forged = await signCompact({}, { typ: 'dpop+jwt', jwk }, holder.privateKey);
    expect(await judge({}, forged)).toBe('proof_malformed');
  });
});
