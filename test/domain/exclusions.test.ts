import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changesOfOthers,
  isExcluded,
  isUntouched,
  sameIds,
  withExcluded,
  withoutExcluded,
} from '../../domain/exclusions.js';

const A = 'a11ce000-0000-4000-8000-000000000001';
const B = 'B0B00000-0000-4000-8000-000000000002';
const C = 'ca401000-0000-4000-8000-000000000003';
const id = fc.constantFrom(A, B, C, 'GuestsOrExternalUsers', A.toUpperCase());
const ids = fc.array(id, { maxLength: 6 });

describe('the users that a policy leaves out', () => {
  it('get one more at the end, once, whatever the letter case', () => {
    expect(withExcluded([B], A)).toEqual([B, A]);
    expect(withExcluded([A.toUpperCase()], A)).toEqual([A.toUpperCase()]);
  });

  it('lose one, and nobody else', () => {
    expect(withoutExcluded([B, A.toUpperCase(), C], A)).toEqual([B, C]);
    expect(withoutExcluded([B, C], A)).toEqual([B, C]);
  });

  it('are as before once ours came and went, whatever others did in between', () => {
    fc.assert(
      fc.property(ids, ids, (before, others) => {
        const then = withExcluded(before, A);
        const now = [...then.filter((one) => !isExcluded(others, one) || isExcluded([A], one)), ...others];
        const after = withoutExcluded(now, A);
        expect(isExcluded(after, A)).toBe(false);
        expect(sameIds(after, withoutExcluded(now, A))).toBe(true);
        for (const one of now) if (!isExcluded([A], one)) expect(after).toContain(one);
      }),
    );
  });

  it('show what others added and removed since, and never ours', () => {
    expect(changesOfOthers([B], [B, A], A)).toEqual({ added: [], removed: [] });
    expect(changesOfOthers([B], [C, A], A)).toEqual({ added: [C], removed: [B.toLowerCase()] });
    expect(isUntouched(changesOfOthers([B, C], [C, B.toLowerCase(), A], A))).toBe(true);
    fc.assert(
      fc.property(ids, ids, (before, now) => {
        const { added, removed } = changesOfOthers(before, now, A);
        expect([...added, ...removed]).not.toContain(A);
        expect(added.every((one) => isExcluded(now, one) && !isExcluded(before, one))).toBe(true);
        expect(removed.every((one) => isExcluded(before, one) && !isExcluded(now, one))).toBe(true);
      }),
    );
  });
});
