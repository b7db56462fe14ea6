import type { IncidentEntryType } from './incident-entry.js';
import type { IncidentMachine } from './incident-state.js';

/**
 * Adds an entry that the workflow tells and the register signs. `name` makes its transition; null where there is one of the
 * type alone, left out where each is another.
 */
export function tell(
  state: IncidentMachine,
  type: IncidentEntryType,
  at: string,
  data: Record<string, unknown>,
  name: string | null = String(state.told + 1),
): IncidentMachine {
  const { incident_id } = state.incident;
  const transition = name === null ? type : `${type}/${name}`;
  const draft = { schema: 'reseal.incident_entry.v1' as const, incident_id, transition, type, at, data };
  return { ...state, told: state.told + 1, outbox: [...state.outbox, { transition, draft }] };
}
