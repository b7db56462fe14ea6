import {
  CancellationScope,
  condition,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { commands, isFinished, wake, type CeremonyCommand } from '../domain/ceremony-commands.js';
import { step } from '../domain/ceremony.js';
import type { CeremonyEvent } from '../domain/ceremony-event.js';
import { isEnd, type CeremonyState } from '../domain/ceremony-state.js';
import { timeline } from '../domain/timeline.js';
import { viewOf } from '../domain/view.js';
import { Alarm } from './alarm.js';
import { Conductor } from './conductor.js';
import { EarlyIssues, type EarlyIssue } from './early-issue.js';
import { Inbox } from './inbox.js';
import { Listener } from './listener.js';
import { OrderedRemovals, type OrderedRemoval } from './ordered-removal.js';
import { perform, performOnApproval, performOnOrder } from './perform.js';
import { actSignals, requestQuery, verdictQuery, viewQuery, type PendingStatement } from './protocol.js';
import { searchAttributesOf } from './search-attributes.js';

/** What a run ends with: the ceremony's own end, or a state to go on from in a new run. */
export interface RunEnd {
  finished: boolean;
  state: CeremonyState;
  pending: PendingStatement[];
}

/**
 * Runs one ceremony from the given state until it is finished or its history has grown long enough. Cancel from the Web
 * UI means kill, so nothing inside can be cancelled from outside.
 */
export async function runCeremony(
  from: CeremonyState,
  pending: readonly PendingStatement[],
  maxEvents: number,
): Promise<RunEnd> {
  let state = from;
  const events: CeremonyEvent[] = [];
  const inbox = new Inbox(pending);
  const deliver = (event: CeremonyEvent): void => void events.push(event);
  const listener = new Listener(inbox, (batch) => {
    for (const said of batch) deliver({ type: 'heard', ...said });
  });

  setHandler(viewQuery, () => viewOf(state), { description: 'The ceremony as every reader sees it' });
  setHandler(
    verdictQuery,
    (digest) => ({
      verdict: state.verdicts.find((verdict) => verdict.digest === digest) ?? null,
      mark: state.mark,
      refusals: state.refusals,
      waiting: listener.waiting().length,
    }),
    { description: 'The answer to one statement, by the digest of what was sent' },
  );
  setHandler(requestQuery, () => state.envelope, { description: 'The request as its invoker signed it' });
  for (const { act, signal } of actSignals) {
    setHandler(signal, (statement: unknown) => inbox.put(act, statement), {
      description: `A signed statement: ${act}`,
    });
  }
  // A name nobody speaks under: taken and dropped, or the server would keep it for ever.
  setDefaultSignalHandler(() => undefined);

  const root = CancellationScope.current();
  root.cancelRequested.catch(() => deliver({ type: 'cancel_requested' }));
  const ordered = new OrderedRemovals();
  const early = new EarlyIssues();
  const conductor = new Conductor<CeremonyCommand | OrderedRemoval | EarlyIssue>(async (command) => {
    if (command.do === 'rollback_on_order') {
      const removed = await performOnOrder(command, () => state, deliver, listener.heardNow);
      if (!removed) ordered.giveUp(command.order);
    } else if (command.do === 'issue_on_approval') {
      const issued = await performOnApproval(command, () => state, deliver, listener).finally(() =>
        listener.tell('nothing'),
      );
      if (!issued) early.giveUp(command.approval);
    } else await perform(command, () => state, deliver);
  });

  // Before the request is known to be good there is nothing that a statement could be about: it waits, and is not lost.
  const canHear = (): boolean => state.opened !== null || isEnd(state.phase);
  const mustListen = (): boolean => !listener.isBusy && !inbox.isEmpty && canHear();

  // Asked whenever anything happens at all: names that nobody speaks under fill a history too, and at the server's limits
  // (10,000 signals, 51,200 events) it takes no kill any more, or ends the run without a rollback.
  const mustContinue = (): boolean => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return (continueAsNewSuggested || historyLength >= maxEvents) && listener.canBeCarried;
  };

  return CancellationScope.nonCancellable(async () => {
    const alarm = new Alarm();
    let told = '';
    for (;;) {
      state = step(state, { type: 'tick' }, Date.now());
      if (canHear()) for (const unreadable of inbox.takeUnreadable()) deliver({ type: 'unreadable', ...unreadable });
      for (const event of events.splice(0)) state = step(state, event, Date.now());

      if (isFinished(state) && inbox.isEmpty && !listener.isBusy && events.length === 0) break;
      // What is under way is not cancelled first: this run's end does that, without commands that a replay would have to
      // make at the very same place.
      if (mustContinue()) {
        return {
          finished: false,
          state: { ...state, tried_before: state.tried_before || state.signed !== null },
          pending: listener.waiting(),
        };
      }
      const begunEarly = () => [
        ...ordered.wanted(state, listener.checking),
        ...early.wanted(state, listener.checking, Date.now()),
      ];
      const wanted = () => [...commands(state), ...begunEarly()];
      conductor.reconcile(wanted());
      if (mustListen()) {
        listener.listen((batch) => early.hears(state, batch, Date.now()));
        conductor.reconcile(wanted());
      }
      alarm.setFor(wake(state), awaited(state));
      told = tell(state, told);
      await condition(() => events.length > 0 || mustListen() || alarm.isDue() || mustContinue());
    }
    conductor.reconcile([]);
    alarm.setFor(undefined, '');
    tell(state, told);
    return { finished: true, state, pending: [] };
  });
}

/** Shows the state to whoever looks: current details always, search attributes when they changed. */
function tell(state: CeremonyState, told: string): string {
  setCurrentDetails(timeline(viewOf(state)));
  const { key, pairs } = searchAttributesOf(state);
  // The client that started the workflow has said `requested` already.
  const asStarted = told === '' && state.phase === 'requested';
  if (key !== told && !asStarted) upsertSearchAttributes(pairs);
  return key;
}

/** What the ceremony waits for, for whoever reads its history. */
function awaited({ phase, signed, reseal }: CeremonyState): string {
  if (phase === 'resealing') return reseal?.step === 'waiting_for_floor' ? 'removable' : 'rollback overdue';
  return signed === null ? 'approval window closes' : 'deadline';
}
