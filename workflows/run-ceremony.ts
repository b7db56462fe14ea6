import {
  CancellationScope,
  condition,
  log,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { commands, isFinished, wake, type CeremonyCommand } from '../domain/ceremony-commands.js';
import { step, type CeremonyEvent } from '../domain/ceremony.js';
import { isEnd, type CeremonyState } from '../domain/ceremony-state.js';
import { checkOutcomeSchema } from '../domain/outcomes.js';
import { timeline } from '../domain/timeline.js';
import { viewOf } from '../domain/view.js';
import { Conductor } from './conductor.js';
import { HistoryClock } from './history-clock.js';
import { Inbox } from './inbox.js';
import { perform } from './perform.js';
import { actSignals, requestQuery, verdictQuery, viewQuery, type PendingStatement } from './protocol.js';
import { ceremonies } from './role-tasks.js';
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
  clock = new HistoryClock(),
): Promise<RunEnd> {
  let state = from;
  const events: CeremonyEvent[] = [];
  const inbox = new Inbox(pending);

  setHandler(viewQuery, () => viewOf(state), { description: 'The ceremony as every reader sees it' });
  setHandler(
    verdictQuery,
    (digest) => ({
      verdict: state.verdicts.find((verdict) => verdict.digest === digest) ?? null,
      mark: state.mark,
      refusals: state.refusals,
    }),
    { description: 'The answer to one statement, by the digest of what was sent' },
  );
  setHandler(requestQuery, () => state.envelope, { description: 'The request as its invoker signed it' });
  for (const { act, signal } of actSignals) {
    const onSignal = (statement: unknown): void => {
      clock.tick();
      inbox.put(act, statement);
    };
    setHandler(signal, onSignal, { description: `A signed statement: ${act}` });
  }
  // A name nobody speaks under: taken and dropped, or the server would keep it for ever.
  setDefaultSignalHandler(() => undefined);

  const root = CancellationScope.current();
  const deliver = (event: CeremonyEvent): void => {
    // Opening is a local activity's answer.
    if (event.type !== 'opened') clock.tick();
    events.push(event);
  };
  root.cancelRequested.catch(() => deliver({ type: 'cancel_requested' }));
  const conductor = new Conductor<CeremonyCommand>((command) => perform(command, () => state, deliver));

  // Before the request is known to be good there is nothing that a statement could be about: it waits, and is not lost.
  const canHear = (): boolean => !inbox.isEmpty && (state.opened !== null || isEnd(state.phase));

  // Asked whenever anything happens at all: names that nobody speaks under fill a history too, and at the server's limits
  // (10,000 signals, 51,200 events) it takes no kill any more, or ends the run without a rollback.
  const mustContinue = (): boolean => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return (continueAsNewSuggested || historyLength >= maxEvents) && inbox.canBeCarried;
  };

  return CancellationScope.nonCancellable(async () => {
    const alarm = new Alarm(clock);
    let told = '';
    for (;;) {
      state = step(state, { type: 'tick' }, clock.now);
      if (canHear()) state = await hearAll(state, inbox, clock);
      for (const event of events.splice(0)) state = step(state, event, clock.now);

      if (isFinished(state) && inbox.isEmpty && events.length === 0) break;
      // What is under way is not cancelled first: this run's end does that, without commands that a replay would have to
      // make at the very same place.
      if (mustContinue()) {
        return {
          finished: false,
          state: { ...state, tried_before: state.tried_before || state.signed !== null },
          pending: inbox.waiting(),
        };
      }
      conductor.reconcile(commands(state));
      alarm.setFor(wake(state), awaited(state));
      told = tell(state, told);
      await condition(() => events.length > 0 || canHear() || alarm.isDue() || mustContinue());
    }
    conductor.reconcile([]);
    alarm.setFor(undefined, '');
    tell(state, told);
    return { finished: true, state, pending: [] };
  });
}

/** Verifies one batch of what waits, in one local activity, and hears it in the order it was taken. */
async function hearAll(state: CeremonyState, inbox: Inbox, clock: HistoryClock): Promise<CeremonyState> {
  let next = state;
  const nowMs = clock.now;
  for (const { signal, reason } of inbox.takeUnreadable())
    next = step(next, { type: 'unreadable', signal, reason }, nowMs);
  const batch = inbox.take();
  if (batch.length === 0) return next;
  const answer = await ceremonies(heardAs(batch)).check({ envelopes: batch.map(({ envelope }) => envelope) });
  const checked = checkOutcomeSchema.safeParse(answer);
  if (!checked.success || checked.data.length !== batch.length) {
    log.warn('the signature check gave no usable answer and will be asked again', { statements: batch.length });
    inbox.putBack(batch);
    await sleep('2s', { summary: 'ask for the signature check again' });
    clock.tick();
    return next;
  }
  for (const [index, { signal, envelope }] of batch.entries()) {
    const verdict = checked.data[index];
    if (verdict !== undefined) next = step(next, { type: 'heard', signal, envelope, checked: verdict }, nowMs);
  }
  return next;
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

const heardAs = (batch: readonly PendingStatement[]): string =>
  batch.length === 1 ? `check one statement: ${batch[0]?.signal ?? ''}` : `check ${batch.length} statements`;

/** One timer, moved only when the time it stands for changes. */
class Alarm {
  private at: number | undefined;
  private scope: CancellationScope | undefined;
  private fired = false;

  constructor(private readonly clock: HistoryClock) {}

  setFor(at: number | undefined, what: string): void {
    // A timer may fire a hair before the time it was set for: then it is set once more.
    if (at === this.at && !this.fired) return;
    this.scope?.cancel();
    this.at = at;
    this.scope = undefined;
    this.fired = false;
    if (at === undefined) return;
    const scope = new CancellationScope();
    this.scope = scope;
    const summary = `${what} at ${new Date(at).toISOString().slice(0, 19)}Z`;
    void scope
      .run(() => sleep(Math.max(1, at - Date.now()), { summary }))
      .then(
        () => {
          this.clock.tick();
          if (this.scope === scope) this.fired = true;
        },
        () => undefined,
      );
  }

  isDue(): boolean {
    return this.fired || (this.at !== undefined && this.clock.now >= this.at);
  }
}
