import { ApplicationFailure } from '@temporalio/common';
import type { ContainmentAction, IncidentClass, Severity } from '../../../domain/incidents/classes.js';
import { incidentIdSchema } from '../../../domain/incidents/incident-id.js';
import type { Incident } from '../../../domain/incidents/incident.js';
import { playOf } from '../../../domain/incidents/playbook.js';
import { requirementsOf } from '../../../domain/incidents/requirements.js';
import type { IncidentRegisterTasks } from '../../../domain/incidents/tasks.js';
import { instant } from '../../../domain/identifiers.js';
import { signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { openedUnder, type IncidentHoldings } from './incident-holdings.js';

interface Row extends Record<string, unknown> {
  incident_id: string;
  generation: number;
  class: IncidentClass;
  severity: Severity;
  host: string;
  source: string;
  actions: ContainmentAction[];
  playbook_digest: string | null;
  created_at: string;
}

export const incidentUnknown = (incidentId: string) =>
  ApplicationFailure.nonRetryable(`there is no incident ${incidentId}`, 'incident_unknown');

/** What an incident is at this moment, as the register signs it; nothing is written. */
export function incidentStanding(holdings: IncidentHoldings): IncidentRegisterTasks['incidentStanding'] {
  return async ({ incident_id }) => {
    const incidentId = incidentIdSchema.parse(incident_id);
    const [row] = await holdings.database.query<Row>(
      `SELECT incident_id, generation, class, severity, host, source, actions, created_at, playbook_digest
       FROM register.incidents WHERE incident_id = $1`,
      [incidentId],
    );
    if (row === undefined) throw incidentUnknown(incidentId);
    const { actions, playbook_digest, ...rest } = row;
    const { compatAck, clock, key } = holdings;
    const playbook = openedUnder(holdings, playbook_digest);
    // By which rules it is to end is then a question of configuration: it waits, contained, until somebody answers it.
    if (playbook === undefined)
      throw ApplicationFailure.retryable(
        `${incidentId} was opened under playbook ${playbook_digest ?? ''}, which is not known here`,
        'playbook_unknown',
      );
    const incident: Incident = {
      ...rest,
      containment_actions: actions,
      latched: playOf(playbook, row.class).latched,
      requirements: requirementsOf(playbook, row, compatAck),
      ...(playbook_digest === null ? {} : { playbook_digest }),
    };
    const entry = {
      schema: 'reseal.incident_entry.v1' as const,
      incident_id: incidentId,
      transition: `standing/${row.generation}`,
      type: 'standing' as const,
      at: instant(clock.now()),
      data: { ...incident },
    };
    return { incident, receipt: signIncidentReceipt(entry, key) };
  };
}
