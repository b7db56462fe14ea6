import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { IncidentMachine } from '../domain/incidents/incident-state.js';
import type { IncidentSaid } from '../domain/incidents/statements.js';
import type { IncidentView } from '../domain/incidents/view.js';

/** What is said to an incident: a signed statement, or the gateway's word for the holder of a token. */
export const INCIDENT_SIGNALS = ['acknowledge', 'resolve', 'statement'] as const;
export type IncidentSignalName = (typeof INCIDENT_SIGNALS)[number];
export const incidentSignals = INCIDENT_SIGNALS.map((name) => ({ name, signal: defineSignal<[IncidentSaid]>(name) }));

/** The register has more to say of this incident: it is asked, and nothing in the signal is believed. */
export const escalateSignal = defineSignal('escalate');
/** Somebody wants one more attempt to attest the host. */
export const reattestSignal = defineSignal('reattest');
export const incidentViewQuery = defineQuery<IncidentView>('view');

/** One thing that was said and waits to be heard. */
export interface WaitingSaid {
  signal: IncidentSignalName;
  said: IncidentSaid;
}

/** Input of `incident`. `state` and `waiting` are set by continue-as-new alone. */
export interface IncidentInput {
  incident_id: string;
  state?: IncidentMachine;
  waiting?: WaitingSaid[];
  max_events?: number;
}
