import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { parseQuote, type Quote } from '../../../proofs/tpm/quote.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { QuotingHost, type AkName, type Quoted } from './quoting-host.js';
import { attest, failuresOf, pcrPolicy, softwareAk } from './software-quote.js';

const missing = swtpmMissing();
const INDICES = [0, 4, 7, 16];
const NONCE = randomBytes(32).toString('hex');
const nonce = Buffer.from(NONCE, 'hex');

const quoteIn = ({ evidence }: Quoted): Quote => {
  const parsed = parseQuote(evidence.quote);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.value;
};

/** Quotes that a TPM made and tpm2-tools asked for: the verifier has no part in them. */
describe.skipIf(missing !== null)(`quotes of a software TPM${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let host: QuotingHost;
  let good: Quoted;
  beforeAll(async () => {
    host = await QuotingHost.start();
    await host.extend(7, 'ab'.repeat(32));
    good = await host.quote('rsassa', INDICES, NONCE);
  });
  afterAll(() => host?.stop());
  const failures = (quoted: Quoted, more: Parameters<typeof verifyQuote>[1] = {}): string[] =>
    failuresOf(verifyQuote(quoted.evidence, { nonce, ...more }));

  it.each([
    ['rsassa', true],
    ['ecdsa', true],
    // tpm2_checkquote 5.4 refuses every RSAPSS quote: there the verifier is the only judge.
    ['rsapss', null],
  ] as [AkName, boolean | null][])('verify in %s, with every check that can be made', async (ak, oracle) => {
    const quoted = await host.quote(ak, INDICES, NONCE);
    const name = quoted.evidence.ak.ok ? (quoted.evidence.ak.value.area?.name.toString('hex') ?? '') : '';
    expect(name).toBe((await host.read(`${ak}.name`)).toString('hex'));
    const policy = pcrPolicy({ aks: [{ name }] }, await host.pcrs(INDICES));
    const report = verifyQuote(quoted.evidence, { nonce, policy, ek: await host.endorsementKey() });
    expect(failuresOf(report)).toEqual([]);
    expect(report.checks.map(({ code }) => code)).toEqual([
      'EVIDENCE_MALFORMED',
      'AK_NOT_ENROLLED',
      'AK_ATTRIBUTES',
      'SCHEME',
      'WEAK_HASH',
      'BAD_SIGNATURE',
      'NONCE_MISMATCH',
      'AK_NOT_CHILD_OF_EK',
      'PCR_NOT_QUOTED',
      'PCR_DIGEST_MISMATCH',
      'PCR_NOT_GOLDEN',
    ]);
    if (oracle !== null) expect(await quoted.checkedBy(NONCE)).toBe(oracle);
  });

  it('are refused with another key of the same TPM, as tpm2_checkquote refuses them', async () => {
    const quoted = await host.quote('ecdsa', INDICES, NONCE);
    const evidence = { ...quoted.evidence, ak: readAttestationKey(await host.read('owner.pub')) };
    expect(failuresOf(verifyQuote(evidence, { nonce }))).toEqual(['BAD_SIGNATURE']);
    expect(await quoted.checkedBy(NONCE, 'owner')).toBe(false);
  });

  it('are refused when software made them, however well', async () => {
    const ak = softwareAk('rsassa');
    const real = quoteIn(good);
    const values = await host.pcrs(INDICES);
    const quote = attest({ nonce, signer: real.qualifiedSigner, resets: real.resetCount }, values);
    const forged = {
      quote,
      signature: ak.sign(quote),
      ak: readAttestationKey(ak.area),
      pcrs: readPcrValues(JSON.stringify(values)),
    };
    const name = good.evidence.ak.ok ? (good.evidence.ak.value.area?.name.toString('hex') ?? '') : '';
    const policy = pcrPolicy({ aks: [{ name }] }, values);
    expect(failuresOf(verifyQuote(forged, { nonce, policy }))).toEqual(['AK_NOT_ENROLLED']);
    expect(failuresOf(verifyQuote({ ...forged, ak: good.evidence.ak }, { nonce, policy }))).toEqual(['BAD_SIGNATURE']);
  });

  it('are refused for the nonce of another day, as tpm2_checkquote refuses them', async () => {
    const fresh = randomBytes(32);
    expect(failures(good, { nonce: fresh })).toEqual(['NONCE_MISMATCH']);
    expect(await good.checkedBy(fresh.toString('hex'))).toBe(false);
  });

  it('are refused when the host chose which PCRs to show', async () => {
    const policy = pcrPolicy({}, await host.pcrs(INDICES));
    const quoted = await host.quote('ecdsa', [0, 4, 16], NONCE);
    expect(failures(quoted, { policy })).toEqual(['PCR_NOT_QUOTED', 'PCR_NOT_GOLDEN']);
  });

  it('are refused with a value too many, a value too few, and a value of another PCR', async () => {
    const show = async (indices: number[]): Promise<string[]> => {
      const pcrs = readPcrValues(JSON.stringify(await host.pcrs(indices)));
      return failuresOf(verifyQuote({ ...good.evidence, pcrs }, { nonce }));
    };
    expect(await show([...INDICES, 17])).toEqual(['PCR_NOT_QUOTED']);
    expect(await show([0, 4, 7])).toEqual(['PCR_NOT_QUOTED', 'PCR_DIGEST_MISMATCH']);
    expect(await show([0, 4, 6, 16])).toEqual(['PCR_NOT_QUOTED', 'PCR_DIGEST_MISMATCH']);
  });

  it('are refused when a PCR moved between reading and quoting', async () => {
    const between = (): Promise<void> => host.extend(10, 'cd'.repeat(32));
    const torn = await host.quote('ecdsa', [0, 10], NONCE, { between });
    expect(failures(torn)).toEqual(['PCR_DIGEST_MISMATCH']);
  });

  it('are refused from a bank of SHA-1', async () => {
    expect(failures(await host.quote('ecdsa', [0, 7], NONCE, { bank: 'sha1' }))).toEqual(['WEAK_HASH']);
  });

  it('are refused under the endorsement key when their key is of the owner', async () => {
    expect(failures(await host.quote('owner', [0], NONCE), { ek: await host.endorsementKey() })).toEqual([
      'AK_NOT_CHILD_OF_EK',
    ]);
  });

  it('tell a resume, a reset and a power cut apart, for keys of both hierarchies', async () => {
    const keys = ['rsassa', 'owner'] as const;
    const quoteAll = async (): Promise<Quoted[]> => {
      const quoted: Quoted[] = [];
      for (const ak of keys) quoted.push(await host.quote(ak, [0], NONCE));
      return quoted;
    };
    const first = await quoteAll();
    await host.boot('restart');
    const resumed = await quoteAll();
    await host.boot('reset');
    const reset = await quoteAll();
    await host.boot('power cut');
    const cut = await quoteAll();
    const since = (after: Quoted[], before: Quoted[], rebooted = false): string[][] =>
      after.map((quoted, at) => failures(quoted, { earlier: quoteIn(before[at] ?? quoted), rebooted }));
    const each = (...codes: string[]): string[][] => keys.map(() => codes);

    expect(since(resumed, first)).toEqual(each());
    expect(since(resumed, first, true)).toEqual(each('NO_REBOOT_SINCE_CONTAINMENT'));
    // The restart count is back at 0 here: that is no fault.
    expect(since(reset, resumed, true)).toEqual(each());
    expect(since(resumed, reset)).toEqual(each('RESET_COUNT_BACK', 'CLOCK_BACK'));
    expect(since(cut, reset, true)).toEqual(each());
    // The TPM writes its clock down every few seconds, and calls it safe from then on: a slow machine may see that.
    const unsafe = cut.map((quoted) => !quoteIn(quoted).safe);
    expect(since(cut, cut)).toEqual(unsafe.map((is) => (is ? ['CLOCK_UNSAFE'] : [])));
    expect(unsafe[0]).toBe(true);
  });
});
