import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { newCeremony } from '../../domain/ceremony-state.js';
import { goTime, goTimeNano, requestIdOf, sentinelEventOf } from '../../domain/sentinel.js';
import { viewOf, type CeremonyView } from '../../domain/view.js';

const blank = viewOf(
  newCeremony('00112233445566aa', { payload: '', signature: '' }, Date.parse('2026-01-20T02:00:00.120Z')),
);
const active: CeremonyView = {
  ...blank,
  state: 'active',
  status: 'active',
  profile: 'admin',
  reason_code: 'incident',
  justification: 'The mailbox rule of INC-4711',
  invoker: 'alice@corp.example',
  invoker_person: 'alice',
  duration_seconds: 7200,
  activated_at: '2026-01-20T02:05:00.000Z',
  expires_at: '2026-01-20T04:05:00.500Z',
  request_digest: '0123456789abcdef'.repeat(4),
};

describe('times in Go', () => {
  it('are cut to seconds, or lose their trailing zeros', () => {
    expect(goTime('2026-01-20T02:00:00.999Z')).toBe('2026-01-20T02:00:00Z');
    expect(goTimeNano('2026-01-20T02:00:00.120Z')).toBe('2026-01-20T02:00:00.12Z');
    expect(goTimeNano('2026-01-20T02:00:00.100Z')).toBe('2026-01-20T02:00:00.1Z');
    expect(goTimeNano('2026-01-20T02:00:10.000Z')).toBe('2026-01-20T02:00:10Z');
    expect(goTimeNano('2026-01-20T02:00:10Z')).toBe('2026-01-20T02:00:10Z');
    expect(goTimeNano('2026-01-20T02:00:00.007Z')).toBe('2026-01-20T02:00:00.007Z');
  });

  it('mean the same instant as before, with no zero too many', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01T00:00:00Z') }), (date) => {
        expect(Date.parse(goTimeNano(date.toISOString()))).toBe(date.getTime());
        expect(goTimeNano(date.toISOString())).not.toMatch(/\.\d*0Z$|\.Z$/);
      }),
    );
  });
});

describe("a ceremony as Sentinel's event", () => {
  it('counts its duration in nanoseconds and names the request that was signed', () => {
    expect(sentinelEventOf(active)).toEqual({
      id: '00112233445566aa',
      invoker: 'alice@corp.example',
      profile: 'admin',
      reason_code: 'incident',
      justification: 'The mailbox rule of INC-4711',
      duration: 7_200_000_000_000,
      status: 'active',
      created_at: '2026-01-20T02:00:00.12Z',
      updated_at: '2026-01-20T02:05:00Z',
      expires_at: '2026-01-20T04:05:00.5Z',
      request_id: '0123456789abcdef',
    });
    expect(requestIdOf(null)).toBe('');
  });

  it('says who closed it and why, and of an expired one neither', () => {
    const ended = { ended_at: '2026-01-20T03:00:00.000Z', cause: 'close', ended_by: 'alice' };
    const closed = sentinelEventOf(
      { ...active, ...ended, state: 'closed', status: 'closed' },
      () => 'alice@corp.example',
    );
    expect(closed).toMatchObject({
      closed_by: 'alice@corp.example',
      closed_reason: 'close',
      updated_at: '2026-01-20T03:00:00Z',
    });
    const expired = sentinelEventOf({
      ...active,
      ...ended,
      cause: 'deadline',
      ended_by: null,
      state: 'expired',
      status: 'expired',
    });
    expect(expired).toMatchObject({ status: 'expired' });
    expect(expired).not.toHaveProperty('closed_by');
  });

  it('is none where nothing was ever in effect', () => {
    for (const state of ['refused', 'denied', 'cancelled', 'unapproved', 'not_granted', 'awaiting_approval'] as const) {
      expect(sentinelEventOf({ ...active, state, status: null })).toBeUndefined();
    }
  });
});
