import { describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import { findPerson, isValidAt, personSchema, rosterSchema, upnOf } from '../../domain/roster.js';
import * as scene from './scene.js';

const guid = (n: number) => `11111111-1111-4111-8111-${String(n).padStart(12, '0')}`;
const human = (id: string, n: number, over: Record<string, unknown> = {}) => ({
  id,
  kind: 'human',
  object_ids: [guid(n)],
  aliases: [`${id}@example.test`],
  keys: [`ssh-ed25519 AAAA${id} ${id}@laptop`],
  ...over,
});
const messages = (...people: unknown[]): string[] =>
  rosterSchema.safeParse({ version: 1, people }).error?.issues.map(({ message }) => message) ?? [];

describe('a roster', () => {
  it('takes people who share nothing', () => {
    expect(messages(human('ann', 1), human('ben', 2))).toEqual([]);
  });

  it.each([
    ['an id', { id: 'ann' }, 'id ann belongs to ann already'],
    ['an object id', { object_ids: [guid(2), guid(1)] }, `object id ${guid(1)} belongs to ann already`],
    [
      'an alias in any case',
      { aliases: ['ben@example.test', 'ANN@Example.test'] },
      'alias ann@example.test belongs to ann already',
    ],
    ['a key', { keys: ['ssh-ed25519 AAAAann'] }, 'key ssh-ed25519 AAAAann belongs to ann already'],
    [
      'a key under another comment',
      { keys: ['  ssh-ed25519   AAAAann  ben@desk '] },
      'key ssh-ed25519 AAAAann belongs to ann already',
    ],
  ])('gives %s to one person only', (_, over, message) => {
    expect(messages(human('ann', 1), human('ben', 2, over))).toEqual([message]);
  });

  it('gives an object id to one person only, in any case', () => {
    const letters = 'abcdefab-1111-4111-8111-111111111111';
    const two = [human('ann', 1, { object_ids: [letters] }), human('ben', 2, { object_ids: [letters.toUpperCase()] })];
    expect(messages(...two)).toEqual([`object id ${letters} belongs to ann already`]);
  });

  it('lets a person name the same thing twice', () => {
    expect(messages(human('ann', 1, { object_ids: [guid(1), guid(1)] }))).toEqual([]);
  });

  it('tells apart kinds of names: an alias is not an id', () => {
    expect(messages(human('ann', 1), human('ben', 2, { aliases: ['ann'] }))).toEqual([]);
  });

  it('is not empty, and knows no other version or member', () => {
    expect(messages()).toHaveLength(1);
    expect(rosterSchema.safeParse({ version: 2, people: [human('ann', 1)] }).success).toBe(false);
    expect(rosterSchema.safeParse({ version: 1, people: [human('ann', 1, { admin: true })] }).success).toBe(false);
  });

  it('wants an object id and an alias, and an id without odd characters', () => {
    for (const over of [
      { object_ids: [] },
      { aliases: [] },
      { id: 'Ann' },
      { id: '' },
      { id: 'a b' },
      { kind: 'robot' },
    ])
      expect(personSchema.safeParse(human('ann', 1, over)).success).toBe(false);
  });
});

describe('finding a person', () => {
  const roster = rosterSchema.parse({
    version: 1,
    people: [human('ann', 1, { aliases: ['Ann.Smith@Example.test', 'ann'] })],
  });

  it('goes by id, alias in any case, or object id', () => {
    for (const name of ['ann', 'ANN', 'ann.smith@example.TEST', guid(1)])
      expect(findPerson(roster, name)?.id).toBe('ann');
    for (const name of ['', 'ann ', 'smith', guid(2)]) expect(findPerson(roster, name)).toBeUndefined();
  });

  it('shows a person by the first alias', () => {
    const ann = findPerson(roster, 'ann');
    expect(ann && upnOf(ann)).toBe('ann.smith@example.test');
  });
});

describe('validity', () => {
  it('begins at its first millisecond and is over at its last', () => {
    const who = { valid_from: instant(scene.T0), valid_until: instant(scene.T0 + 1000) };
    expect([-1, 0, 999, 1000].map((ms) => isValidAt(who, scene.T0 + ms))).toEqual([false, true, true, false]);
  });

  it('is for ever without dates, and open on either side', () => {
    expect(isValidAt({}, 0)).toBe(true);
    expect(isValidAt({ valid_from: instant(scene.T0) }, scene.T0 + scene.HOUR * 1e5)).toBe(true);
    expect(isValidAt({ valid_until: instant(scene.T0) }, 0)).toBe(true);
  });
});
