import type { CeremonyState } from './ceremony-state.js';
import type { Said } from './hearing.js';
import { isCovered } from './held-approvals.js';
import { quorumAt } from './quorum.js';
import type { SignedStatement } from './statement.js';

/** A statement under the name it was sent by, its signature not checked yet. */
export type Unchecked = Omit<Said, 'checked'>;

/**
 * The one statement under check that would complete the quorum if it is what it says, or undefined. Only where nothing else
 * was said that the authority does not hear of: with a refusal or a withdrawal behind it, an approval may be one that the
 * ceremony has refused before, and the authority alone could not tell.
 */
export function lastApproval(
  state: CeremonyState,
  underCheck: readonly Unchecked[],
  nowMs: number,
): SignedStatement | undefined {
  const { phase, opened, admission, survey, ending } = state;
  if (phase !== 'awaiting_approval' || opened === null || admission === null || survey === null) return undefined;
  const [only, ...others] = underCheck;
  if (ending !== null || only?.signal !== 'approve' || others.length > 0) return undefined;
  if (state.refusals > 0 || state.verdicts.some(({ act }) => act !== 'approve')) return undefined;
  if (state.approvals.some(({ envelope }) => envelope.payload === only.envelope.payload)) return undefined;
  if (!isCovered(state, only.envelope)) return undefined;
  const { request, terms } = opened;
  const approvers = state.approvals.map(({ person }) => person);
  const { have, want } = quorumAt({ request, terms, admission, approvers, nowMs });
  return have + 1 >= want ? only.envelope : undefined;
}
