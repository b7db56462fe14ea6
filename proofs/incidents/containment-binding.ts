import { sha256Hex } from '../canonical-json.js';
import { goStruct } from '../go-json.js';
import { actionsJson, resultsJson, type SecaiContainmentResult } from './secai-incident.js';

/** What an acknowledgement and an attestation answer: exactly this containment of exactly this incident. */
export interface Containment {
  incident_id: string;
  incident_class: string;
  severity: string;
  containment_actions?: readonly string[] | undefined;
  /** In the order in which they are kept; every text of them is hashed as it stands. */
  containment_results?: readonly SecaiContainmentResult[] | undefined;
}

/**
 * The `containment_binding`: lower-case hex SHA-256 of the five members as Go's `json.Marshal` writes them, no actions and no
 * results being `null` (SecAI OS's rule, kept byte for byte). Another severity, action, result or time of a result has another
 * binding, and so voids what was acknowledged or attested before.
 *
 * @throws {TypeError} for a lone surrogate in any text.
 */
export function containmentBinding(of: Containment): string {
  return sha256Hex(
    goStruct([
      ['incident_id', of.incident_id],
      ['incident_class', of.incident_class],
      ['severity', of.severity],
      ['containment_actions', actionsJson(of.containment_actions)],
      ['containment_results', resultsJson(of.containment_results)],
    ]),
  );
}
