import type { Approval, CeremonyState, Extension } from './ceremony-state.js';
import { extensionQuorum, extensionRefusal } from './extension.js';
import type { SignedStatement } from './statement.js';
import type { StatementRefusal, VerifiedStatement } from './verdict.js';

/** The extension that waits for approvals: while one does, no other approval counts. */
export function waitingExtension({ phase, extension, ending }: CeremonyState): Extension | undefined {
  if (phase !== 'active' || ending !== null || extension?.step !== 'awaiting_approval') return undefined;
  return extension;
}

/** Why this extension cannot be asked for, or approved, now; undefined when it can. `nowMs` is epoch milliseconds. */
export function objectionToExtension(
  state: CeremonyState,
  { round, deadline: asked = '' }: { round: number; deadline?: string | undefined },
  nowMs: number,
): StatementRefusal | undefined {
  const { opened, signed, prior, extension, phase } = state;
  if (opened === null || signed === null || phase !== 'active') return 'wrong_state';
  if (extension?.step === 'issuing' || extension?.step === 'updating') return 'wrong_state';
  // One intent a round: what was recorded for this one and came to nothing is not tried again.
  if (extension?.step === 'refused' && extension.signed !== null) return 'extension_spent';
  const { issued_at: started_at } = (prior[0] ?? signed).intent;
  const next = prior.length + 2;
  const facts = { ...opened, round: next, started_at, deadline: signed.intent.deadline, asked, nowMs };
  return extensionRefusal(facts) ?? (round === next ? undefined : 'foreign_round');
}

/** Takes up what the invoker asks for, in the place of what they asked before and nobody has issued. */
export function withExtension(
  state: CeremonyState,
  { statement, statement_digest: digest, person }: VerifiedStatement,
  asked: SignedStatement,
  at: string,
): CeremonyState {
  const { round, deadline = '' } = statement;
  const before = extendedBy(state);
  const extension: Extension = {
    round,
    asked,
    digest,
    by: person.id,
    at,
    deadline,
    approvals: [],
    ...(before.length === 0 ? {} : { rests_on: before }),
    step: 'awaiting_approval',
    signed: null,
    warrant: null,
    renewals: 0,
    unanswered: false,
    refusal: null,
  };
  return { ...state, extension };
}

/** One more approval of it. With enough of them, judged now, the authority is asked for an intent. */
export function withExtensionApproval(
  state: CeremonyState,
  extension: Extension,
  approval: Approval,
  nowMs: number,
): CeremonyState {
  const approvals = [...extension.approvals, approval];
  const approvers = approvals.map(({ person }) => person);
  const { opened, admission } = state;
  const met = opened !== null && extensionQuorum({ ...opened, admission, approvers, nowMs }).met;
  return { ...state, extension: { ...extension, approvals, step: met ? 'issuing' : 'awaiting_approval' } };
}

const IN_FORCE: ReadonlySet<Extension['step']> = new Set(['verifying', 'done']);

/** The ids of those on whose approvals a later deadline is in force, whatever was asked since. */
export function extendedBy({ extension }: Pick<CeremonyState, 'extension'>): string[] {
  if (extension === null) return [];
  const { rests_on = [], step, approvals } = extension;
  const latest = IN_FORCE.has(step) ? approvals.map(({ person }) => person.id) : [];
  return [...new Set([...rests_on, ...latest])];
}

/** Whether what stands rests on this person's approval: then it is that which they withdraw. */
export const restsOn = (state: CeremonyState, personId: string): boolean =>
  state.approvals.some(({ person }) => person.id === personId) || extendedBy(state).includes(personId);
