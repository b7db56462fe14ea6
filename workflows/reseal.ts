import { ApplicationFailure, continueAsNew } from '@temporalio/workflow';
import { lostCeremony, newCeremony, type Approval, type CeremonyState, type Opened } from '../domain/ceremony-state.js';
import { epochMs } from '../domain/identifiers.js';
import { checkOutcomeSchema, openOutcomeSchema, recallOutcomeSchema, type OpenOutcome } from '../domain/outcomes.js';
import type { SignedStatement } from '../domain/statement.js';
import type { CheckedStatement } from '../domain/verdict.js';
import { step } from '../domain/ceremony.js';
import { HistoryClock } from './history-clock.js';
import { resealInputOf } from './input.js';
import type { CeremonyResult, PendingStatement } from './protocol.js';
import { authority, ceremonies } from './role-tasks.js';
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
  const clock = new HistoryClock();
  const state = continued.state ?? (await recalled(event_id, clock));
  const run = await runCeremony(state, pending, MAX_EVENTS, clock);
  if (!run.finished) await continueAsNew<typeof reseal>({ event_id, state: run.state, pending: run.pending });
  return { event_id, end: run.state.phase };
}

async function recalled(event_id: string, clock: HistoryClock): Promise<CeremonyState> {
  const found = recallOutcomeSchema.parse(await authority('what did the journal record?').recall({ event_id }));
  clock.tick();
  if (found === null) {
    throw ApplicationFailure.nonRetryable(
      `no intent was ever recorded for ${event_id}: nothing to reseal`,
      'no_intent',
    );
  }
  const { request, approvals } = found.evidence;
  // The policy may have changed since: then the view has less to show, and the reseal needs none of it.
  const answer = openOutcomeSchema.safeParse(
    await ceremonies("check the request's signature").open({ event_id, envelope: request }),
  );
  const opened = answer.success && answer.data.outcome === 'opened' ? openedOf(answer.data) : null;
  const askedAt = opened === null ? clock.now : epochMs(opened.request.requested_at);
  const checked = checkOutcomeSchema.safeParse(await ceremonies('check the approvals').check({ envelopes: approvals }));
  const heard = checked.success ? checked.data : [];
  const lost = lostCeremony(newCeremony(event_id, request, askedAt), opened, found.signed);
  const withApprovals = {
    ...lost,
    approvals: approvals.flatMap((envelope, index) => approvalOf(envelope, heard[index])),
  };
  return step(withApprovals, { type: 'workflow_lost', receipt: found.receipt }, clock.now);
}

const openedOf = ({
  request,
  request_digest,
  policy_digest,
  terms,
}: Extract<OpenOutcome, { outcome: 'opened' }>): Opened => ({
  request,
  request_digest,
  policy_digest,
  terms,
});

function approvalOf(envelope: SignedStatement, checked: CheckedStatement | undefined): Approval[] {
  if (checked?.ok !== true) return [];
  const { person, method, digest, statement } = checked;
  return [{ person, method, digest, envelope, at: statement.issued_at }];
}
