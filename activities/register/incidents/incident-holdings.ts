import type { Playbook } from '../../../domain/incidents/playbook.js';
import type { RegisterHoldings } from '../holdings.js';

/** What the register needs for incidents. */
export interface IncidentHoldings extends Pick<
  RegisterHoldings,
  'database' | 'key' | 'clock' | 'roleKeys' | 'log' | 'roster'
> {
  playbook: Playbook;
  /** Shown as what is required; what counts is the authority's own setting. */
  compatAck: boolean;
}
