import { attestationResultSchema, type AttestationResult } from '../../../domain/incidents/attestation-result.js';

export const BINDING = 'ab'.repeat(32);

/** A result that opens the gate of its incident, and what is changed of it. */
export const attestationResult = (changed: Partial<AttestationResult> = {}): AttestationResult =>
  attestationResultSchema.parse({
    type: 'reseal.attestation_result.v1',
    incident_id: 'INC-20261121-120000-0001',
    host: 'vault-1',
    attempt: 1,
    containment_binding: BINDING,
    purpose: 'recovery',
    contained_at: '2026-11-21T12:00:05.000Z',
    nonce: '4e'.repeat(32),
    ak_name: `000b${'11'.repeat(32)}`,
    reference_digest: '22'.repeat(32),
    reference_version: 1,
    reference_recorded_at: '2026-11-01T08:00:00.000Z',
    reference_accepted_by: ['carol'],
    reference_is_newer: false,
    baseline: { kind: 'containment', at: '2026-11-21T12:00:06.000Z', waived_by: [] },
    verdict: 'passed',
    checks: [{ code: 'BAD_SIGNATURE', ok: true, detail: 'rsassa with sha256' }],
    counters: { reset_count: 7, restart_count: 0, clock_ms: '1000', safe: true },
    issued_at: '2026-11-21T12:30:00.000Z',
    expires_at: '2026-11-21T12:40:00.000Z',
    ...changed,
  });
