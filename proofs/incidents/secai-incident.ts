import { createHash } from 'node:crypto';

import { GoJson, goSlice, goStringMap, goStruct } from '../go-json.js';

/** What came of one containment action. `completed_at` is RFC 3339, kept as it was written: it is hashed. */
export interface SecaiContainmentResult {
  action: string;
  success: boolean;
  error?: string | undefined;
  completed_at: string;
}

/** An incident as the runbook's API shows it: members in the order in which SecAI OS's incident recorder writes them. */
export interface SecaiIncident {
  id: string;
  /** RFC 3339. */
  created_at: string;
  class: string;
  severity: string;
  state: string;
  source: string;
  description: string;
  evidence?: Readonly<Record<string, string>> | undefined;
  containment_actions?: readonly string[] | undefined;
  containment_results?: readonly SecaiContainmentResult[] | undefined;
  /** RFC 3339. */
  resolved_at?: string | undefined;
  /** `incidentHash`. */
  hash: string;
}

/**
 * The recorder's `hash`: the first 16 bytes, in hex, of SHA-256 over six members joined by "|". It is a checksum for
 * readers of the compatible forms and proves nothing: "|" is not escaped, and state and evidence are not covered.
 */
export function incidentHash(incident: Omit<SecaiIncident, 'hash'>): string {
  const { id, created_at, severity, source, description } = incident;
  const text = [id, created_at, incident.class, severity, source, description].join('|');
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32);
}

const resultJson = ({ action, success, error, completed_at }: SecaiContainmentResult): GoJson =>
  new GoJson(
    goStruct([
      ['action', action],
      ['success', success],
      ['error', error, 'omitempty'],
      ['completed_at', completed_at],
    ]),
  );

/** Results as Go writes them; none at all is a nil slice. */
export const resultsJson = (results: readonly SecaiContainmentResult[] | undefined): GoJson =>
  goSlice(isNone(results) ? null : results.map(resultJson));

/** Actions as Go writes them; none at all is a nil slice. */
export const actionsJson = (actions: readonly string[] | undefined): GoJson =>
  goSlice(isNone(actions) ? null : actions);

function isNone(items: readonly unknown[] | undefined): items is undefined {
  return items === undefined || items.length === 0;
}

const orLeftOut = (json: GoJson): GoJson | undefined => (json.text === 'null' ? undefined : json);

/**
 * An incident as the recorder's Go writes it, on one line.
 *
 * @throws {TypeError} for a lone surrogate in any text.
 */
export function secaiIncidentJson(incident: SecaiIncident): GoJson {
  const { evidence } = incident;
  const some = evidence !== undefined && Object.keys(evidence).length > 0 ? evidence : null;
  return new GoJson(
    goStruct([
      ['id', incident.id],
      ['created_at', incident.created_at],
      ['class', incident.class],
      ['severity', incident.severity],
      ['state', incident.state],
      ['source', incident.source],
      ['description', incident.description],
      ['evidence', orLeftOut(goStringMap(some)), 'omitempty'],
      ['containment_actions', orLeftOut(actionsJson(incident.containment_actions)), 'omitempty'],
      ['containment_results', orLeftOut(resultsJson(incident.containment_results)), 'omitempty'],
      ['resolved_at', incident.resolved_at, 'omitempty'],
      ['hash', incident.hash],
    ]),
  );
}
