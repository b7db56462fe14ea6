import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { CeremonyState } from '../domain/ceremony-state.js';
import type { Unchecked } from '../domain/last-approval.js';
import { SIGNAL_ACTS, type SignedStatement } from '../domain/statement.js';
import type { CeremonyView } from '../domain/view.js';
import type { Verdict } from '../domain/verdict.js';

/** What is said to a ceremony: a signal named after the act, carrying one signed statement. What counts is the act in the signed bytes. */
export const actSignals = SIGNAL_ACTS.map((act) => ({ act, signal: defineSignal<[SignedStatement]>(act) }));

/** The ceremony as every reader sees it. */
export const viewQuery = defineQuery<CeremonyView>('view');

export interface VerdictAnswer {
  verdict: Verdict | null;
  mark: CeremonyState['mark'];
  /** Refusals in all, of which the first 64 are recorded and can be asked for. */
  refusals: number;
  /** Statements that have arrived and have not been heard: this one may be among them. */
  waiting: number;
}
/** The answer to one statement, by the digest of what was sent. */
export const verdictQuery = defineQuery<VerdictAnswer, [string]>('verdict');

/** Input of `breakGlass`. `state` and `pending` are set by continue-as-new alone. */
export interface BreakGlassInput {
  event_id: string;
  envelope: SignedStatement;
  state?: CeremonyState;
  pending?: PendingStatement[];
  /** Events of one run after which it continues as new even if the server does not suggest it. */
  max_events?: number;
}

/** One statement that waits to be heard. */
export type PendingStatement = Unchecked;

export interface CeremonyResult {
  event_id: string;
  end: string;
}

/** The request as its invoker signed it: what an approver checks and signs. */
export const requestQuery = defineQuery<SignedStatement>('request');
