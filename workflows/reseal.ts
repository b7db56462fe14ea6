import { ApplicationFailure, continueAsNew } from '@temporalio/workflow';
import { lostCeremony, newCeremony, type Approval, type CeremonyState } from '../domain/ceremony-state.js';
import { epochMs } from '../domain/identifiers.js';
import { recallOutcomeSchema } from '../domain/outcomes.js';
import type { SignedStatement } from '../domain/statement.js';
import type { CheckedStatement } from '../domain/verdict.js';
import { step } from '../domain/ceremony.js';
import { resealInputOf } from './input.js';
import type { CeremonyResult, PendingStatement } from './protocol.js';
import { authority } from './role-tasks.js';
import { runCeremony } from './run-ceremony.js';

const MAX_EVENTS = 2000;

/** `state` and `pending` are set by continue-as-new alone. */
interface ResealInput {
  event_id: string;
  state?: CeremonyState;
  pending?: PendingStatement[];
}

/**
 * Ends what a ceremony left behind whose own workflow is gone: terminated, reset away, or lost with its history. It
 * needs nothing but the event id: the authority's journal holds the intent, and everything it does is checked again by
 * the role that does it. The reseal itself is the ceremony's own.
 */
export async function reseal(raw: ResealInput): Promise<CeremonyResult> {
  const { event_id, pending, ...continued } = resealInputOf(raw);
  const state = continued.state ?? (await recalled(event_id));
  const run = await runCeremony(state, pending, MAX_EVENTS);
  if (!run.finished) await continueAsNew<typeof reseal>({ event_id, state: run.state, pending: run.pending });
  return { event_id, end: run.state.phase };
}

async function recalled(event_id: string): Promise<CeremonyState> {
  const answer = recallOutcomeSchema.safeParse(await authority('what did the journal record?').recall({ event_id }));
  // Thrown as anything else it would hold this run for ever, and the reconciler begins no other beside it.
  if (!answer.success) throw ApplicationFailure.nonRetryable('the authority gave no usable answer', 'no_usable_answer');
  const found = answer.data;
  if (found === null) {
    throw ApplicationFailure.nonRetryable(
      `no intent was ever recorded for ${event_id}: nothing to reseal`,
      'no_intent',
    );
  }
  const { evidence, opened, signed, receipt, earlier_receipts: earlier } = found;
  const askedAt = opened === null ? Date.now() : epochMs(opened.request.requested_at);
  const lost = lostCeremony(newCeremony(event_id, evidence.request, askedAt), opened, signed);
  const approvals = evidence.approvals.flatMap((envelope, index) => approvalOf(envelope, found.approvals[index]));
  return step({ ...lost, approvals }, { type: 'workflow_lost', receipt, earlier }, Date.now());
}

function approvalOf(envelope: SignedStatement, checked: CheckedStatement | undefined): Approval[] {
  if (checked?.ok !== true) return [];
  const { person, method, digest, statement } = checked;
  return [{ person, method, digest, envelope, at: statement.issued_at }];
}
