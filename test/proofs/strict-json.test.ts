import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalJson } from '../../proofs/canonical-json.js';
import { parseCanonicalJson, parseStrictJson } from '../../proofs/strict-json.js';

function reasonOf(text: string | Uint8Array, limits = {}): string {
  const result = parseStrictJson(text, limits);
  return result.ok ? 'accepted' : result.reason;
}

describe('parseStrictJson', () => {
  it.each([
    ['a duplicate member', '{"a":1,"a":1}', 'duplicate_member'],
    ['a duplicate behind an escape', '{"a":1,"\\u0061":2}', 'duplicate_member'],
    ['a duplicate deep inside', '[{"x":{"a":1,"b":2,"a":3}}]', 'duplicate_member'],
    ['__proto__', '{"__proto__":{"admin":true}}', 'forbidden_member'],
    ['__proto__ behind an escape', '{"\\u005f_proto__":1}', 'forbidden_member'],
    ['a lone surrogate', '"\\ud800"', 'lone_surrogate'],
    ['a lone surrogate in a name', '{"\\udfff":1}', 'lone_surrogate'],
    ['a bare lone surrogate', '"\ud800"', 'lone_surrogate'],
    ['a number beyond doubles', '1e999', 'number_out_of_range'],
    ['a leading zero', '01', 'syntax'],
    ['a plus', '+1', 'syntax'],
    ['a bare point', '1.', 'syntax'],
    ['hexadecimal', '0x10', 'syntax'],
    ['NaN', 'NaN', 'syntax'],
    ['a trailing comma', '[1,]', 'syntax'],
    ['a trailing comma in an object', '{"a":1,}', 'syntax'],
    ['a comment', '[1/*x*/]', 'syntax'],
    ['single quotes', "'a'", 'syntax'],
    ['a bare newline in a string', '"a\nb"', 'syntax'],
    ['a bad escape', '"\\x41"', 'syntax'],
    ['an unfinished string', '"a', 'syntax'],
    ['an unfinished escape', '"a\\', 'syntax'],
    ['two values', '1 2', 'syntax'],
    ['a byte order mark', '\ufeff1', 'syntax'],
    ['a no-break space', '\u00a01', 'syntax'],
    ['nothing', '', 'syntax'],
    ['a missing colon', '{"a" 1}', 'syntax'],
    ['a wrong bracket', '[1}', 'syntax'],
  ])('refuses %s', (_name, text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('refuses bytes that are not UTF-8: overlong, surrogate, cut', () => {
    for (const hex of ['22c0af22', '22eda08022', '22e282', '22ff22']) {
      expect(reasonOf(Buffer.from(hex, 'hex'))).toBe('invalid_utf8');
    }
    expect(parseStrictJson(Buffer.from('"€"'))).toEqual({ ok: true, value: '€' });
  });

  it('bounds size in bytes and depth', () => {
    expect(reasonOf('"€€"', { maxBytes: 8 })).toBe('accepted');
    expect(reasonOf('"€€"', { maxBytes: 7 })).toBe('too_large');
    expect(reasonOf('[[1]]', { maxDepth: 2 })).toBe('accepted');
    expect(reasonOf('[{"a":[]}]', { maxDepth: 2 })).toBe('too_deep');
    expect(reasonOf('['.repeat(500_000))).toBe('too_deep');
    expect(reasonOf('{"a":'.repeat(100_000), { maxDepth: 1_000_000 })).toBe('too_deep');
  });

  it('reads a long string of escapes', () => {
    const text = canonicalJson('"\n'.repeat(200_000));
    expect(reasonOf(text)).toBe('accepted');
  });

  it('answers what JSON.parse answers for every JSON text', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const result = parseStrictJson(text);
        if (result.ok) expect(result.value).toEqual(JSON.parse(text));
        else expect(result.reason).toMatch(/lone_surrogate|forbidden_member/);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws and never accepts what JSON.parse refuses', () => {
    const shrapnel = fc.array(fc.constantFrom(...'{}[]",:\\ue+-.0193truefalsnl \n\t\u0001é\ud800'.split('')));
    fc.assert(
      fc.property(shrapnel, (pieces) => {
        const text = pieces.join('');
        if (parseStrictJson(text).ok) expect(() => void JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseCanonicalJson', () => {
  it('accepts exactly the canonical form of any value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        const text = canonicalJson(value);
        expect(parseCanonicalJson(text).ok).toBe(true);
        expect(parseCanonicalJson(Buffer.from(text)).ok).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a space', '{"a": 1}'],
    ['a final newline', '{"a":1}\n'],
    ['another order', '{"b":1,"a":1}'],
    ['a needless escape', '"\\u0061"'],
    ['an upper-case escape', '"\\u000F"'],
    ['another spelling of a number', '1.0'],
    ['minus zero', '-0'],
    ['a number that doubles cannot hold', '9007199254740993'],
  ])('refuses %s', (_name, text) => {
    expect(parseCanonicalJson(text)).toMatchObject({ ok: false, reason: 'not_canonical' });
    expect(parseStrictJson(text).ok).toBe(true);
  });

  it('keeps the reasons of the strict parser', () => {
    expect(parseCanonicalJson('{"a":1,"a":1}')).toMatchObject({ ok: false, reason: 'duplicate_member' });
  });
});
