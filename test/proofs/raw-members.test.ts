import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { rawMembers } from '../../proofs/raw-members.js';

describe('the exact text of members', () => {
  it('keeps spelling and space within a value, and none around it', () => {
    const text = ' {"a" : { "x": [1, 2.0 ,"}"] } , "b":1e5\t,"\\u0063":"\\"," }';
    expect([...rawMembers(text)]).toEqual([
      ['a', '{ "x": [1, 2.0 ,"}"] }'],
      ['b', '1e5'],
      ['c', '"\\","'],
    ]);
  });

  it('is empty for an empty object', () => {
    expect([...rawMembers('{}')]).toEqual([]);
  });

  it('parses to the members, whatever they are and however they are spaced', () => {
    const names = fc.uniqueArray(fc.string(), { maxLength: 6 });
    fc.assert(
      fc.property(names, fc.array(fc.jsonValue(), { minLength: 6, maxLength: 6 }), fc.nat(3), (keys, values, space) => {
        const pairs = keys.filter((key) => key !== '__proto__').map((key, index) => [key, values[index]] as const);
        const found = rawMembers(JSON.stringify(Object.fromEntries(pairs), null, space));
        expect(found.size).toBe(pairs.length);
        for (const [key, value] of pairs)
          expect(JSON.parse(found.get(key) ?? '')).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
