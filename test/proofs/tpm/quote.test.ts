import { describe, expect, it } from 'vitest';
import { parseQuote } from '../../../proofs/tpm/quote.js';
import { attest, NONCE, selectionOf, u16, u32, u8 } from './software-quote.js';

const faultOf = (bytes: Uint8Array): string => {
  const parsed = parseQuote(bytes);
  return parsed.ok ? 'none' : parsed.fault;
};

/** One bank with the bitmap as it is. */
const bank = (id: number, ...bitmap: number[]): Buffer =>
  Buffer.concat([u16(id), u8(bitmap.length), Buffer.from(bitmap)]);
const banks = (...list: Buffer[]): Buffer => Buffer.concat([u32(list.length), ...list]);

describe('when the signed bytes of a quote are parsed', () => {
  it('reads every member', () => {
    const parsed = parseQuote(attest());
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        extraData: NONCE,
        clock: 1_000_000n,
        resetCount: 5,
        restartCount: 2,
        safe: true,
        firmwareVersion: 0x20240101_00120000n,
        selection: [{ bank: { name: 'sha256' }, indices: [0, 7, 16] }],
      },
    });
  });

  it('refuses it one byte short, wherever it is cut', () => {
    const whole = attest();
    for (let length = 0; length < whole.length; length += 1)
      expect(faultOf(whole.subarray(0, length))).toBe('truncated');
  });

  it.each([
    ['trailing_bytes', Buffer.concat([attest(), u8(0)])],
    ['too_large', Buffer.alloc(1025)],
    ['wrong_magic', attest({ magic: 0xff544346 })],
    ['wrong_type', attest({ type: 0x8017 })],
    ['out_of_range', attest({ safe: 2 })],
    ['out_of_range', attest({ nonce: Buffer.alloc(67) })],
    ['out_of_range', attest({ signer: Buffer.alloc(67) })],
    ['out_of_range', attest({ pcrDigest: Buffer.alloc(65) })],
    ['out_of_range', attest({ selection: banks(bank(0xb)) })],
    ['out_of_range', attest({ selection: banks(bank(0xb, 1, 0, 0, 0, 0)) })],
    ['out_of_range', attest({ selection: u32(0xffffffff) })],
    ['unknown_algorithm', attest({ selection: banks(bank(0x10, 1, 0, 0)) })],
    ['duplicate_bank', attest({ selection: banks(bank(0xb, 1, 0, 0), bank(0xb, 2, 0, 0)) })],
    ['empty_selection', attest({ selection: banks() })],
    ['empty_selection', attest({ selection: banks(bank(0xb, 0, 0, 0)) })],
  ])('refuses it as %s', (fault, bytes) => {
    expect(faultOf(bytes)).toBe(fault);
  });

  it('says where, and repeats no bytes', () => {
    const parsed = parseQuote(attest({ safe: 2 }));
    expect(parsed.ok ? '' : parsed.detail).toMatch(/^TPMS_ATTEST: .*byte/);
    expect(selectionOf({ sha256: { '0': '' } }).toString('hex')).toBe('00000001000b03010000');
  });
});
