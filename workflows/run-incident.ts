import {
  CancellationScope,
  condition,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { z } from 'zod';
import {
  incidentCommands,
  incidentWake,
  isIncidentOver,
  type IncidentCommand,
} from '../domain/incidents/incident-commands.js';
import type { IncidentEvent } from '../domain/incidents/incident-event.js';
import { stepIncident } from '../domain/incidents/incident-machine.js';
import type { IncidentMachine } from '../domain/incidents/incident-state.js';
import {
  checkedIncidentStatementSchema,
  incidentSaidSchema,
  type IncidentSaid,
} from '../domain/incidents/statements.js';
import { incidentTimeline } from '../domain/incidents/incident-timeline.js';
import { viewOfIncident } from '../domain/incidents/view-of-incident.js';
import { Alarm } from './alarm.js';
import { Conductor } from './conductor.js';
import {
  escalateSignal,
  incidentSignals,
  incidentViewQuery,
  reattestSignal,
  type IncidentSignalName,
  type WaitingSaid,
} from './incident-protocol.js';
import { incidentCeremonies } from './incident-tasks.js';
import { performIncident } from './perform-incident.js';

/** What may wait to be heard; who is not heard asks again. */
const MAX_WAITING = 256;
const checkedListSchema = z.array(checkedIncidentStatementSchema);
const stateKey = defineSearchAttributeKey('ResealState', SearchAttributeType.KEYWORD);
const flagsKey = defineSearchAttributeKey('ResealFlags', SearchAttributeType.KEYWORD_LIST);

export interface IncidentRunEnd {
  finished: boolean;
  state: IncidentMachine;
  waiting: WaitingSaid[];
}

/**
 * Runs one incident until it is resolved, or its history has grown long enough. Nothing cancels it: a latch does not go
 * because somebody pressed a button.
 */
export async function runIncident(
  from: IncidentMachine,
  carried: readonly WaitingSaid[],
  maxEvents: number,
): Promise<IncidentRunEnd> {
  let state = from;
  const events: IncidentEvent[] = [];
  const waiting: WaitingSaid[] = [...carried];
  let checking: WaitingSaid[] = [];
  const deliver = (event: IncidentEvent): void => void events.push(event);

  setHandler(incidentViewQuery, () => viewOfIncident(state, Date.now()), {
    description: 'The incident as every reader sees it',
  });
  for (const { name, signal } of incidentSignals) {
    setHandler(signal, (given: unknown) => take(name, given), { description: `About this incident: ${name}` });
  }
  setHandler(escalateSignal, () => deliver({ type: 'poked' }), { description: 'Ask the register what it is now' });
  setHandler(reattestSignal, () => deliver({ type: 'reattest' }), { description: 'Ask for an attestation' });
  setDefaultSignalHandler(() => undefined);

  // Attacker-controlled: what has not the shape is dropped, and nothing here throws.
  function take(signal: IncidentSignalName, given: unknown): void {
    const parsed = incidentSaidSchema.safeParse(given);
    if (parsed.success && waiting.length < MAX_WAITING) waiting.push({ signal, said: parsed.data });
  }

  async function hear(batch: readonly WaitingSaid[]): Promise<void> {
    const envelopes = batch.flatMap(({ said }) => ('envelope' in said ? [said.envelope] : []));
    const { operators } = state.incident.requirements;
    const answer =
      envelopes.length === 0
        ? []
        : await incidentCeremonies('check what was said').checkIncidentStatements({
            envelopes,
            ...(operators === undefined ? {} : { operators }),
          });
    const checked = checkedListSchema.length(envelopes.length).parse(answer);
    for (const { signal, said } of batch) deliver(heardOf(signal, said, checked));
  }

  const conductor = new Conductor<IncidentCommand | { do: 'hear'; key: string }>(async (command) => {
    if (command.do === 'hear') {
      await hear(checking);
      checking = [];
      return;
    }
    return performIncident(command, () => state, deliver);
  });
  let heard = 0;
  const mustListen = (): boolean => checking.length === 0 && waiting.length > 0;
  const mustContinue = (): boolean => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= maxEvents;
  };

  return CancellationScope.nonCancellable(async () => {
    const alarm = new Alarm();
    let told = '';
    for (;;) {
      for (const event of events.splice(0)) state = stepIncident(state, event, Date.now());
      state = stepIncident(state, { type: 'tick' }, Date.now());
      if (isIncidentOver(state)) break;
      if (mustContinue()) return { finished: false, state, waiting: [...checking, ...waiting].slice(0, MAX_WAITING) };
      if (mustListen()) {
        checking = waiting.splice(0, 32);
        heard += 1;
      }
      const listening = checking.length === 0 ? [] : [{ do: 'hear' as const, key: `hear/${heard}` }];
      conductor.reconcile([...incidentCommands(state, Date.now()), ...listening]);
      alarm.setFor(
        incidentWake(state, Date.now()),
        state.phase === 'contained' ? 'ask the host again' : 'ask how it is',
      );
      told = tell(state, told);
      await condition(() => events.length > 0 || mustListen() || alarm.isDue() || mustContinue());
    }
    conductor.reconcile([]);
    alarm.setFor(undefined, '');
    tell(state, told);
    return { finished: true, state, waiting: [] };
  });
}

/** A signal's name says who may be meant by a token's word; of a statement only the signed act counts. */
function heardOf(
  signal: IncidentSignalName,
  said: IncidentSaid,
  checked: z.output<typeof checkedListSchema>,
): IncidentEvent {
  if ('envelope' in said) {
    const one = checked.shift();
    if (one === undefined) return { type: 'tick' };
    return { type: 'heard', checked: one, envelope: said.envelope };
  }
  const act = signal === 'resolve' ? 'resolve' : 'acknowledge';
  return { type: 'heard_bearer', act, bearer: said.bearer };
}

/** Shows the incident to whoever looks. Search attributes are never encrypted, so only enums. */
function tell(state: IncidentMachine, told: string): string {
  const view = viewOfIncident(state, Date.now());
  const { state: shown, flags } = view;
  setCurrentDetails(incidentTimeline(view));
  const key = JSON.stringify([shown, flags]);
  if (key !== told)
    upsertSearchAttributes([
      { key: stateKey, value: shown },
      { key: flagsKey, value: flags },
    ]);
  return key;
}
