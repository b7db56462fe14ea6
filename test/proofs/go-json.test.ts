import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { goCompact, GoJson, goSlice, goString, goStringMap, goStruct } from '../../proofs/go-json.js';

/** Each was written by Go 1.26's encoding/json from the value on the left. */
const STRINGS: [value: string, written: string][] = [
  [
    Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join(''),
    '"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011' +
      '\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"',
  ],
  [` !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~\u007f`, ` !\\"#$%\\u0026'()*+,-./:;\\u003c=\\u003e?@[\\\\]^_\`{|}~\u007f`].map(
    (text, index) => (index === 0 ? text : `"${text}"`),
  ) as [string, string],
  ['\u2028\u2029', '"\\u2028\\u2029"'],
  ['\u0080\u00e9\ufffd\u{1f600}\ufeff', '"\u0080\u00e9\ufffd\u{1f600}\ufeff"'],
  ['', '""'],
];

describe('a string as Go writes it', () => {
  it.each(STRINGS)('has the bytes of Go for %j', (value, written) => {
    expect(goString(value)).toBe(written);
  });

  it('means the same to every reader, and holds none of the five characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const written = goString(text);
        expect(JSON.parse(written)).toBe(text);
        expect(/[<>&\u2028\u2029]/.exec(written)).toBeNull();
      }),
    );
  });

  it('refuses a lone surrogate, which Go has no form for', () => {
    expect(() => goString('a\ud800b')).toThrow(TypeError);
  });
});

describe('a struct as Go writes it', () => {
  it('keeps the order and leaves out what is empty where the tag says so', () => {
    const text = goStruct([
      ['b', ''],
      ['a', 0],
      ['gone', '', 'omitempty'],
      ['gone_too', undefined, 'omitempty'],
      ['gone_three', false, 'omitempty'],
      ['kept', true, 'omitempty'],
      ['ns', 7_200_000_000_000],
    ]);
    expect(text).toBe('{"b":"","a":0,"kept":true,"ns":7200000000000}');
  });

  it('indents as MarshalIndent does', () => {
    expect(
      goStruct(
        [
          ['a', 'x'],
          ['b', 1],
        ],
        '  ',
      ),
    ).toBe('{\n  "a": "x",\n  "b": 1\n}');
    expect(goStruct([], '  ')).toBe('{}');
  });

  it.each([1.5, Number.NaN, 2 ** 53])('refuses %d, which would lose something', (number) => {
    expect(() => goStruct([['n', number]])).toThrow(TypeError);
  });
});

describe('raw JSON as Go writes it again', () => {
  it('loses its space, keeps its spelling, and has the five characters escaped', () => {
    const raw = '{ "x" : "<&\u2028\u2029\\u0026 " ,\t"n": 1e5 ,\r\n"d":1.0}';
    expect(goCompact(raw).text).toBe('{"x":"\\u003c\\u0026\\u2028\\u2029\\u0026 ","n":1e5,"d":1.0}');
  });

  it('stays as it is when Go wrote it', () => {
    const member = fc.tuple(
      fc.string({ unit: 'binary' }),
      fc.oneof(fc.string({ unit: 'binary' }), fc.boolean(), fc.integer()),
    );
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const text = goStruct(members.map(([name, value]) => [name, value] as const));
        expect(goCompact(text)).toEqual(new GoJson(text));
      }),
    );
  });
});

describe('a slice and a map as Go writes them', () => {
  it('tells a nil slice from an empty one', () => {
    expect([goSlice(null), goSlice([]), goSlice(['a<', new GoJson('{}')])].map(({ text }) => text)).toEqual([
      'null',
      '[]',
      '["a\\u003c",{}]',
    ]);
  });

  it('sorts keys by their bytes, which is not by their UTF-16', () => {
    const map = { '\u{1f600}': '1', '\ufffd': '2', b: '3', a: '&', 10: '4', 9: '5' };
    expect(goStringMap(map).text).toBe('{"10":"4","9":"5","a":"\\u0026","b":"3","\ufffd":"2","\u{1f600}":"1"}');
    expect(goStringMap(null).text).toBe('null');
  });
});
