import { describe, expect, it } from 'vitest';
import {
  ACTS,
  actStatementSchema,
  MAX_PAYLOAD_BYTES,
  MAX_SIGNATURE_BYTES,
  REDUCING_ACTS,
  SIGNAL_ACTS,
  signedStatementSchema,
  statementSchema,
} from '../../domain/statement.js';
import * as scene from './scene.js';

const approve = scene.statementOf('bob', 'approve', scene.T0);
const refused = (over: Record<string, unknown>): boolean => !statementSchema.safeParse({ ...approve, ...over }).success;

describe('a statement', () => {
  it('speaks one of a closed union of acts', () => {
    for (const act of SIGNAL_ACTS.filter((spoken) => spoken !== 'extend'))
      expect(statementSchema.safeParse({ ...approve, act }).success).toBe(true);
    for (const act of ['renew', 'APPROVE', '', 'request', null]) expect(refused({ act })).toBe(true);
    expect(statementSchema.safeParse({ ...approve, act: 'request', request: scene.REQUEST }).success).toBe(true);
    expect(statementSchema.safeParse({ ...approve, act: 'review', note: 'As it should be' }).success).toBe(true);
  });

  it('is a review without a signal: no ceremony hears one', () => {
    expect(ACTS.filter((act) => !(SIGNAL_ACTS as readonly string[]).includes(act))).toEqual(['review']);
    expect(actStatementSchema.safeParse({ ...approve, act: 'review' }).success).toBe(false);
  });

  it('reduces with every act but approve and extend', () => {
    expect(SIGNAL_ACTS.filter((act) => !REDUCING_ACTS.has(act))).toEqual(['approve', 'extend']);
  });

  it('of a later round names a deadline, and as an approval exactly which extension it is about', () => {
    const until = { round: 2, deadline: '2026-03-01T13:00:00.000Z' };
    const extension_digest = 'e'.repeat(64);
    expect(refused({ act: 'extend', ...until })).toBe(false);
    expect(refused({ ...until, extension_digest })).toBe(false);
    expect(refused({ act: 'extend', ...until, extension_digest })).toBe(true);
    expect(refused({ act: 'extend', round: 2 })).toBe(true);
    expect(refused({ act: 'extend', ...until, round: 1 })).toBe(true);
    expect(refused({ act: 'extend', ...until, round: 9 })).toBe(true);
    expect(refused(until)).toBe(true);
    expect(refused({ round: 2, extension_digest })).toBe(true);
    expect(refused({ extension_digest })).toBe(true);
    expect(refused({ deadline: until.deadline })).toBe(true);
    for (const act of REDUCING_ACTS) expect(refused({ act, ...until, extension_digest })).toBe(true);
    for (const act of REDUCING_ACTS) expect(refused({ act, round: 2 })).toBe(true);
  });

  it('belongs to this domain, one event, one request, one policy and one round', () => {
    expect(refused({ domain: 'reseal-statement-v2' })).toBe(true);
    expect(refused({ event_id: 'x' })).toBe(true);
    expect(refused({ request_digest: 'A'.repeat(64) })).toBe(true);
    expect(refused({ policy_digest: 'a'.repeat(63) })).toBe(true);
    expect(refused({ round: 2 })).toBe(true);
  });

  it('says its times in UTC', () => {
    for (const issued_at of ['2026-03-01T12:00:00+01:00', '2026-03-01', 'now', '2026-13-01T00:00:00Z', 1])
      expect(refused({ issued_at })).toBe(true);
    expect(refused({ issued_at: '2026-03-01T12:00:00Z' })).toBe(false);
  });

  it('refuses members it does not know, and reasons beyond 500 characters', () => {
    expect(refused({ extra: 1 })).toBe(true);
    expect(refused({ request: scene.REQUEST })).toBe(true);
    expect(refused({ note: 'not of this act' })).toBe(true);
    expect(refused({ act: 'review', reason: 'not of this act' })).toBe(true);
    expect(refused({ act: 'review', note: '' })).toBe(true);
    expect(refused({ act: 'review', note: 'x'.repeat(1001) })).toBe(true);
    expect(refused({ reason: 'x'.repeat(501) })).toBe(true);
    expect(actStatementSchema.safeParse({ ...approve, reason: 'x'.repeat(500) }).success).toBe(true);
  });
});

describe('a signed statement', () => {
  const fits = (payload: number, signature: number): boolean =>
    signedStatementSchema.safeParse({ payload: 'p'.repeat(payload), signature: 's'.repeat(signature) }).success;

  it('is at most 8 KiB and 8 KiB, and never empty', () => {
    expect(fits(MAX_PAYLOAD_BYTES, MAX_SIGNATURE_BYTES)).toBe(true);
    expect(fits(MAX_PAYLOAD_BYTES + 1, 32)).toBe(false);
    expect(fits(2, MAX_SIGNATURE_BYTES + 1)).toBe(false);
    expect(fits(1, 32)).toBe(false);
    expect(fits(2, 31)).toBe(false);
  });

  it('refuses whatever else arrives, without throwing', () => {
    const valid = { payload: '{}', signature: 's'.repeat(32) };
    for (const odd of [null, undefined, 1, '', [], {}, { undecodable: true, reason: 'x' }, { ...valid, extra: 1 }])
      expect(signedStatementSchema.safeParse(odd).success).toBe(false);
  });
});
