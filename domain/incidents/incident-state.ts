import type { SignedStatement } from '../statement.js';
import type { DsseEnvelope } from '../intent.js';
import type { ArtifactKind, ContainmentAction } from './classes.js';
import type { ContainmentResult, Incident, Settled } from './incident.js';
import type { IncidentItem, IncidentReceipt } from './incident-entry.js';
import type { BearerAcknowledgement } from './statements.js';
import type { ReleaseEvidence } from './tasks.js';
import type { IncidentHealth, IncidentView } from './view.js';

/** Where one action of the containment stands. `tried`: a first try failed, and the role now tries until it holds. */
export interface ActionState {
  action: ContainmentAction;
  state: 'pending' | 'tried' | 'held';
  result: ContainmentResult | null;
  receipt: IncidentReceipt | null;
}

/** An acknowledgement of the binding that stands. */
export interface Acknowledged {
  person: string;
  at: string;
  method: string;
  statement_digest: string | null;
  /** Epoch ms after which it does not count; null for a token's word, which the incident's end alone ends. */
  over: number | null;
  said: { envelope: SignedStatement } | { bearer: BearerAcknowledgement };
}

/** The attestation of the generation that stands. */
export interface AttestationState {
  attempt: number;
  purpose: 'baseline' | 'recovery';
  state: 'idle' | 'running' | 'waiting_for_host' | 'refused' | 'passed';
  failed_check: string | null;
  expected: string | null;
  waiting: string | null;
  /** How often this attempt has waited, and until when it waits now, in epoch ms. */
  waits: number;
  next_at: number | null;
  at: string | null;
  expires_at: string | null;
  result: DsseEnvelope | null;
}

/** What has been let go, in the order in which it is: the reverse of the containment. */
export interface ReleaseState {
  warrant: string | null;
  /** On which the warrant was given. */
  evidence: ReleaseEvidence | null;
  /** How often a warrant was asked for: each ask is a piece of work of its own. */
  asks: number;
  results: ContainmentResult[];
  /** The next action failed once, and the role now tries until it is undone. */
  failing: boolean;
  resolved_by: string;
}

/**
 * One incident, whole: a continued or restarted workflow needs nothing else. `round` counts how often the containment of
 * this generation was begun: a release that is broken off begins it again.
 */
export interface IncidentMachine {
  incident: Incident;
  standing: IncidentReceipt;
  phase: 'containing' | 'contained' | 'releasing' | 'checking_health' | 'resolved';
  round: number;
  actions: ActionState[];
  settled: { settled: Settled; receipt: IncidentReceipt } | null;
  acknowledged: Acknowledged[];
  artifacts: ArtifactKind[];
  /** Statements to be shown as evidence besides acknowledgements: artifacts, waivers, acceptances, the wish to resolve. */
  beside: SignedStatement[];
  attestation: AttestationState;
  /** The host passed for this containment once: a refusal after that voids what people said, too. */
  passed_before: boolean;
  reattest_wanted: boolean;
  release: ReleaseState | null;
  resolve: IncidentView['resolve'];
  health: IncidentHealth | null;
  health_asks: number;
  health_at: number | null;
  authority_refuses: string | null;
  verdicts: IncidentView['verdicts'];
  /** How often something asked for the register's word. */
  pokes: number;
  heard_pokes: number;
  resolved_at: string | null;
  outbox: IncidentItem[];
  /** Entries handed to the register so far. */
  appended: number;
  /** Numbers what the workflow tells, so that every transition is another. */
  told: number;
}

/** No attempt under way; `attempt` counts those that were. */
export const idle = (attempt: number): AttestationState => ({
  attempt,
  purpose: 'baseline',
  state: 'idle',
  failed_check: null,
  expected: null,
  waiting: null,
  waits: 0,
  next_at: null,
  at: null,
  expires_at: null,
  result: null,
});

/** Everything pending, nothing acknowledged, nothing attested: what a new generation begins with. */
export function beginContainment(
  incident: Incident,
): Pick<
  IncidentMachine,
  | 'phase'
  | 'actions'
  | 'settled'
  | 'acknowledged'
  | 'artifacts'
  | 'beside'
  | 'attestation'
  | 'passed_before'
  | 'reattest_wanted'
  | 'release'
  | 'health'
  | 'authority_refuses'
> {
  return {
    phase: 'containing',
    actions: incident.containment_actions.map((action) => ({ action, state: 'pending', result: null, receipt: null })),
    settled: null,
    acknowledged: [],
    artifacts: [],
    beside: [],
    attestation: idle(0),
    passed_before: false,
    reattest_wanted: false,
    release: null,
    health: null,
    authority_refuses: null,
  };
}

/** An incident as the register first tells of it. */
export function newIncident(incident: Incident, standing: IncidentReceipt): IncidentMachine {
  return {
    ...beginContainment(incident),
    incident,
    standing,
    round: 1,
    resolve: null,
    health_asks: 0,
    health_at: null,
    verdicts: [],
    pokes: 0,
    heard_pokes: 0,
    resolved_at: null,
    outbox: [standing],
    appended: 0,
    told: 0,
  };
}

/** The actions that have to be undone still, in the order in which they are. */
export function toRelease({ actions, release }: IncidentMachine): ContainmentAction[] {
  const done = new Set(release?.results.map(({ action }) => action));
  return actions
    .map(({ action }) => action)
    .reverse()
    .filter((action) => !done.has(action));
}
