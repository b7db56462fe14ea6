import { workflowInfo } from '@temporalio/workflow';
import type { CeremonyEvent } from '../domain/ceremony-event.js';
import type { CeremonyState, Extension } from '../domain/ceremony-state.js';
import { deliveriesOf } from '../domain/delivery.js';
import { epochMs } from '../domain/identifiers.js';
import type { SignedIntent } from '../domain/intent.js';
import * as outcomes from '../domain/outcomes.js';
import type { Evidence } from '../domain/tasks.js';
import { authority, effect, verifier } from './role-tasks.js';

/**
 * Carries out the next step of an extension and hands over the answer. Every answer is parsed: one that does not parse, or
 * cannot be about what people approved, throws here and is asked for again.
 */
export async function extend(state: CeremonyState, deliver: (event: CeremonyEvent) => void): Promise<void> {
  const { extension, signed } = state;
  // The machine wants this only of an active ceremony that is being extended.
  if (extension === null || signed === null) throw new TypeError('nothing is being extended');
  const { round, deadline } = extension;
  const until = `${deadline.slice(0, 19)}Z`;
  switch (extension.step) {
    case 'issuing': {
      const answer = await authority(`check the extension until ${until}, record its intent`).issue(
        evidenceOf(state, extension, signed),
      );
      const outcome = outcomes.issueOutcomeSchema.parse(answer);
      if (outcome.outcome === 'issued') requirePlausible(outcome.signed, extension, signed);
      return deliver({ type: 'extension_issued', round, outcome });
    }
    case 'updating': {
      const first = workflowInfo().runId === workflowInfo().firstExecutionRunId && !extension.unanswered;
      const { warrant } = extension;
      const evidence = evidenceOf(state, extension, signed);
      const input = { signed: recorded(extension), evidence, warrant, first };
      const answer = await effect(signed.intent.kind, `extend until ${until}`).apply(input);
      return deliver({ type: 'extension_applied', round, outcome: outcomes.applyOutcomeSchema.parse(answer) });
    }
    case 'verifying': {
      const survey = state.survey ?? { holders: [], principal_assignments: [] };
      const input = { signed: recorded(extension), survey };
      const answer = await verifier('read the later end back with a second identity').verify(input);
      return deliver({ type: 'extension_verified', round, outcome: outcomes.verifyOutcomeSchema.parse(answer) });
    }
    default:
      return;
  }
}

function evidenceOf(
  { event_id, envelope, admission, prior }: CeremonyState,
  { asked, approvals }: Extension,
  inForce: SignedIntent,
): Evidence {
  if (admission === null) throw new TypeError('the event was not admitted');
  return {
    event_id,
    request: envelope,
    approvals: approvals.map((approval) => approval.envelope),
    admission: admission.receipt,
    ...deliveriesOf(approvals),
    extension: { asked, prior: [...prior, inForce] },
  };
}

function recorded({ signed }: Extension): SignedIntent {
  if (signed === null) throw new TypeError('no intent is recorded for this extension');
  return signed;
}

/**
 * Refuses an answer that cannot be the authority's word about what was approved: whoever completes the activity in its place
 * cannot move the deadline anywhere else. What the effect does rests on the authority's signature, not on this.
 */
function requirePlausible({ intent }: SignedIntent, { round, deadline }: Extension, inForce: SignedIntent): void {
  const { event_id, request_digest, tuple, dead_man, deadline: before } = inForce.intent;
  // What the provider ends by itself keeps its grace; what it never ends, it does not end later either.
  const later = dead_man === null ? null : epochMs(deadline) + epochMs(dead_man) - epochMs(before);
  const ends = intent.dead_man === null ? null : epochMs(intent.dead_man);
  const isOurs =
    intent.round === round &&
    intent.event_id === event_id &&
    intent.request_digest === request_digest &&
    JSON.stringify(intent.tuple) === JSON.stringify(tuple);
  const asAsked = epochMs(intent.deadline) === epochMs(deadline) && ends === later;
  if (!isOurs || !asAsked) throw new TypeError('this is not an intent for this extension');
}
