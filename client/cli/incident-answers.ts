import { GATE_MISSING, type GateMissing } from '../../domain/incidents/gate.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { remedyCommand, remedyOf, type Refused } from './attestation-remedy.js';
import { oneLine } from './printable.js';

/** The command by which something that is missing is answered; capitals in it stand for what only its reader knows. */
export function answerTo(code: GateMissing, view: Refused): string {
  const { id } = view;
  switch (code) {
    case 'containment_not_settled':
    case 'attestation_running':
    case 'attestation_waiting':
      return `reseal incident watch ${id}`;
    case 'acknowledgement':
    case 'second_acknowledgement':
    case 'signed_acknowledgement':
      return `reseal incident ack ${id}`;
    case 'attestation_refused':
      return remedyCommand(view);
    case 'attestation':
    case 'attestation_expired':
      return `reseal incident reattest ${id}`;
    case 'attestation_acceptance':
      return `reseal incident accept-baseline ${id} REFERENCE`;
    case 'attestation_waiver':
      return `reseal incident waive-baseline ${id}`;
    case 'release_operator':
      return `reseal incident resolve ${id}`;
    case 'artifact_baseline_update':
      return `reseal incident artifact ${id} --kind baseline_update FILE`;
    case 'artifact_manifest':
      return `reseal incident artifact ${id} --kind manifest FILE`;
  }
}

/** What is missing, and the command that answers it. */
export function missingText(code: GateMissing, view: Refused): string {
  const remedy = code === 'attestation_refused' ? remedyOf(view) : undefined;
  const what = remedy === undefined ? GATE_MISSING[code] : `${view.attestation.failed_check ?? ''}: ${remedy}`;
  return `${code}: ${oneLine(what)} (${answerTo(code, view)})`;
}

/** The command that brings an incident further, or undefined where it is over. */
export function nextFor(view: IncidentView): string | undefined {
  if (view.state === 'resolved') return undefined;
  const [first] = view.missing;
  return first === undefined ? `reseal incident resolve ${view.id}` : answerTo(first, view);
}
