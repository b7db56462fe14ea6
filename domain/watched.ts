import { z } from 'zod';

import { withFindings } from './ceremony-ending.js';
import type { CeremonyState } from './ceremony-state.js';
import { entryPayloadSchema, type Receipt } from './entry.js';
import { keepReceipt } from './outbox.js';
import { findingSchema, type Finding, type Survey, type WatchOutcome } from './outcomes.js';
import { unverifiedPayload } from './unverified-payload.js';

const heldSchema = z.array(z.string()).max(10_000);

/** What the verifier signs of a watch that has something to tell: what it found, and by what that changes who is known to hold what. */
export const watchedDataSchema = z.object({
  findings: z.array(findingSchema).min(1).max(512),
  added: heldSchema,
  removed: heldSchema,
});

/** By how much one watch changed who is known; taken back where the register finds that the verifier has not signed it. */
export interface WatchedChange {
  transition: string;
  added: string[];
  removed: string[];
}

/** As many watches as can be taken back. Each forged one is found out with the next append. */
const MAX_CHANGES = 8;

/** What a watch answered: from an earlier version of a verifier without a receipt, and then as it stands. */
export interface Watched {
  findings: Finding[];
  holders: string[];
  receipt?: Receipt | undefined;
}

/**
 * The answer as its receipt has it, whatever stands beside it: anybody can complete an activity, and what is believed here is
 * what the register will judge. @throws TypeError where there is no receipt of a watch of this event: it is asked for again.
 */
export function asSigned({ receipt }: WatchOutcome, eventId: string, survey: Survey): Watched {
  if (receipt === undefined) throw new TypeError('nobody signed what the watch found');
  const entry = entryPayloadSchema.parse(unverifiedPayload(receipt));
  const isOurs = entry.event_id === eventId && entry.transition === receipt.transition;
  if (entry.type !== 'watched' || !isOurs || !entry.transition.startsWith('watched/'))
    throw new TypeError('this is not what a watch of this event found');
  const { findings, added, removed } = watchedDataSchema.parse(entry.data);
  return { findings, holders: changed(survey.holders, { added, removed }), receipt };
}

/** Takes up what was found, and who is known from now on. */
export function onWatched(state: CeremonyState, { findings, holders, receipt }: Watched, nowMs: number): CeremonyState {
  const survey = state.survey && { ...state.survey, holders };
  if (receipt === undefined) return withFindings({ ...state, survey }, findings, nowMs);
  const before = state.survey?.holders ?? [];
  const { transition } = receipt;
  const change = { transition, added: without(holders, before), removed: without(before, holders) };
  const watched = [...(state.watched ?? []), change].slice(-MAX_CHANGES);
  return withFindings({ ...keepReceipt(state, receipt), survey, watched }, findings, nowMs);
}

/** The state as if the watch of this transition had not changed who is known; the same where it is not held. */
export function unwatched(state: CeremonyState, transition: string): CeremonyState {
  const change = state.watched?.find((one) => one.transition === transition);
  if (change === undefined || state.survey === null) return state;
  const holders = changed(state.survey.holders, { added: change.removed, removed: change.added });
  const watched = (state.watched ?? []).filter((one) => one !== change);
  return { ...state, watched, survey: { ...state.survey, holders } };
}

const changed = (holders: readonly string[], { added, removed }: Omit<WatchedChange, 'transition'>): string[] => [
  ...new Set([...without(holders, removed), ...added]),
];

function without(some: readonly string[], others: readonly string[]): string[] {
  const left = new Set(others);
  return some.filter((one) => !left.has(one));
}
