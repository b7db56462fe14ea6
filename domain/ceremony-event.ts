import type { Receipt } from './entry.js';
import type { Delivered } from './delivery.js';
import type { Said } from './hearing.js';
import type { KillOutcome } from './kill-state.js';
import type { Appended } from './outbox.js';
import type { AbsenceOutcome, AdmitOutcome, ApplyOutcome, IssueOutcome, MarkOutcome } from './outcomes.js';
import type { RollbackOutcome, SurveyOutcome, VerifyOutcome } from './outcomes.js';
import type { SignalAct } from './statement.js';
import type { StatementRefusal } from './verdict.js';
import type { Watched } from './watched.js';

/** What can happen to a ceremony. Answers may come late, twice, or after the state that asked for them is past. */
export type CeremonyEvent =
  | { type: 'tick' }
  | { type: 'admitted'; outcome: AdmitOutcome }
  | { type: 'surveyed'; outcome: SurveyOutcome }
  | ({ type: 'heard' } & Said)
  | { type: 'unreadable'; signal: SignalAct; reason: StatementRefusal }
  /** The register has answered for the held approvals of these digests. */
  | { type: 'delivered'; digests: string[]; deliveries: Delivered[] }
  | { type: 'cancel_requested' }
  | { type: 'workflow_lost'; receipt: Receipt; earlier?: readonly Receipt[] }
  | { type: 'issued'; outcome: IssueOutcome }
  | ({ type: 'marked' } & MarkOutcome)
  | { type: 'applied'; outcome: ApplyOutcome }
  | { type: 'verify_overdue' }
  | { type: 'verified'; outcome: VerifyOutcome }
  | { type: 'watched'; outcome: Watched }
  | { type: 'extension_issued'; round: number; outcome: IssueOutcome }
  | { type: 'extension_applied'; round: number; outcome: ApplyOutcome }
  | { type: 'extension_verified'; round: number; outcome: VerifyOutcome }
  /** `ordered`: since then, upon a statement whose signature and right the effect judged for itself. */
  | { type: 'rolled_back'; round: number; outcome: RollbackOutcome; ordered?: string }
  | { type: 'absence'; round: number; outcome: AbsenceOutcome }
  | { type: 'sessions_ended'; at: string; receipt: Receipt }
  | { type: 'kill_acted'; key: string; outcome: KillOutcome }
  | ({ type: 'appended' } & Appended)
  | { type: 'audited'; outcome: 'audited' | 'missing'; at: string; receipt: Receipt };
