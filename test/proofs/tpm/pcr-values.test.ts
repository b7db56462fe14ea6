import { describe, expect, it } from 'vitest';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';

const A = 'ab'.repeat(32);

describe('when PCR values are read from JSON', () => {
  it('takes banks in any case, and hex as tpm2-tools print it', () => {
    const read = readPcrValues(JSON.stringify({ SHA256: { '0': A.toUpperCase(), '23': `0x${A}` } }));
    if (!read.ok) throw new Error(read.detail);
    expect([...(read.value.get('sha256') ?? [])].map(([index, value]) => [index, value.toString('hex')])).toEqual([
      [0, A],
      [23, A],
    ]);
  });

  it.each([
    ['no JSON', '{'],
    ['a member twice', `{"sha256":{"0":"${A}","0":"${A}"}}`],
    ['a bank twice', `{"sha256":{"0":"${A}"},"SHA256":{"1":"${A}"}}`],
    ['an unknown bank', `{"md5":{"0":"${A}"}}`],
    ['a list', `[{"0":"${A}"}]`],
    ['a bank without PCRs', '{"sha256":null}'],
    ['an index with a zero before it', `{"sha256":{"00":"${A}"}}`],
    ['an index that no TPM has', `{"sha256":{"32":"${A}"}}`],
    ['a value that is too short', '{"sha256":{"0":"abab"}}'],
    ['a value of another bank', `{"sha384":{"0":"${A}"}}`],
    ['a number', '{"sha256":{"0":0}}'],
    ['no hex', `{"sha256":{"0":"${'xy'.repeat(32)}"}}`],
    ['more than 64 KiB', `{"sha256":{"0":"${A}"}${' '.repeat(70_000)}}`],
  ])('refuses %s', (_name, text) => {
    expect(readPcrValues(text)).toMatchObject({ ok: false, fault: 'not_pcr_values' });
  });
});
