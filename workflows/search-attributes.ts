import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributePair } from '@temporalio/common';
import type { CeremonyState } from '../domain/ceremony-state.js';

const stateKey = defineSearchAttributeKey('ResealState', SearchAttributeType.KEYWORD);
const flagsKey = defineSearchAttributeKey('ResealFlags', SearchAttributeType.KEYWORD_LIST);
const deadlineKey = defineSearchAttributeKey('ResealDeadline', SearchAttributeType.DATETIME);

/**
 * What anybody who may list workflows can see of a ceremony, in clear: enums and one time. `key` changes exactly when
 * they do; issuing counts as granting, so that the seconds between the two cost no history.
 */
export function searchAttributesOf(state: CeremonyState): { key: string; pairs: SearchAttributePair[] } {
  const phase = state.phase === 'issuing' ? 'granting' : state.phase;
  const deadline = state.signed?.intent.deadline;
  const shown = phase === 'granting' ? undefined : deadline;
  const pairs: SearchAttributePair[] = [
    { key: stateKey, value: phase },
    { key: flagsKey, value: [...state.flags] },
  ];
  if (shown !== undefined) pairs.push({ key: deadlineKey, value: new Date(shown) });
  return { key: JSON.stringify([phase, state.flags, shown]), pairs };
}
