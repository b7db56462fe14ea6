import { describe, expect, it } from 'vitest';

import type { SweepReport } from '../../domain/sweep.js';
import type { RoleKeys } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { openSweepReport, signSweepReport } from '../../proofs/sweep-report.js';

const sweeper = generateRoleKey();
const register = generateRoleKey();
const keys: RoleKeys = (keyid) =>
  new Map([
    [sweeper.keyid, { role: 'sweeper' as const, publicKey: sweeper.publicKey }],
    [register.keyid, { role: 'register' as const, publicKey: register.publicKey }],
  ]).get(keyid);

const report: SweepReport = {
  schema: 'reseal.sweep.v1',
  mode: 'sweep',
  application_id: '55555555-0000-4000-8000-000000000005',
  started_at: '2026-06-01T10:00:00.000Z',
  finished_at: '2026-06-01T10:00:30.000Z',
  tenants: [],
  counts: { due: 0, in_time: 0, compromise: 0, foreign: 0, self_activated: 0, outside_pim: 0, unattributed: 0 },
  found: [],
};

describe('a sweep report', () => {
  it('opens with the sweeper’s key', () => {
    expect(openSweepReport(signSweepReport(report, sweeper), keys)).toEqual({ ok: true, report });
  });

  it.each([
    ['a key that nobody knows', generateRoleKey()],
    ['the key of another role', register],
  ])('is refused under %s', (_, key) => {
    expect(openSweepReport(signSweepReport(report, key), keys)).toMatchObject({
      ok: false,
      code: 'sweep_signer_unknown',
    });
  });

  it('is refused when a byte of it was changed', () => {
    const envelope = signSweepReport(report, sweeper);
    const payload = Buffer.from(envelope.payload, 'base64');
    for (let at = 0; at < payload.length; at += 7) {
      const changed = Buffer.from(payload);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const forged = { ...envelope, payload: changed.toString('base64') };
      expect(openSweepReport(forged, keys)).toMatchObject({ ok: false, code: 'sweep_envelope' });
    }
  });

  it('is refused when it is no report at all, and never throws', () => {
    const other = signSweepReport({ ...report, schema: 'another' } as unknown as SweepReport, sweeper);
    expect(openSweepReport(other, keys)).toMatchObject({ ok: false, code: 'sweep_malformed' });
    for (const anything of [null, 1, 'text', {}, [], { payload: '' }])
      expect(openSweepReport(anything, keys)).toMatchObject({ ok: false, code: 'sweep_envelope' });
  });
});
