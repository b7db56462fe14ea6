import { describe, expect, it } from 'vitest';
import { policySchema } from '../../domain/policy.js';
import { coveredUntil, nextCovered, standingSchema } from '../../domain/standing.js';
import { timeWindowSchema, type TimeWindow } from '../../domain/time-window.js';
import { policyWith } from './decidable.js';

const rule = { name: 'office', allow: ['group:on-call'], max_session: '1h' };
const faults = (standing: unknown): string[] => {
  const parsed = standingSchema.safeParse(standing);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};
const window = (from: string, until: string, zone = 'UTC', days: string[] = []): TimeWindow =>
  timeWindowSchema.parse({ days, from, until, zone });
const ms = (time: string): number => Date.parse(time);
const covered = (windows: TimeWindow[], now: string, horizon: string): string | undefined => {
  const until = coveredUntil(windows, ms(now), ms(horizon));
  return until === undefined ? undefined : new Date(until).toISOString();
};

describe('a standing list', () => {
  it('reads durations as seconds, and leaves profiles and hours open', () => {
    expect(standingSchema.parse([rule])).toEqual([{ ...rule, profiles: [], time: [], max_session: 3600 }]);
  });

  it.each<[string, unknown, string]>([
    ['that names nobody', [{ ...rule, allow: [] }], '0.allow: name who may: an empty list would mean everybody'],
    ['with a party that is none', [{ ...rule, allow: ['dana'] }], '0.allow.0: expected group:<name> or person:<id>'],
    ['longer than half a day', [{ ...rule, max_session: '12h1s' }], '0.max_session: a session is at most 12h'],
    ['of no length', [{ ...rule, max_session: '0s' }], '0.max_session: expected a duration'],
    ['with a name twice', [rule, rule], '1.name: rule 1 has this name already'],
    ['in a zone that is none', [{ ...rule, time: [{ from: '22:00', until: '06:00', zone: 'Moon' }] }], '0.time.0.zone'],
    ['with a member nobody knows', [{ ...rule, role: 'x' }], '0: Unrecognized key'],
  ])('is refused: one %s', (_what, standing, fault) => {
    expect(faults(standing).join('\n')).toContain(fault);
  });

  it('is refused in a policy that has no such profile', () => {
    const written = { ...policyWith(), standing: [{ ...rule, profiles: ['security-admin', 'gone'] }] };
    const parsed = policySchema.safeParse(written);
    expect(parsed.success ? [] : parsed.error.issues).toMatchObject([
      { path: ['standing', 0, 'profiles', 1], message: 'the policy has no profile gone' },
    ]);
  });

  it('leaves the digest of a policy without one as it was', () => {
    expect(Object.keys(policyWith())).not.toContain('standing');
  });
});

describe('how long windows cover', () => {
  it('is the horizon without any, and nothing outside of all of them', () => {
    expect(covered([], '2026-03-04T12:00:00Z', '2026-03-04T13:00:00Z')).toBe('2026-03-04T13:00:00.000Z');
    expect(covered([window('22:00', '06:00')], '2026-03-04T12:00:00Z', '2026-03-04T13:00:00Z')).toBeUndefined();
  });

  it('goes on where one window meets or overlaps the next', () => {
    const halves = [window('22:00', '24:00'), window('00:00', '06:00')];
    expect(covered(halves, '2026-03-04T23:00:00Z', '2026-03-05T11:00:00Z')).toBe('2026-03-05T06:00:00.000Z');
    const shifts = [window('08:00', '13:00'), window('12:00', '18:00')];
    expect(covered(shifts, '2026-03-04T09:00:00Z', '2026-03-04T21:00:00Z')).toBe('2026-03-04T18:00:00.000Z');
  });

  it('goes no further than the horizon, also where a window never closes', () => {
    expect(covered([window('00:00', '24:00')], '2026-03-04T12:00:00Z', '2026-03-04T20:00:00Z')).toBe(
      '2026-03-04T20:00:00.000Z',
    );
  });

  it('is an hour shorter in the night that loses one, and an hour longer in the night that has one twice', () => {
    const night = [window('22:00', '06:00', 'Europe/Berlin')];
    expect(covered(night, '2026-03-28T21:00:00Z', '2026-03-29T09:00:00Z')).toBe('2026-03-29T04:00:00.000Z');
    expect(covered(night, '2026-10-24T20:00:00Z', '2026-10-25T08:00:00Z')).toBe('2026-10-25T05:00:00.000Z');
  });

  it('begins again with the window that opens first', () => {
    const windows = [window('22:00', '23:00'), window('20:00', '21:00', 'UTC', ['thu'])];
    expect(nextCovered(windows, ms('2026-03-04T23:30:00Z'))).toBe(ms('2026-03-05T20:00:00Z'));
    expect(nextCovered([], ms('2026-03-04T23:30:00Z'))).toBeUndefined();
  });
});
