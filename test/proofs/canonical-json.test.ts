import { describe, expect, it } from 'vitest';

import { b64uSha256, CanonicalJsonError, canonicalJson, digestOf, sha256Hex } from '../../proofs/canonical-json.js';

function refusal(value: unknown): { code: string; pointer: string } {
  try {
    canonicalJson(value);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return { code: error.code, pointer: error.pointer };
    throw error;
  }
  return { code: 'accepted', pointer: '' };
}

/** RFC 8785 Appendix B: the double as its IEEE 754 bits, and its form. */
const NUMBERS: [bits: string, form: string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

describe('canonicalJson', () => {
  it.each(NUMBERS)('writes the double %s as %s (RFC 8785 appendix B)', (bits, form) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(form);
  });

  it('writes the sample of RFC 8785 section 3.2.2 as section 3.2.4 says', () => {
    const sample = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(sample)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('orders members by UTF-16 code units (RFC 8785 section 3.2.3)', () => {
    const sample = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.values(JSON.parse(canonicalJson(sample)) as object).sort()).toEqual(Object.values(sample).sort());
    expect([...canonicalJson(sample).matchAll(/:"([A-Z][a-z]+)/g)].map(([, word]) => word)).toEqual([
      'Carriage',
      'One',
      'Control',
      'Latin',
      'Euro',
      'Emoji',
      'Hebrew',
    ]);
  });

  it.each([
    ['undefined', undefined, 'not_json_value', ''],
    ['an undefined member', { a: { b: undefined } }, 'not_json_value', '/a/b'],
    ['an undefined element', [1, undefined], 'not_json_value', '/1'],
    ['a hole', [1, , 2], 'not_json_value', '/1'], // eslint-disable-line no-sparse-arrays -- the hole is the point
    ['a function', { 'a/b~': () => 1 }, 'not_json_value', '/a~1b~0'],
    ['a symbol', [Symbol('s')], 'not_json_value', '/0'],
    ['a bigint', 1n, 'not_json_value', ''],
    ['a date', new Date(0), 'not_json_value', ''],
    ['a map', new Map(), 'not_json_value', ''],
    ['bytes', Buffer.from('a'), 'not_json_value', ''],
    ['NaN', { n: NaN }, 'number_not_finite', '/n'],
    ['infinity', -Infinity, 'number_not_finite', ''],
    ['a lone high surrogate', 'a\ud800', 'lone_surrogate', ''],
    ['a lone low surrogate in a name', { '\udc00': 1 }, 'lone_surrogate', ''],
  ])('refuses %s', (_name, value, code, pointer) => {
    expect(refusal(value)).toEqual({ code, pointer });
  });

  it('refuses cycles and more than 64 levels, and accepts 64 and a value used twice', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = [cycle];
    expect(refusal(cycle).code).toBe('value_cyclic');
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(refusal(nested(65)).code).toBe('value_too_deep');
    expect(canonicalJson(nested(64))).toBe(`${'['.repeat(64)}1${']'.repeat(64)}`);
    const twice = { a: 1 };
    expect(canonicalJson([twice, twice])).toBe('[{"a":1},{"a":1}]');
  });
});

describe('digests', () => {
  it('are SHA-256 of the canonical form, in hex or base64url', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256Hex(Buffer.from('abc'))).toBe(sha256Hex('abc'));
    expect(digestOf({ b: 1, a: 2 })).toBe(sha256Hex('{"a":2,"b":1}'));
    expect(b64uSha256('x')).toBe(`b64u:${Buffer.from(sha256Hex('"x"'), 'hex').toString('base64url')}`);
  });
});
