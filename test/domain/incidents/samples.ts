import { INCIDENT_CLASSES, type IncidentClass } from '../../../domain/incidents/classes.js';
import type { Incident } from '../../../domain/incidents/incident.js';
import type { IncidentReceipt } from '../../../domain/incidents/incident-entry.js';
import { DEFAULT_PLAYBOOK, playOf } from '../../../domain/incidents/playbook.js';
import { requirementsOf } from '../../../domain/incidents/requirements.js';
import { instant } from '../../../domain/identifiers.js';
import type { CheckedIncidentStatement, IncidentStatement } from '../../../domain/incidents/statements.js';

/** 2026-03-14T12:00:00Z. */
export const T0 = Date.UTC(2026, 2, 14, 12);
export const INCIDENT_ID = 'INC-20260314-120000-0001';
export const LATCHED = INCIDENT_CLASSES.filter((one) => playOf(DEFAULT_PLAYBOOK, one).latched);

export const receiptOf = (transition: string): IncidentReceipt => ({
  transition,
  envelope: { payloadType: 'x', payload: '', signatures: [{ keyid: '0'.repeat(64), sig: '' }] },
});

export function incidentOf(incidentClass: IncidentClass, generation = 1): Incident {
  const play = playOf(DEFAULT_PLAYBOOK, incidentClass);
  return {
    incident_id: INCIDENT_ID,
    generation,
    class: incidentClass,
    severity: play.severity,
    host: 'node-1',
    source: 'test',
    containment_actions: [...play.actions],
    latched: play.latched,
    requirements: requirementsOf(DEFAULT_PLAYBOOK, { class: incidentClass, severity: play.severity }),
    created_at: instant(T0),
  };
}

/** A binding that tells which generation it is of. */
export const bindingOf = (generation: number): string => String(generation).padStart(64, '0');

/** A statement whose signature was good, issued now and good for an hour. */
export function saidBy(
  person: string,
  act: 'acknowledge' | 'resolve',
  binding: string,
  nowMs: number,
): { checked: CheckedIncidentStatement; envelope: { payload: string; signature: string } } {
  const digest = Buffer.from(`${person}/${act}/${binding}/${nowMs}`).toString('hex').padEnd(64, '0').slice(-64);
  const statement = {
    domain: 'reseal-statement-v1',
    act,
    incident_id: INCIDENT_ID,
    containment_binding: binding,
    person,
    issued_at: instant(nowMs),
    not_after: instant(nowMs + 3_600_000),
  } as IncidentStatement;
  const checked = { ok: true as const, digest, statement_digest: digest, statement, person, method: 'software' };
  return { checked, envelope: { payload: `{"${digest}":1}`, signature: 's'.repeat(40) } };
}
