import { z } from 'zod';
import type { ArtifactKind } from './classes.js';
import type { Requirements } from './requirements.js';

/** Why the gate is shut, in stable codes. */
export const GATE_MISSING = {
  containment_not_settled: 'every containment action has to hold first: it is tried until it does',
  acknowledgement: 'an operator has to acknowledge exactly this containment',
  second_acknowledgement: 'a second operator has to acknowledge exactly this containment',
  signed_acknowledgement: 'an incident like this one is acknowledged by a signed statement',
  attestation: 'the host has to pass a re-attestation that answers exactly this containment',
  attestation_refused: 'the latest re-attestation was refused: mend what it names, and ask for another',
  attestation_running: 'a re-attestation is under way',
  attestation_waiting: 'the host does not answer: it is asked until it does',
  attestation_expired: 'the re-attestation that passed is too old: ask for another',
  attestation_acceptance:
    'the values it passed by are newer than the containment, and too few besides who acknowledged accepted them: others accept, then ask for another',
  attestation_waiver:
    'it passed without a quote to count resets from, and too few besides who acknowledged waived that: others waive, then ask for another',
  artifact_baseline_update: 'the playbook wants an authorised update of the baseline, as a signed statement',
  release_operator: 'the playbook names who may ask for the release: one of them, by a signed statement',
  artifact_manifest: "the playbook wants the model's manifest verified again, as a signed statement",
} as const;
export type GateMissing = keyof typeof GATE_MISSING;
export const gateMissingSchema = z.enum(Object.keys(GATE_MISSING) as [GateMissing, ...GateMissing[]]);

/** Who has acknowledged the binding that stands; others do not count and are not given. */
export interface CountedAcknowledgement {
  person: string;
  signed: boolean;
}

/** The latest re-attestation for the binding that stands. */
export type AttestationStanding =
  'none' | 'running' | 'waiting' | 'refused' | 'passed' | 'expired' | 'unaccepted' | 'unwaived';

/** The gate, from nothing but what answers one binding; `binding` is null until the containment has settled. */
export function gate(
  requirements: Requirements,
  {
    binding,
    acknowledgements,
    attestation,
    artifacts,
    asked = true,
  }: {
    binding: string | null;
    acknowledgements: readonly CountedAcknowledgement[];
    attestation: AttestationStanding;
    artifacts: readonly ArtifactKind[];
    /** Whether somebody who may has asked for the release; for those who judge it by a playbook that names them. */
    asked?: boolean;
  },
): { open: boolean; missing: GateMissing[] } {
  const missing: GateMissing[] = [];
  if (binding === null) missing.push('containment_not_settled');
  const lacking = acknowledgementMissing(requirements, acknowledgements);
  if (lacking !== undefined) missing.push(lacking);
  for (const kind of requirements.artifacts) if (!artifacts.includes(kind)) missing.push(`artifact_${kind}`);
  if (requirements.require_reattest && attestation !== 'passed') missing.push(ATTESTATION_MISSING[attestation]);
  if (!asked) missing.push('release_operator');
  return { open: missing.length === 0, missing };
}

const ATTESTATION_MISSING = {
  none: 'attestation',
  running: 'attestation_running',
  waiting: 'attestation_waiting',
  refused: 'attestation_refused',
  expired: 'attestation_expired',
  unaccepted: 'attestation_acceptance',
  unwaived: 'attestation_waiver',
} as const satisfies Record<Exclude<AttestationStanding, 'passed'>, GateMissing>;

function acknowledgementMissing(
  { require_ack, acknowledgements: wanted, signed }: Requirements,
  given: readonly CountedAcknowledgement[],
): GateMissing | undefined {
  if (!require_ack) return undefined;
  const people = new Set(given.map(({ person }) => person));
  const signers = new Set(given.filter((one) => one.signed).map(({ person }) => person));
  if (people.size === 0) return signed ? 'signed_acknowledgement' : 'acknowledgement';
  if (signed && signers.size === 0) return 'signed_acknowledgement';
  return (signed ? signers.size : people.size) < wanted ? 'second_acknowledgement' : undefined;
}
