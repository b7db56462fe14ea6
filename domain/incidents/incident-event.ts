import type { DsseEnvelope } from '../intent.js';
import type { SignedStatement } from '../statement.js';
import type { ContainmentAction } from './classes.js';
import type { IncidentReceipt } from './incident-entry.js';
import type { Incident } from './incident.js';
import type { BearerAcknowledgement, CheckedIncidentStatement } from './statements.js';
import type {
  BoundOutcome,
  ContainmentOutcome,
  HealthOutcome,
  IncidentObservation,
  ReadAttestation,
  ReleaseEvidence,
  ReleaseIssued,
  ReleaseOutcome,
} from './tasks.js';

/** What happens to an incident. Answers of roles name the generation and round that they were asked in. */
export type IncidentEvent =
  | { type: 'tick' }
  /** Somebody says that there is something to hear from the register, or wants the host attested. */
  | { type: 'poked' }
  | { type: 'standing'; incident: Incident; receipt: IncidentReceipt; heard: number }
  | {
      type: 'contained';
      generation: number;
      round: number;
      outcome: ContainmentOutcome;
      seen: IncidentObservation | null;
    }
  | { type: 'bound'; outcome: BoundOutcome }
  /** For a while the authority has not believed that all of it holds: whoever answered for an action was not the role. */
  | { type: 'unproven'; generation: number; round: number }
  | { type: 'heard'; checked: CheckedIncidentStatement; envelope: SignedStatement }
  | { type: 'heard_bearer'; act: 'acknowledge' | 'resolve'; bearer: BearerAcknowledgement }
  | { type: 'reattest' }
  | { type: 'attested'; binding: string; attempt: number; result: DsseEnvelope; read: ReadAttestation | null }
  | { type: 'attest_waiting'; binding: string; attempt: number; reason: string; detail: string }
  /** `evidence`: on which it was asked for; the containment role judges the very same. */
  | { type: 'release_issued'; outcome: ReleaseIssued; evidence: ReleaseEvidence }
  | {
      type: 'released';
      generation: number;
      round: number;
      action: ContainmentAction;
      outcome: ReleaseOutcome;
      seen: IncidentObservation | null;
    }
  | { type: 'health'; outcome: HealthOutcome }
  | { type: 'appended'; count: number };
