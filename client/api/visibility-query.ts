import { ENDS } from '../../domain/ceremony-state.js';
import type { EventFilter } from './reseal-api.js';

/** https://docs.temporal.io/list-filter. Every value comes from outside: only enumerations, times and quoted names get in. */
export function visibilityQuery(filter: EventFilter): string {
  const ends = ENDS.map((end) => quoted(end)).join(', ');
  const clauses = ["WorkflowType = 'breakGlass'", "ExecutionStatus != 'ContinuedAsNew'"];
  if (filter.state !== undefined) clauses.push(`ResealState = ${quoted(filter.state)}`);
  if (filter.open !== undefined) clauses.push(`ResealState ${filter.open ? 'NOT IN' : 'IN'} (${ends})`);
  if (filter.overdue === true) clauses.push("ResealFlags = 'rollback_overdue'");
  if (filter.profile !== undefined) clauses.push(`ResealProfile = ${quoted(filter.profile)}`);
  if (filter.since !== undefined) clauses.push(`StartTime >= ${quoted(filter.since)}`);
  return clauses.join(' AND ');
}

const quoted = (text: string): string => `'${text.replace(/[^A-Za-z0-9._:-]/g, '')}'`;
