import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  workflowInfo,
} from '@temporalio/workflow';
import type { CeremonyCommand } from '../domain/ceremony-commands.js';
import type { CeremonyEvent } from '../domain/ceremony-event.js';
import type { CeremonyState } from '../domain/ceremony-state.js';
import { deliveriesOf } from '../domain/delivery.js';
import { nameOf } from '../domain/effects/effects.js';
import { askedNow } from '../domain/held-approvals.js';
import { instant } from '../domain/identifiers.js';
import * as outcomes from '../domain/outcomes.js';
import { isPlausible, requirePlausible } from '../domain/plausible-intent.js';
import type { SignedIntent } from '../domain/intent.js';
import type { Evidence } from '../domain/tasks.js';
import { receiptsOf } from '../domain/outbox.js';
import { viewOf } from '../domain/view.js';
import { asSigned } from '../domain/watched.js';
import { extend } from './perform-extension.js';
import type { EarlyIssue } from './early-issue.js';
import { performKillAction } from './perform-kill-action.js';
import type { Listener } from './listener.js';
import type { OrderedRemoval } from './ordered-removal.js';
import { authority, effect, register, sessions, verifier } from './role-tasks.js';

/**
 * Once nobody wants the watch any more it is left alone: to cancel it would cost history, and the way of a reseal, for a
 * read that harms nobody. It reads no more once the deadline has passed, and ends with the workflow.
 */
const ABANDONED = { cancellationType: ActivityCancellationType.ABANDON };

/** Ceremonies that a watch told something before the verifier signed it go on as they began. */
const SIGNED_WATCH = 'signed-watch';

/** How long a grant may stay unverified before the ceremony says so, loudly, and goes on verifying. */
const VERIFY_PATIENCE = '2m';

/**
 * Carries out one command of the machine and hands over the answer as its event. Every answer is parsed: one that does
 * not parse throws here, and is asked for again.
 */
export async function perform(
  command: CeremonyCommand,
  state: () => CeremonyState,
  deliver: (event: CeremonyEvent) => void,
): Promise<void> {
  const now = state();
  const { event_id, envelope } = now;
  switch (command.do) {
    case 'admit': {
      const run_id = workflowInfo().firstExecutionRunId;
      const answer = await register('admission').admit({ event_id, run_id, envelope });
      return deliver({ type: 'admitted', outcome: outcomes.admitOutcomeSchema.parse(answer) });
    }
    case 'survey': {
      if (now.opened === null) return;
      const { request, request_digest, terms } = now.opened;
      const input = { request, request_digest, ...(terms.tier0 ? { tier0: true as const } : {}) };
      const answer = await verifier('check the ids, take the snapshot').survey(input);
      return deliver({ type: 'surveyed', outcome: outcomes.surveyOutcomeSchema.parse(answer) });
    }
    case 'deliveries':
      return askForDeliveries(now, deliver);
    case 'issue': {
      const asked = now.renewing
        ? 'check every approval again, give another warrant'
        : 'check every approval, fix the deadline, record the intent';
      const answer = await authority(asked).issue(evidenceOf(now));
      const outcome = outcomes.issueOutcomeSchema.parse(answer);
      requirePlausible(outcome.outcome === 'issued' ? outcome.signed : outcome.standing, now, Date.now());
      return deliver({ type: 'issued', outcome });
    }
    case 'mark': {
      const { at: _at, ...ending } = now.ending ?? { cause: 'kill' as const, by: null, at: '' };
      const { cause } = ending;
      const answer = outcomes.markOutcomeSchema.parse(
        await authority(`end mark: ${cause}`).mark({ event_id, ...ending }),
      );
      requirePlausible(answer.standing, now, Date.now());
      return deliver({ type: 'marked', ...answer });
    }
    case 'apply': {
      const signed = intentOf(now);
      const { warrant } = now;
      const input = { signed, evidence: evidenceOf(now), warrant, first: isFirstRun() && !now.tried_before };
      const answer = await effect(
        signed.intent.kind,
        `grant ${roleOf(now)} until ${toTheSecond(signed.intent.deadline)}`,
      ).apply(input);
      return deliver({ type: 'applied', outcome: outcomes.applyOutcomeSchema.parse(answer) });
    }
    case 'verify':
      return verify(command.key === 'verify', now, deliver);
    case 'watch': {
      const answer = await verifier('watch for anything beside the grant', ABANDONED).watch({
        signed: intentOf(now),
        survey: surveyOf(now),
      });
      const found = outcomes.watchOutcomeSchema.parse(answer);
      const outcome = patched(SIGNED_WATCH) ? asSigned(found, event_id, surveyOf(state())) : found;
      return deliver({ type: 'watched', outcome });
    }
    case 'extend':
      return extend(now, deliver);
    case 'rollback': {
      const round = now.reseal?.round ?? 1;
      const signed = intentOf(now);
      const made = now.made_id === undefined ? {} : { made_id: now.made_id };
      const input = { signed, round, ...madeNothing(now), ...made };
      const answer = await effect(signed.intent.kind, `remove ${roleOf(now)}`).rollback(input);
      return deliver({ type: 'rolled_back', round, outcome: outcomes.rollbackOutcomeSchema.parse(answer) });
    }
    case 'check_absent': {
      const { settle_until, patience } = command;
      const round = now.reseal?.round ?? 1;
      const signed = intentOf(now);
      const shown = settle_until === null ? { shown: receiptsOf(now, `removal/${round}`, 'not_granted') } : {};
      const input = { signed, survey: now.survey, round, settle_until, patience, ...madeNothing(now), ...shown };
      const answer = await verifier('read until it is gone for certain').verifyRolledBack(input);
      return deliver({ type: 'absence', round, outcome: outcomes.absenceOutcomeSchema.parse(answer) });
    }
    case 'end_sessions': {
      const answer = await sessions('end the sign-in sessions').endSessions({ signed: intentOf(now) });
      return deliver({ type: 'sessions_ended', ...outcomes.sessionsOutcomeSchema.parse(answer) });
    }
    case 'append':
      return append(state, deliver);
    case 'kill_action':
      return deliver({ type: 'kill_acted', key: command.key, outcome: await performKillAction(command, now) });
    case 'audit': {
      const ended_at = now.ended_at ?? now.started_at;
      const answer = await verifier("look for both changes in the directory's audit log").audit({
        // What granted it, whatever was extended since.
        signed: now.prior[0] ?? intentOf(now),
        ended_at,
      });
      const { outcome, at, receipt } = outcomes.auditOutcomeSchema.parse(answer);
      return deliver({ type: 'audited', outcome, at, receipt });
    }
  }
}

async function verify(bounded: boolean, state: CeremonyState, deliver: (event: CeremonyEvent) => void): Promise<void> {
  const options = bounded ? { scheduleToCloseTimeout: VERIFY_PATIENCE } : {};
  const input = { signed: intentOf(state), survey: surveyOf(state) };
  try {
    const answer = await verifier('read the grant back with a second identity', options).verify(input);
    deliver({ type: 'verified', outcome: outcomes.verifyOutcomeSchema.parse(answer) });
  } catch (error) {
    if (!bounded || isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    deliver({ type: 'verify_overdue' });
  }
}

/** After that the machine begins the removal itself, without an end: an effect of an older version knows no orders. */
const ORDER_PATIENCE = { scheduleToCloseTimeout: '30s' } as const;

/**
 * Carries out a removal beside the check of what orders it, and hands its answer over after what was checked, so that the
 * machine knows why. Answers whether it came to anything; the machine is woken either way.
 */
export async function performOnOrder(
  { order }: OrderedRemoval,
  state: () => CeremonyState,
  deliver: (event: CeremonyEvent) => void,
  heard: Promise<void>,
): Promise<boolean> {
  const now = state();
  const since = instant(Date.now());
  const signed = intentOf(now);
  const asked = effect(signed.intent.kind, `remove ${roleOf(now)}, if the order holds`, ORDER_PATIENCE);
  const answer = await asked.rollbackOnOrder({ signed, evidence: evidenceOf(now), order }).catch((error: unknown) => {
    if (isCancellation(error)) throw error;
  });
  const parsed = outcomes.orderedRollbackOutcomeSchema.safeParse(answer);
  if (!parsed.success || parsed.data.outcome === 'not_ordered') {
    deliver({ type: 'tick' });
    return false;
  }
  const outcome = parsed.data;
  let isHeard = false;
  void heard.then(() => (isHeard = true));
  // A check that somebody keeps from being answered must not keep the machine from its own removal at the deadline.
  await CancellationScope.nonCancellable(() => condition(() => isHeard || state().phase === 'resealing'));
  deliver({ type: 'rolled_back', round: 1, outcome, ordered: since });
  return true;
}

/** An authority that does not answer must not keep an approval from being heard. */
const APPROVAL_PATIENCE = { scheduleToCloseTimeout: '10s' } as const;

/**
 * Has the authority judge an approval before the ceremony has checked it, and hands its answer over after what it says of
 * the approval, so that the machine knows what it answers. Answers whether there is an intent; the machine is woken either
 * way.
 */
export async function performOnApproval(
  { approval }: EarlyIssue,
  state: () => CeremonyState,
  deliver: (event: CeremonyEvent) => void,
  listener: Pick<Listener, 'heardNow' | 'tell'>,
): Promise<boolean> {
  const now = state();
  const evidence = evidenceOf(now);
  const heard = listener.heardNow;
  const summary = 'check every approval, fix the deadline, record the intent, if the last one holds';
  const asked = authority(summary, APPROVAL_PATIENCE);
  const answer = await asked
    .issue({ ...evidence, approvals: [...evidence.approvals, approval] })
    .catch((error: unknown) => {
      if (isCancellation(error)) throw error;
    });
  const parsed = outcomes.issueOutcomeSchema.safeParse(answer);
  if (!parsed.success || parsed.data.outcome === 'refused' || !isPlausible(parsed.data.signed, now, Date.now())) {
    deliver({ type: 'tick' });
    return false;
  }
  const { last = 'nothing', ...outcome } = parsed.data;
  listener.tell(last);
  await heard;
  deliver({ type: 'issued', outcome });
  return true;
}

/** Asks the register whether those had been asked whose approvals wait to be counted. */
async function askForDeliveries(state: CeremonyState, deliver: (event: CeremonyEvent) => void): Promise<void> {
  const asked = askedNow(state);
  const { event_id, held = [] } = state;
  const digests = held.map(({ checked }) => checked.digest);
  const people = [...new Set(held.flatMap(({ checked }) => (checked.ok ? [checked.person.id] : [])))];
  const answer =
    asked === null ? [] : await register('had they been asked before?').deliveries({ event_id, people, ...asked });
  deliver({ type: 'delivered', digests, deliveries: outcomes.deliveriesOutcomeSchema.parse(answer) });
}

/** Sends all that waits to the register, which orders it. */
async function append(state: () => CeremonyState, deliver: (event: CeremonyEvent) => void): Promise<void> {
  const { outbox: items, event_id, sent = [] } = state();
  const held = sent.slice(-512).map(({ transition }) => transition);
  const told = `${items.length} ledger ${items.length === 1 ? 'entry' : 'entries'}`;
  const transitions = items.map(({ transition }) => transition);
  try {
    const input = { event_id, items, view: viewOf(state()), ...(held.length === 0 ? {} : { held }) };
    const { refused, missing } = outcomes.appendOutcomeSchema.parse(await register(told).append(input));
    // Where earlier entries are missing they go first: nothing was taken.
    return deliver({ type: 'appended', transitions: missing.length > 0 ? [] : transitions, refused, missing });
  } catch (error) {
    // Ended before admission answered: there may be no row, and then no ledger to hold anything.
    if (state().admission !== null || !isUnknownEvent(error)) throw error;
  }
  deliver({ type: 'appended', transitions });
}

function evidenceOf({ event_id, envelope, approvals, admission }: CeremonyState): Evidence {
  // The machine asks for an intent only once the register has admitted the event.
  if (admission === null) throw new TypeError('the event was not admitted');
  const { receipt } = admission;
  const spoken = approvals.map((approval) => approval.envelope);
  return { event_id, request: envelope, approvals: spoken, admission: receipt, ...deliveriesOf(approvals) };
}

const toTheSecond = (at: string): string => `${at.slice(0, 19)}Z`;

/** Said of a kind that leaves no mark of who made it, and has no end of its own: the rest is told by what stands. */
const madeNothing = ({ signed, reseal }: CeremonyState): { refused?: true } =>
  signed?.intent.dead_man === null && reseal?.grant === 'refused' ? { refused: true } : {};

const surveyOf = (state: CeremonyState): outcomes.Survey => state.survey ?? { holders: [], principal_assignments: [] };

const roleOf = (state: CeremonyState): string => {
  const request = state.opened?.request;
  return request === undefined ? 'the role' : `${nameOf(request.effect)} of ${request.principal.upn}`;
};

function intentOf(state: CeremonyState): SignedIntent {
  // The machine wants these commands only once an intent is recorded.
  if (state.signed === null) throw new TypeError('no intent is recorded');
  return state.signed;
}

const isUnknownEvent = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'event_unknown';

/** A run after a reset has another id than the first one: what ran before it may have called the provider. */
const isFirstRun = (): boolean => workflowInfo().runId === workflowInfo().firstExecutionRunId;
