import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { containmentBinding } from '../../../proofs/incidents/containment-binding.js';
import { forensicBundle, forensicKeyOf, verifyForensicBundle } from '../../../proofs/incidents/forensic-bundle.js';
import type { ForensicContent } from '../../../proofs/incidents/forensic-bundle.js';
import { incidentHash, type SecaiIncident } from '../../../proofs/incidents/secai-incident.js';

const artefact = (name: string): URL => new URL(`../../../../shared/interop/secai/${name}`, import.meta.url);
const ARTEFACTS = [
  'containment-binding.sample.json',
  'forensic-bundle.sample.json',
  'forensic-bundle.tampered.json',
  'forensic.key',
  'recovery-requirement.sample.json',
];
const absent = ARTEFACTS.find((name) => !existsSync(artefact(name)));
const suffix = absent === undefined ? '' : ` (skipped: ../shared/interop/secai/${absent} is not there)`;
const read = (name: string): Buffer => readFileSync(artefact(name));
const parsed = <T>(name: string): T => JSON.parse(read(name).toString('utf8')) as T;
const key = (): string => forensicKeyOf(read('forensic.key')) ?? '';

interface Bindings {
  binding_a: string;
  binding_b: string;
  incident_a: SecaiIncident;
  incident_b_null_slices: SecaiIncident;
}

describe.skipIf(absent !== undefined)(`what SecAI OS itself wrote${suffix}`, () => {
  it('has the bindings that we compute, with and without actions and results', () => {
    const { binding_a, binding_b, incident_a, incident_b_null_slices } = parsed<Bindings>(ARTEFACTS[0] ?? '');
    const of = (incident: SecaiIncident) =>
      containmentBinding({ ...incident, incident_id: incident.id, incident_class: incident.class });
    expect([of(incident_a), of(incident_b_null_slices)]).toEqual([binding_a, binding_b]);
  });

  it('has the hashes of incidents that we compute', () => {
    const { incident_a, incident_b_null_slices } = parsed<Bindings>(ARTEFACTS[0] ?? '');
    for (const incident of [incident_a, incident_b_null_slices]) expect(incidentHash(incident)).toBe(incident.hash);
  });

  it('names, in a recovery requirement, the binding that we compute of its members', () => {
    const requirement = parsed<Parameters<typeof containmentBinding>[0] & { containment_binding: string }>(
      'recovery-requirement.sample.json',
    );
    expect(containmentBinding(requirement)).toBe(requirement.containment_binding);
  });

  it('verifies as a forensic bundle', () => {
    expect(verifyForensicBundle(read('forensic-bundle.sample.json'), key())).toMatchObject({
      ok: true,
      exported_at: '2026-11-21T00:54:07Z',
      incidents: [{ id: 'INC-20260313-101500-0001' }, { id: 'INC-20260313-101600-0002' }],
    });
  });

  it('is refused once a field of it is another', () => {
    expect(verifyForensicBundle(read('forensic-bundle.tampered.json'), key())).toMatchObject({
      ok: false,
      code: 'payload_differs',
      detail: 'policy_digest is not what was signed',
    });
  });

  it('is what we write from the same incidents: payload, hash and signature byte for byte', () => {
    const sample = parsed<ForensicContent>('forensic-bundle.sample.json');
    expect(JSON.parse(forensicBundle(sample, key()))).toEqual(sample);
  });
});
