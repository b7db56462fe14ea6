import { constants } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ATTESTATION_CHECK_CODES, attestationReportSchema } from '../../../domain/attestation.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import type { QuoteEvidence } from '../../../proofs/tpm/authentic-quote.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { verifyQuote, type QuoteExpectation } from '../../../proofs/tpm/verify-quote.js';
import {
  AK_ATTRIBUTES,
  ATTRIBUTES,
  attest,
  evidenceOf,
  failuresOf,
  HASH_IDS,
  NONCE,
  selectionOf,
  softwareAk,
  u16,
  VALUES,
  pcrPolicy,
  type Attested,
  type SoftwareAk,
  type Values,
} from './software-quote.js';

const ak = softwareAk('rsassa');
const failures = (evidence: QuoteEvidence, expected: QuoteExpectation = { nonce: NONCE }): string[] =>
  failuresOf(verifyQuote(evidence, expected));
/** Of a quote that the key really signed. */
const failuresSigned = (changed: Partial<Attested>, expected?: QuoteExpectation, values: Values = VALUES): string[] =>
  failures(evidenceOf(ak, attest(changed), values), expected);
const withKey = (options: Parameters<typeof softwareAk>[1]): string[] =>
  failures(evidenceOf(softwareAk('rsassa', options)));

describe('when a quote is verified', () => {
  it.each([
    ['rsassa', softwareAk('rsassa', { hash: 'sha384' })],
    ['rsapss', softwareAk('rsapss')],
    ['ecdsa on P-256', softwareAk('ecdsa')],
    ['ecdsa on P-384', softwareAk('ecdsa', { curve: 'P-384', hash: 'sha384' })],
  ])('accepts one in %s', (_name, key) => {
    const by = key.area.includes(u16(HASH_IDS.sha384)) && key.sign(NONCE).readUInt16BE(2) === HASH_IDS.sha384;
    const report = verifyQuote(evidenceOf(key, attest({}, VALUES, by ? 'sha384' : 'sha256')), { nonce: NONCE });
    expect(failuresOf(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(attestationReportSchema.parse(report)).toEqual(report);
    expect(report.quoted).toMatchObject({ selection: 'sha256:0,7,16', nonce: NONCE.toString('hex'), reset_count: 5 });
  });

  it('makes the checks in their order, and says of each that was not made why', () => {
    const report = verifyQuote(evidenceOf(ak), { nonce: NONCE });
    const made = report.checks.map(({ code }) => code);
    expect(made).toEqual(ATTESTATION_CHECK_CODES.filter((code) => made.includes(code)));
    const all = [...made, ...report.not_checked.map(({ code }) => code)];
    expect(all.sort()).toEqual([...ATTESTATION_CHECK_CODES].sort());
    expect(report.not_checked.every(({ detail }) => detail.length > 10)).toBe(true);
  });

  it('takes RSAPSS with the longest salt that the key allows, as older TPMs make it', () => {
    const pss = softwareAk('rsapss');
    const quote = attest();
    const signature = pss.sign(quote, { salt: constants.RSA_PSS_SALTLEN_MAX_SIGN });
    expect(failures({ ...evidenceOf(pss, quote), signature })).toEqual([]);
  });

  it('takes a PEM, and says what that leaves unchecked', () => {
    const report = verifyQuote({ ...evidenceOf(ak), ak: readAttestationKey(Buffer.from(ak.pem)) }, { nonce: NONCE });
    expect(report.ok).toBe(true);
    expect(report.not_checked.map(({ code }) => code)).toContain('AK_ATTRIBUTES');
  });
});

describe('when the evidence itself is wrong, nothing after it is judged, and it', () => {
  const other = softwareAk('rsassa');
  const flipped = Buffer.from(evidenceOf(ak).signature);
  flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40);
  const refused: [string, QuoteEvidence][] = [
    ['EVIDENCE_MALFORMED', { ...evidenceOf(ak), quote: Buffer.alloc(10) }],
    ['EVIDENCE_MALFORMED', { ...evidenceOf(ak), signature: Buffer.alloc(0) }],
    ['EVIDENCE_MALFORMED', { ...evidenceOf(ak), ak: readAttestationKey(Buffer.alloc(4)) }],
    ['EVIDENCE_MALFORMED', { ...evidenceOf(ak), pcrs: readPcrValues('[]') }],
    ['BAD_SIGNATURE', { ...evidenceOf(ak), signature: flipped }],
    ['BAD_SIGNATURE', { ...evidenceOf(ak), signature: other.sign(attest()) }],
    ['BAD_SIGNATURE', { ...evidenceOf(ak), quote: attest({ resets: 6 }) }],
    ['SCHEME', { ...evidenceOf(ak), signature: ak.sign(attest(), { scheme: 'rsapss' }) }],
    ['SCHEME', { ...evidenceOf(ak), signature: ak.sign(attest(), { hash: 'sha512' }) }],
    ['SCHEME', { ...evidenceOf(ak), signature: softwareAk('ecdsa').sign(attest()) }],
  ];
  it.each(refused)('is refused as %s', (code, evidence) => {
    const report = verifyQuote({ ...evidence, eventLog: Buffer.alloc(4) }, { nonce: Buffer.alloc(32) });
    expect(failuresOf(report)).toEqual([code]);
    expect(report).toMatchObject({ ok: false, quoted: null });
    expect(report.not_checked.find((check) => check.code === 'EVENTLOG_MISMATCH')?.detail).toContain('not reached');
  });

  it('is refused when the key is not bound to one TPM, or would sign anything', () => {
    const { fixedTPM, fixedParent, origin, restricted, sign, decrypt } = ATTRIBUTES;
    for (const missing of [fixedTPM, fixedParent, origin, restricted, sign])
      expect(withKey({ attributes: AK_ATTRIBUTES & ~missing })).toEqual(['AK_ATTRIBUTES']);
    expect(withKey({ attributes: AK_ATTRIBUTES | decrypt })).toEqual(['AK_ATTRIBUTES']);
  });

  it('is refused when the key is bound to no scheme, or is too short', () => {
    expect(withKey({ keyScheme: u16(0x10) })).toEqual(['SCHEME']);
    expect(withKey({ bits: 1024 })).toEqual(['SCHEME']);
  });

  it('is refused for SHA-1, in the signature, the Name of the key and the bank', () => {
    const sha1 = softwareAk('rsassa', { hash: 'sha1' });
    expect(failures(evidenceOf(sha1, attest({}, VALUES, 'sha1')))).toEqual(['WEAK_HASH']);
    expect(withKey({ nameAlgorithm: 'sha1' })).toEqual(['WEAK_HASH']);
    const values = { sha1: { '0': '11'.repeat(20) } };
    expect(failures(evidenceOf(ak, attest({}, values), values))).toEqual(['WEAK_HASH']);
    const both = { ...VALUES, ...values };
    expect(failures(evidenceOf(ak, attest({}, both), both))).toEqual(['WEAK_HASH']);
  });
});

describe('when a genuine quote says something else than expected, it is refused', () => {
  it.each([
    ['another nonce', { nonce: Buffer.alloc(32, 1) }],
    ['the nonce shortened', { nonce: NONCE.subarray(0, 31) }],
    ['no nonce', { nonce: Buffer.alloc(0) }],
  ])('for %s', (_name, changed) => {
    expect(failuresSigned(changed)).toEqual(['NONCE_MISMATCH']);
  });

  it('for a nonce that could be met by chance, even when it is the one', () => {
    const nonce = Buffer.alloc(15, 7);
    expect(failuresSigned({ nonce }, { nonce })).toEqual(['NONCE_MISMATCH']);
  });

  it('for a PCR that is shown and was not quoted, and for one that was quoted and is not shown', () => {
    const { sha256 = {} } = VALUES;
    const { 7: _left, ...fewer } = sha256;
    const show = (values: Values): string[] =>
      failures({ ...evidenceOf(ak), pcrs: readPcrValues(JSON.stringify(values)) });
    expect(show({ sha256: { ...sha256, '8': '00'.repeat(32) } })).toEqual(['PCR_NOT_QUOTED']);
    expect(show({ ...VALUES, sha384: { '0': '00'.repeat(48) } })).toEqual(['PCR_NOT_QUOTED']);
    expect(show({ sha256: fewer })).toEqual(['PCR_NOT_QUOTED', 'PCR_DIGEST_MISMATCH']);
    expect(show({})).toEqual(['PCR_NOT_QUOTED', 'PCR_DIGEST_MISMATCH']);
  });

  it('for values of another PCR, and for another value', () => {
    const { sha256 = {} } = VALUES;
    const masquerade = { sha256: { ...sha256, '0': sha256['7'] ?? '', '7': sha256['0'] ?? '' } };
    const evidence = { ...evidenceOf(ak), pcrs: readPcrValues(JSON.stringify(masquerade)) };
    expect(failures(evidence)).toEqual(['PCR_DIGEST_MISMATCH']);
    expect(failuresSigned({ selection: selectionOf({ sha256: { '1': '', '7': '', '16': '' } }) })).toEqual([
      'PCR_NOT_QUOTED',
      'PCR_DIGEST_MISMATCH',
    ]);
  });

  it('and everything that is wrong is named in one report', () => {
    const evidence = {
      ...evidenceOf(ak, attest({ nonce: Buffer.alloc(32, 9), safe: 0, clock: 1n })),
      pcrs: readPcrValues('{}'),
    };
    const earlier = { clock: 5n, resetCount: 9, restartCount: 0, firmwareVersion: 1n };
    expect(failures(evidence, { nonce: NONCE, earlier, rebooted: true })).toEqual([
      'NONCE_MISMATCH',
      'PCR_NOT_QUOTED',
      'PCR_DIGEST_MISMATCH',
      'FIRMWARE_CHANGED',
      'RESET_COUNT_BACK',
      'CLOCK_BACK',
      'NO_REBOOT_SINCE_CONTAINMENT',
      'CLOCK_UNSAFE',
    ]);
  });
});

describe('when a quote is held against an earlier one', () => {
  const before = { clock: 900_000n, resetCount: 5, restartCount: 2, firmwareVersion: 0x20240101_00120000n };
  const since = (changed: Partial<Attested>, earlier = before, rebooted = false): string[] =>
    failuresSigned(changed, { nonce: NONCE, earlier, rebooted });

  it('takes a resume, a reset, and a reset after resumes', () => {
    expect(since({ restarts: 3 })).toEqual([]);
    expect(since({ resets: 6, restarts: 0 })).toEqual([]);
    expect(since({ resets: 6, restarts: 0 }, before, true)).toEqual([]);
  });

  it('takes a power cut with a reset, even when the clock lost its last minutes', () => {
    expect(since({ resets: 6, restarts: 0, safe: 0 })).toEqual([]);
    expect(since({ resets: 6, restarts: 0, safe: 0, clock: 800_000n })).toEqual([]);
  });

  it('counts with wrapped counters, as keys of the owner hierarchy see them', () => {
    const owner = { ...before, resetCount: 0xffffffff };
    expect(since({ resets: 0 }, owner, true)).toEqual([]);
    expect(since({ resets: 0xfffffffe }, owner)).toEqual(['RESET_COUNT_BACK']);
  });

  it('says without one that the TPM does not know its clock, and leaves the verdict to the reader', () => {
    const report = verifyQuote(evidenceOf(ak, attest({ safe: 0 })), { nonce: NONCE });
    expect(report.ok).toBe(true);
    expect(report.not_checked.find(({ code }) => code === 'CLOCK_UNSAFE')?.detail).toContain('safe: no');
  });

  it('refuses what goes back, and a missing reset only when one was asked for', () => {
    expect(since({ resets: 4 })).toEqual(['RESET_COUNT_BACK']);
    expect(since({ restarts: 1 })).toEqual(['RESET_COUNT_BACK']);
    expect(since({ clock: 899_999n })).toEqual(['CLOCK_BACK']);
    expect(since({ clock: 899_999n, resets: 6 })).toEqual(['CLOCK_BACK']);
    expect(since({ firmware: 1n })).toEqual(['FIRMWARE_CHANGED']);
    expect(since({ safe: 0 })).toEqual(['CLOCK_UNSAFE']);
    expect(since({}, before, true)).toEqual(['NO_REBOOT_SINCE_CONTAINMENT']);
    expect(since({ restarts: 9 }, before, true)).toEqual(['NO_REBOOT_SINCE_CONTAINMENT']);
  });
});

describe('when a genuine piece of evidence is changed at random', () => {
  /** Mulberry32: the same mutations on every machine. */
  const random = ((seed: number) => (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  })(20261121);
  const below = (most: number): number => Math.floor(random() * most);

  function mutated(bytes: Buffer): Buffer {
    const at = below(bytes.length);
    switch (below(5)) {
      case 0:
        return bytes.subarray(0, at);
      case 1:
        return Buffer.concat([bytes.subarray(0, at), Buffer.of(below(256)), bytes.subarray(at)]);
      case 2:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]);
      default: {
        const changed = Buffer.from(bytes);
        for (let count = 0; count <= below(4); count += 1) changed.writeUInt8(below(256), below(bytes.length));
        return changed;
      }
    }
  }

  /** Spaces and letter case between the values are no change of them. */
  const sameValues = (one: Buffer, other: Buffer): boolean => {
    const spoken = (bytes: Buffer): string => bytes.toString('latin1').toLowerCase().replace(/\s/g, '');
    return spoken(one) === spoken(other);
  };

  it.each([
    ['rsassa', softwareAk('rsassa')],
    ['rsapss', softwareAk('rsapss')],
    ['ecdsa', softwareAk('ecdsa')],
  ] as [string, SoftwareAk][])('7,000 times (%s), none is accepted and none throws', (_name, key) => {
    const genuine = evidenceOf(key);
    const name = genuine.ak.ok ? (genuine.ak.value.area?.name.toString('hex') ?? '') : '';
    const policy = pcrPolicy({ aks: [{ name }] });
    const parts = {
      quote: Buffer.from(genuine.quote),
      signature: Buffer.from(genuine.signature),
      area: key.area,
      values: Buffer.from(JSON.stringify(VALUES)),
    };
    expect(failures(genuine, { nonce: NONCE, policy })).toEqual([]);
    const accepted: string[] = [];
    let tried = 0;
    while (tried < 7_000) {
      const part = (['quote', 'quote', 'signature', 'area', 'values'] as const)[below(5)] ?? 'quote';
      const changed = mutated(parts[part]);
      if (changed.equals(parts[part]) || (part === 'values' && sameValues(changed, parts.values))) continue;
      tried += 1;
      const { quote, signature, area, values }: typeof parts = { ...parts, ...{ [part]: changed } };
      const ak = part === 'area' ? readAttestationKey(area) : genuine.ak;
      const pcrs = part === 'values' ? readPcrValues(values) : genuine.pcrs;
      if (verifyQuote({ quote, signature, ak, pcrs }, { nonce: NONCE, policy }).ok)
        accepted.push(`${part}: ${changed.toString('hex')}`);
    }
    expect(accepted).toEqual([]);
  });
});
