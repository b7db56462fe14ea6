import { z } from 'zod';
import { epochMs } from '../../domain/identifiers.js';
import type { AttestationResult } from '../../domain/incidents/attestation-result.js';
import { dsseEnvelopeSchema } from '../../domain/intent.js';
import type { RoleKeys } from '../receipt.js';
import { readAttestationResult } from './attestation-result.js';
import type { ProvenContainment } from './bundle-containment.js';
import type { IncidentFindings } from './incident-bundle-report.js';
import type { ProvenLedger } from './open-incident-bundle.js';

const toldSchema = z.strictObject({
  attempt: z.number().int(),
  purpose: z.enum(['baseline', 'recovery']),
  verdict: z.enum(['passed', 'refused']),
  result: dsseEnvelopeSchema,
});

/** The recovery attempts of the last generation, in their order. */
export interface ProvenAttestations {
  latest: AttestationResult | null;
  /** Nobody who spoke before this time (epoch ms) had seen a failure that followed a pass. */
  voidBeforeMs: number;
}

/** Each verdict verified as the verifier's own word, none of the last generation left out between two. */
export function proveAttestations(
  ledger: ProvenLedger,
  { incident, settled }: ProvenContainment,
  keys: RoleKeys,
  found: IncidentFindings,
): ProvenAttestations | undefined {
  const fail = (detail: string) => found.fail('attestations', detail);
  const attempts = new Set<number>();
  let came: ProvenAttestations = { latest: null, voidBeforeMs: 0 };
  let passed = false;
  for (const { place, entry } of ledger.of('attested')) {
    const where = `entries[${place}]: ${entry.transition}`;
    const told = toldSchema.safeParse(entry.data);
    if (!told.success) return fail(`${where}: no attestation`);
    const read = readAttestationResult(told.data.result, keys);
    if (!read.ok) return fail(`${where}: ${read.message}`);
    const { result } = read;
    const { attempt, purpose, verdict } = told.data;
    if (result.attempt !== attempt || result.purpose !== purpose || result.verdict !== verdict)
      return fail(`${where}: the verifier says ${result.purpose} attempt ${result.attempt} ${result.verdict}`);
    if (result.incident_id !== ledger.incident_id || result.host !== incident.host)
      return fail(`${where}: of another incident or host`);
    if (verdict === 'refused') {
      const why = `${result.failed_check ?? 'refused'}: ${result.expected ?? ''}`;
      found.facts.refused.push({
        at: result.issued_at,
        what: `attestation ${attempt} (${purpose})`,
        why,
        by: 'verifier',
      });
    }
    const [, generation] = entry.transition.split('/');
    const ours = result.containment_binding === settled.containment_binding;
    if (ours !== (generation === String(incident.generation)))
      return fail(`${where}: it answers another containment than it stands for`);
    if (!ours) continue;
    attempts.add(attempt);
    if (purpose !== 'recovery') continue;
    if (attempt <= (came.latest?.attempt ?? 0)) return fail(`${where}: attempts count up`);
    const voids = verdict === 'refused' && passed ? epochMs(result.issued_at) : came.voidBeforeMs;
    passed ||= verdict === 'passed';
    came = { latest: result, voidBeforeMs: voids };
  }
  for (const { entry } of ledger.of('attestation_waiting'))
    if (entry.transition.startsWith(`attestation_waiting/${incident.generation}/`))
      attempts.add(Number(entry.data['attempt']));
  for (let attempt = 1; attempt < (came.latest?.attempt ?? 0); attempt += 1)
    if (!attempts.has(attempt)) return fail(`attempt ${attempt} is left out: what came of it is shown nowhere`);
  found.ran('attestations', `${ledger.of('attested').length} verdicts by the verifier, none left out`);
  return came;
}

/** Whose word a passed result rests on besides the verifier's: each must have said so in this ledger, with their own key. */
export function proveVouched(result: AttestationResult, { facts }: IncidentFindings): string | undefined {
  const said = (act: string, person: string, of?: string): boolean =>
    facts.statements.some((one) => one.act === act && one.person === person && (of === undefined || one.of === of));
  const { reference_is_newer, reference_digest, reference_accepted_by, baseline } = result;
  if (reference_is_newer)
    for (const person of reference_accepted_by)
      if (!said('accept_baseline', person, reference_digest ?? ''))
        return `${person} did not accept this reference here`;
  if (baseline.kind === 'waived')
    for (const person of baseline.waived_by)
      if (!said('waive_baseline', person)) return `${person} did not waive the baseline here`;
  return undefined;
}
