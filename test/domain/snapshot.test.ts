import { describe, expect, it } from 'vitest';
import { compareSnapshots, MAX_ROWS, snapshotSchema, type Snapshot, type SnapshotPart } from '../../domain/snapshot.js';
import { snapshotPart } from '../../proofs/snapshot-part.js';

const part = (name: SnapshotPart, rows: Record<string, string>) =>
  snapshotPart(
    name,
    Object.entries(rows).map(([key, said]) => ({ key, said })),
  );
const whole = (over: Partial<Record<SnapshotPart, Record<string, string>>> = {}): Snapshot => [
  part('assignments', over.assignments ?? { a: '1', b: '2' }),
  part('eligibilities', over.eligibilities ?? {}),
  part('access_policies', over.access_policies ?? { mfa: 'on' }),
  part('applications', over.applications ?? { app: 'key' }),
];
const unread = (snapshot: Snapshot, name: SnapshotPart): Snapshot =>
  snapshot.map((one) => (one.part === name ? { part: name, state: 'unreadable', code: 'graph_denied' } : one));
const many = (last: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: MAX_ROWS + 1 }, (_, n) => [`k${n}`, n === MAX_ROWS ? last : 'x']));

describe('a comparison before and after', () => {
  it('finds nothing where nothing changed, in whatever order it was read', () => {
    expect(compareSnapshots(whole(), whole({ assignments: { b: '2', a: '1' } }))).toEqual({
      differences: [],
      not_compared: [],
    });
    expect(snapshotSchema.parse(whole())).toEqual(whole());
  });

  it('names what was added, removed and changed', () => {
    const after = whole({ assignments: { b: '2', c: '3' }, access_policies: { mfa: 'off' }, eligibilities: { e: '' } });
    expect(compareSnapshots(whole(), after).differences).toEqual([
      { part: 'assignments', key: 'c', change: 'added' },
      { part: 'assignments', key: 'a', change: 'removed' },
      { part: 'eligibilities', key: 'e', change: 'added' },
      { part: 'access_policies', key: 'mfa', change: 'changed' },
    ]);
  });

  it('does not take what could not be read for absent, before or after', () => {
    for (const [before, after] of [
      [whole(), unread(whole(), 'applications')],
      [unread(whole(), 'applications'), whole()],
    ] as const) {
      const { differences, not_compared } = compareSnapshots(before, after);
      expect(differences).toEqual([]);
      expect(not_compared).toEqual([{ part: 'applications', code: 'graph_denied' }]);
    }
    expect(compareSnapshots([], whole()).not_compared).toHaveLength(4);
  });

  it('tells that something is different where there is too much to name', () => {
    const [before, after] = [whole({ assignments: many('x') }), whole({ assignments: many('y') })];
    expect(before[0]).toMatchObject({ count: MAX_ROWS + 1, rows: null });
    expect(compareSnapshots(before, before).differences).toEqual([]);
    expect(compareSnapshots(before, after).differences).toEqual([
      { part: 'assignments', key: null, change: 'changed' },
    ]);
    const fewer = compareSnapshots(before, whole()).differences;
    expect(fewer).toEqual([{ part: 'assignments', key: null, change: 'removed' }]);
  });

  it('sees two rows of one name for two, and a name that would forge a line for another', () => {
    const twice = (said: string): Snapshot => [
      snapshotPart('assignments', [
        { key: 'a', said: '1' },
        { key: 'a', said },
      ]),
    ];
    expect(compareSnapshots(twice('2'), twice('3')).differences).not.toEqual([]);
    const forged = part('assignments', { [`a 0000000000000000\nb`]: '1' });
    expect(forged).not.toEqual(part('assignments', { a: '0', b: '1' }));
    expect(snapshotSchema.safeParse([part('assignments', { ['k'.repeat(5000)]: '1' })]).success).toBe(true);
  });
});
