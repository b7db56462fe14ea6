import { patched } from '@temporalio/workflow';
import type { CeremonyState } from '../domain/ceremony-state.js';
import { lastApproval } from '../domain/last-approval.js';
import type { SignedStatement } from '../domain/statement.js';
import type { PendingStatement } from './protocol.js';

/** The intent that an approval may complete, under the key of the one that the machine would want. */
export interface EarlyIssue {
  do: 'issue_on_approval';
  key: 'issue';
  approval: SignedStatement;
}

/** Ceremonies that heard their last approval before there was this go on as they began. */
const PATCH = 'issue-on-approval';
/** The same of those whose last approval was under check besides. */
const HEARD_PATCH = 'approval-heard-by-authority';

/** Forged approvals must not keep the authority busy: after so many that came to nothing, the ceremony's check goes first. */
const MOST_TRIED = 4;

/**
 * What may be begun while an approval is still under check: the authority's own judgement, which is the one that counts.
 * Where the check says yes, the machine wants the same key and finds it under way; where it says no, nobody takes its
 * answer. Each approval is tried once.
 */
export class EarlyIssues {
  private readonly tried: SignedStatement[] = [];

  wanted(state: CeremonyState, underCheck: readonly PendingStatement[], nowMs: number): EarlyIssue[] {
    const approval = this.untried(state, underCheck, nowMs);
    if (approval === undefined) return [];
    return patched(HEARD_PATCH) || patched(PATCH) ? [{ do: 'issue_on_approval', key: 'issue', approval }] : [];
  }

  /**
   * Whether these statements are left to the authority at first: its answer says what its own check of the approval says, and
   * another beside it would only take time from it.
   */
  hears(state: CeremonyState, batch: readonly PendingStatement[], nowMs: number): boolean {
    return this.untried(state, batch, nowMs) !== undefined && patched(HEARD_PATCH);
  }

  private untried(state: CeremonyState, underCheck: readonly PendingStatement[], nowMs: number) {
    const approval = lastApproval(state, underCheck, nowMs);
    if (approval === undefined || this.tried.includes(approval) || this.tried.length >= MOST_TRIED) return undefined;
    return approval;
  }

  /** It led to nothing: the machine asks for the intent itself, once it wants one. */
  giveUp(approval: SignedStatement): void {
    this.tried.push(approval);
  }
}
