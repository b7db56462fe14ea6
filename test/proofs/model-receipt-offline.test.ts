import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import { proveJobs } from '../../proofs/bundle-jobs.js';
import { BundleFindings } from '../../proofs/bundle-report.js';
import { signDsse } from '../../proofs/dsse.js';
import { judgeModelReceipt, modelReceiptKeySchema, type ModelReceiptKey } from '../../proofs/model-receipt.js';
import { signerOfReceipt } from '../../proofs/model-receipt-offline.js';
import { parseTrust, trustFileText, type Trust } from '../../proofs/trust.js';
import { entryOf, roster, T0, trustedRoles } from './ceremony-people.js';
import { fullCeremony, sign } from './full-ceremony.js';

const pairs: Record<ModelReceiptKey['alg'], { publicKey: KeyObject; privateKey: KeyObject }> = {
  Ed25519: generateKeyPairSync('ed25519'),
  EdDSA: generateKeyPairSync('ed25519'),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const algs = Object.keys(pairs) as ModelReceiptKey['alg'][];
const keys = algs.map((alg) =>
  modelReceiptKeySchema.parse({
    name: alg.toLowerCase(),
    alg,
    jwk: pairs[alg].publicKey.export({ format: 'jwk' }),
  }),
);
const jws = (alg: ModelReceiptKey['alg'], by = alg, more: object = {}): Promise<string> =>
  new CompactSign(Buffer.from('{"model":"m"}')).setProtectedHeader({ alg, ...more }).sign(pairs[by].privateKey);
const envelope = signDsse({
  payloadType: 'application/json',
  payload: Buffer.from('{"model":"m"}'),
  key: { keyid: 'f'.repeat(64), privateKey: pairs.Ed25519.privateKey },
});

describe('a receipt of a model call in a ledger', () => {
  it.each(algs)('is verified by node alone as when it was handed in: %s', async (alg) => {
    const receipt = await jws(alg);
    const judged = await judgeModelReceipt({ receipt }, keys);
    expect(judged).toMatchObject({ ok: true });
    expect(signerOfReceipt(receipt, keys)).toEqual({
      name: alg.toLowerCase(),
      digest: judged.ok ? judged.digest : '',
    });
    const others = keys.filter(({ name }) => name !== alg.toLowerCase());
    expect(signerOfReceipt(receipt, others)).toBeUndefined();
  });

  it('is verified in a DSSE envelope', () => {
    expect(signerOfReceipt(envelope, keys)?.name).toBe('ed25519');
    const changed = { ...envelope, payload: Buffer.from('{"model":"x"}').toString('base64') };
    expect(signerOfReceipt(changed, keys)).toBeUndefined();
  });

  it.each<[string, (token: string) => string]>([
    ['another payload', (token) => token.replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`)],
    ['another algorithm', (token) => token.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url'))],
    ['a header that is no JSON', (token) => token.replace(/^[^.]+/, 'eA')],
    ['a part more', (token) => `${token}.`],
    ['padding', (token) => `${token}=`],
    ['nothing at all', () => ''],
  ])('is refused with %s, here and when it is handed in', async (_, change) => {
    const receipt = change(await jws('ES256'));
    expect(signerOfReceipt(receipt, keys)).toBeUndefined();
    expect(await judgeModelReceipt({ receipt }, keys)).toMatchObject({ ok: false });
  });
});

describe('a bundle with receipts of model calls', () => {
  let receipt: string;
  let digest: string;
  beforeAll(async () => {
    receipt = await jws('ES256');
    ({ digest } = signerOfReceipt(receipt, keys) ?? { digest: '' });
  });

  const trustWith = (modelReceiptKeys: readonly ModelReceiptKey[] | undefined): Trust => {
    const file = JSON.parse(trustFileText({ roles: trustedRoles, roster })) as object;
    const named = modelReceiptKeys === undefined ? {} : { model_receipt_keys: modelReceiptKeys };
    const parsed = parseTrust(JSON.stringify({ ...file, ...named }));
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.trust;
  };
  const proven = (data: Record<string, unknown>, trust: Trust) => {
    const { request, intent } = fullCeremony();
    const entry = entryOf(request.event_id, 'model_receipt', 'tool/0', T0, data);
    const findings = new BundleFindings();
    const authority = { request, acts: [], intent: { seq: 2, intent } };
    const entries = [{ seq: 3, entry, body: sign(entry).envelope }];
    proveJobs(authority as never, { policy: {} } as never, entries, trust, findings);
    return findings;
  };

  it('has them verified again by the keys of the trust file', () => {
    const { errors, facts, notVerified } = proven({ digest, receipt }, trustWith(keys));
    expect({ errors, notVerified, receipts: facts.model_receipts }).toEqual({
      errors: [],
      notVerified: [],
      receipts: 1,
    });
  });

  it('says whose word they are where the trust file names no keys', () => {
    const { errors, notVerified } = proven({ digest, receipt }, trustWith(undefined));
    expect(errors).toEqual([]);
    expect(notVerified).toEqual([expect.stringContaining("the verifier's entries say so")]);
  });

  it.each<[string, () => [Record<string, unknown>, readonly ModelReceiptKey[]], string]>([
    ['by a key that the trust file does not name', () => [{ digest, receipt }, keys.slice(0, 2)], 'no key in'],
    ['by none, as the file wants no gateway', () => [{ digest, receipt }, []], 'no key in'],
    ['and named by another digest', () => [{ digest: 'a'.repeat(64), receipt }, keys], 'another receipt'],
    ['and left out', () => [{ digest }, keys], 'it carries no receipt'],
  ])('fails where one was signed %s', (_, given, message) => {
    const [data, named] = given();
    const { errors, facts } = proven(data, trustWith(named));
    expect(errors).toMatchObject([{ code: 'job_unproven', where: 'entries[2].body' }]);
    expect(errors[0]?.message).toContain(message);
    expect(facts.model_receipts).toBe(0);
  });
});
