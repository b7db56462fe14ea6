import { epochMs } from '../identifiers.js';
import { CLOCK_SKEW_MS, MAX_STATEMENT_LIFE_MS } from '../statement.js';
import type { IncidentStatement, IncidentStatementRefusal } from './statements.js';

/**
 * What stands against a statement whose signature is good: it is about another incident, answers another containment, or
 * its time is not now. `binding` is null until the containment has settled. The same for the workflow, the authority and
 * the containment role, each with its own clock.
 */
export function incidentStatementObjection(
  statement: IncidentStatement,
  { incident_id, binding }: { incident_id: string; binding: string | null },
  nowMs: number,
): IncidentStatementRefusal | undefined {
  if (statement.incident_id !== incident_id) return 'foreign_incident';
  if (binding === null) return 'not_settled';
  if (statement.containment_binding !== binding) return 'foreign_binding';
  if (epochMs(statement.issued_at) > nowMs + CLOCK_SKEW_MS) return 'not_yet_issued';
  return nowMs >= statementOver(statement) ? 'expired' : undefined;
}

/** When a statement stops to count, in epoch ms: at its own time, and after a day in any case. */
export const statementOver = ({ issued_at, not_after }: Pick<IncidentStatement, 'issued_at' | 'not_after'>): number =>
  Math.min(epochMs(not_after), epochMs(issued_at) + MAX_STATEMENT_LIFE_MS);
