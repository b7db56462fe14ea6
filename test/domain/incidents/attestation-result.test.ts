import { describe, expect, it } from 'vitest';
import {
  attestationObjection,
  attestHostInputSchema,
  type AttestationWanted,
} from '../../../domain/incidents/attestation-result.js';
import { attestationResult, BINDING } from '../../proofs/incidents/attested.js';

const wanted: AttestationWanted = {
  incident_id: 'INC-20261121-120000-0001',
  host: 'vault-1',
  containment_binding: BINDING,
  contained_at: '2026-11-21T12:00:05.000Z',
  acknowledged_by: ['bob'],
  quorum: 2,
  nowMs: Date.parse('2026-11-21T12:31:00Z'),
};

describe('a result of an attestation', () => {
  it('opens the gate that it answers', () => {
    expect(attestationObjection(attestationResult(), wanted)).toBeUndefined();
  });

  it.each([
    ['another incident', { incident_id: 'INC-20261121-120000-0002' }, 'foreign_attestation'],
    ['another host', { host: 'vault-2' }, 'foreign_attestation'],
    ['another containment', { containment_binding: 'cd'.repeat(32) }, 'foreign_attestation'],
    ['another time of containment', { contained_at: '2026-11-21T11:00:00.000Z' }, 'foreign_attestation'],
    ['the baseline', { purpose: 'baseline' as const }, 'attestation_not_for_recovery'],
    ['a refused host', { verdict: 'refused' as const }, 'attestation_refused'],
    ['no baseline', { baseline: { kind: 'none' as const, at: null, waived_by: [] } }, 'attestation_without_baseline'],
  ])('opens nothing when it is of %s', (_of, changed, objection) => {
    expect(attestationObjection(attestationResult(changed), wanted)).toBe(objection);
  });

  it('opens nothing from its end on', () => {
    const { expires_at } = attestationResult();
    const at = (nowMs: number) => attestationObjection(attestationResult(), { ...wanted, nowMs });
    expect(at(Date.parse(expires_at) - 1)).toBeUndefined();
    expect(at(Date.parse(expires_at))).toBe('attestation_expired');
  });

  it('by values that are newer than the containment counts only with a quorum that leaves out who acknowledged', () => {
    const newer = (...by: string[]) =>
      attestationObjection(attestationResult({ reference_is_newer: true, reference_accepted_by: by }), wanted);
    expect(newer('carol', 'dave')).toBeUndefined();
    expect(newer('bob', 'carol')).toBe('reference_without_quorum');
    expect(newer('carol', 'carol')).toBe('reference_without_quorum');
    expect(newer('bob', 'carol', 'dave')).toBeUndefined();
  });

  it('without a quote from containment counts only with waivers of a quorum that leaves out who acknowledged', () => {
    const waived = (...by: string[]) =>
      attestationObjection(attestationResult({ baseline: { kind: 'waived', at: null, waived_by: by } }), wanted);
    expect(waived('carol', 'dave')).toBeUndefined();
    expect(waived('bob', 'carol')).toBe('waiver_without_quorum');
    expect(waived()).toBe('waiver_without_quorum');
  });
});

describe('what attestHost is asked', () => {
  const scheduled = {
    incident_id: null,
    host: 'vault-1',
    attempt: 1,
    containment_binding: null,
    purpose: 'scheduled',
    contained_at: null,
  };
  it('names incident, binding and containment for everything but the schedule', () => {
    expect(attestHostInputSchema.safeParse(scheduled).success).toBe(true);
    expect(attestHostInputSchema.safeParse({ ...scheduled, purpose: 'recovery' }).success).toBe(false);
    expect(attestHostInputSchema.safeParse({ ...scheduled, containment_binding: BINDING }).success).toBe(false);
  });
});
