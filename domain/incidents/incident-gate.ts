import { epochMs } from '../identifiers.js';
import { gate, type AttestationStanding, type GateMissing } from './gate.js';
import type { IncidentMachine } from './incident-state.js';

/** The gate as this incident stands, from what answers its binding and is not over. */
export function gateOf(state: IncidentMachine, nowMs: number): { open: boolean; missing: GateMissing[] } {
  const { incident, settled, acknowledged, artifacts } = state;
  return gate(incident.requirements, {
    binding: settled?.settled.containment_binding ?? null,
    acknowledgements: acknowledged
      .filter(({ over }) => over === null || nowMs < over)
      .map(({ person, said }) => ({ person, signed: 'envelope' in said })),
    attestation: attestationStanding(state, nowMs),
    artifacts,
  });
}

/** A quote that was taken at containment is none that anything is trusted by. */
function attestationStanding({ attestation }: IncidentMachine, nowMs: number): AttestationStanding {
  const { purpose, state, expires_at } = attestation;
  if (purpose === 'baseline' || state === 'idle') return 'none';
  if (state === 'passed') return expires_at !== null && nowMs < epochMs(expires_at) ? 'passed' : 'expired';
  return state === 'waiting_for_host' ? 'waiting' : state;
}
