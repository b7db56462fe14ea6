import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { ENDS, PHASES, type Phase } from '../../domain/ceremony-state.js';

/** The search attributes that a ceremony is started with. */
export const KEYWORDS = {
  state: defineSearchAttributeKey('ResealState', SearchAttributeType.KEYWORD),
  profile: defineSearchAttributeKey('ResealProfile', SearchAttributeType.KEYWORD),
  reason_code: defineSearchAttributeKey('ResealReasonCode', SearchAttributeType.KEYWORD),
};

/** The phase that a search attribute names; anything else is `requested`. */
export const phaseOf = (text: unknown): Phase => [...PHASES, ...ENDS].find((phase) => phase === text) ?? 'requested';
