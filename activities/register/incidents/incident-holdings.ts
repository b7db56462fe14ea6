import type { Playbook } from '../../../domain/incidents/playbook.js';
import type { RegisterHoldings } from '../holdings.js';

/** What the register needs for incidents. */
export interface IncidentHoldings extends Pick<
  RegisterHoldings,
  'database' | 'key' | 'clock' | 'roleKeys' | 'log' | 'roster'
> {
  playbook: Playbook;
  /** Its own file's digest, which new incidents are opened under; and by digest those that still count. */
  playbookDigest?: string;
  playbooks?: ReadonlyMap<string, Playbook>;
  /** Shown as what is required; what counts is the authority's own setting. */
  compatAck: boolean;
}

/** The playbook that an incident was opened under; the register's own where it names none. Undefined where it is not known. */
export const openedUnder = (
  { playbook, playbooks }: Pick<IncidentHoldings, 'playbook' | 'playbooks'>,
  digest: string | null,
): Playbook | undefined => (digest === null ? playbook : playbooks?.get(digest));
