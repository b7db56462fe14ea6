import type { Asking, Delivered } from './delivery.js';
import type { OutboxItem, Receipt } from './entry.js';
import type { SignedIntent } from './intent.js';
import type * as outcomes from './outcomes.js';
import type { EndCause } from './ceremony-state.js';
import type { KillOutcome } from './kill-state.js';
import type { Request } from './request.js';
import type { ReviewOutcome } from './review.js';
import type { SignedStatement } from './statement.js';
import type { CheckedStatement } from './verdict.js';
import type { CeremonyView } from './view.js';

/** What each role is asked, by activity name. The answers are parsed with the schemas of `outcomes.ts`. */

/** In the worker that runs the workflow, as regular activities: a local one that a query overtakes breaks the history. */
export interface CeremoniesTasks {
  check(input: { envelopes: SignedStatement[] }): Promise<CheckedStatement[]>;
}

export interface RegisterTasks {
  admit(input: { event_id: string; run_id: string; envelope: SignedStatement }): Promise<outcomes.AdmitOutcome>;
  /**
   * Idempotent: transitions that the ledger holds are passed over. The view replaces the row's unless it is older. `held` are
   * transitions that the ceremony was told the ledger holds.
   */
  append(input: {
    event_id: string;
    items: OutboxItem[];
    view: CeremonyView;
    held?: string[];
  }): Promise<{ count: number; refused?: string[]; missing?: string[] }>;
  /** For each of these people the first receipt that they were asked this; nothing of those who were not reached yet. */
  deliveries(input: Asking & { event_id: string; people: string[] }): Promise<Delivered[]>;
  /** Records a signed review, once an event; what does not count is answered with why. */
  review(input: { event_id: string; envelope: SignedStatement }): Promise<ReviewOutcome>;
}

/** Everything the authority and the effects judge for themselves. */
export interface Evidence {
  event_id: string;
  request: SignedStatement;
  approvals: SignedStatement[];
  /** The register's word that the event was admitted, and when: the first entry of its ledger. */
  admission: Receipt;
  /** Where the policy wants them: the register's receipts that these approvers had been asked. */
  deliveries?: Receipt[] | undefined;
  /** From round 2 on: what the invoker asked for, and the authority's intents before it. `approvals` are then those of it. */
  extension?: { asked: SignedStatement; prior: SignedIntent[] } | undefined;
}

export interface AuthorityTasks {
  issue(input: Evidence): Promise<outcomes.IssueOutcome>;
  /** `compromise`: whoever killed it said so. */
  mark(input: {
    event_id: string;
    cause: EndCause;
    by: string | null;
    compromise?: true;
  }): Promise<outcomes.MarkOutcome>;
  /** What the journal holds of an event; null when it never issued anything for it. */
  recall(input: { event_id: string }): Promise<outcomes.RecallOutcome>;
}

/** The same for every kind of effect, each on the queue of its own role. */
export interface EffectTasks {
  /** `first`: no other run or activity can have called the provider for this intent. */
  apply(input: {
    signed: SignedIntent;
    evidence: Evidence;
    warrant: string | null;
    first: boolean;
  }): Promise<outcomes.ApplyOutcome>;
  /**
   * `refused`: every answer to the grant was a refusal. Where the provider keeps no mark of who made a change, what stands is
   * then another's. `made_id`: what the provider called what it made, where the grant was answered.
   */
  rollback(input: {
    signed: SignedIntent;
    round: number;
    refused?: true;
    made_id?: string;
  }): Promise<outcomes.RollbackOutcome>;
}

/** Every effect's role takes these besides. */
export interface OrderTasks {
  /**
   * The first `rollback`, upon a statement that the ceremony is still checking. The effect judges the order by its own
   * roster and policy; what it refuses is left to the ceremony.
   */
  rollbackOnOrder(input: {
    signed: SignedIntent;
    evidence: Evidence;
    order: SignedStatement;
  }): Promise<outcomes.OrderedRollbackOutcome>;
}

export interface SessionsTasks {
  endSessions(input: { signed: SignedIntent }): Promise<{ at: string; receipt: Receipt }>;
}

/** What is done besides the reseal upon a kill. Each acts only on what the authority's signed intent names. */
export interface CredentialsTasks {
  /** Rotates the intent's rotation of this index. */
  rotate(input: { signed: SignedIntent; index: number }): Promise<KillOutcome>;
}

export interface AccountTasks {
  /** Disables the principal's account. */
  disableAccount(input: { signed: SignedIntent }): Promise<KillOutcome>;
}

export interface HaltTasks {
  /** Tells the intent's runtime of this index to halt the event's jobs; of the register, which holds such secrets. */
  haltJob(input: { signed: SignedIntent; index: number }): Promise<KillOutcome>;
}

export interface VerifierTasks {
  /** Lists what the principal granted to others until `until`; `settled` waits for the audit log first. */
  listGranted(input: { signed: SignedIntent; until: string; settled: boolean }): Promise<KillOutcome>;
  /** `tier0`: with a snapshot of the whole tenant, to compare with once the grant is gone. */
  survey(input: { request: Request; request_digest: string; tier0?: true }): Promise<outcomes.SurveyOutcome>;
  verify(input: { signed: SignedIntent; survey: outcomes.Survey }): Promise<outcomes.VerifyOutcome>;
  watch(input: { signed: SignedIntent; survey: outcomes.Survey }): Promise<outcomes.WatchOutcome>;
  verifyRolledBack(input: {
    signed: SignedIntent;
    survey: outcomes.Survey | null;
    round: number;
    settle_until: string | null;
    /** How many agreeing present reads it takes to call it present again. */
    patience: number;
    /** As for `rollback`. */
    refused?: true;
    /** What the role that granted signed of it. Without a word of its that nothing is on its way, no null `settle_until` counts. */
    shown?: Receipt[];
  }): Promise<outcomes.AbsenceOutcome>;
  audit(input: {
    signed: SignedIntent;
    ended_at: string;
  }): Promise<{ outcome: 'audited' | 'missing'; at: string; receipt: Receipt }>;
}
