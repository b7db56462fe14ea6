import { lower, note, raise } from './ceremony-ending.js';
import { isEnd, type CeremonyState } from './ceremony-state.js';
import type { KillAction } from './kill-state.js';
import { countAgain, mayAgain } from './outbox.js';
import { unwatched } from './watched.js';

/**
 * An activity can be answered by whoever writes to the namespace, and a workflow holds no key to tell. The register does: it
 * names, with every append, the entries that their role has not signed. What such an answer had settled is asked for again.
 */

/** `transitions` are those of the entries that the register refused for their signature: each stands as a finding, once. */
export function disbelieve(before: CeremonyState, transitions: readonly string[], nowMs: number): CeremonyState {
  let state = before;
  for (const transition of transitions) {
    state = note(state, [{ code: 'answer_not_authentic', detail: transition }], nowMs);
    if (!mayAgain(state, transition)) continue;
    const next = askAgain(state, transition);
    if (next !== state) state = countAgain(next, transition);
  }
  return state;
}

/** The state as if this answer had not come; the same where it is too late for that, or something else sees to it. */
function askAgain(state: CeremonyState, transition: string): CeremonyState {
  switch (transition) {
    case 'end_mark':
      return state.mark === 'standing' ? { ...state, mark: 'pending' } : state;
    case 'surveyed':
      return state.phase === 'awaiting_approval' ? { ...state, survey: null } : state;
    case 'granted':
      return grantAgain(state);
    case 'verified':
      if (state.phase !== 'active') return state;
      return raise({ ...state, phase: 'active_unverified', verified: false, grant_seen: false }, 'verify_overdue');
    case 'sessions_ended':
      return sessionsAgain(killAgain(state, ({ action }) => action === 'end_sessions'));
    case 'audited':
      return state.audit === 'none' ? state : { ...state, audit: 'pending', audited_at: null };
    default:
      // What was found stays told; who was called known by it is looked at again.
      if (transition.startsWith('watched/')) return unwatched(state, transition);
      return killAgain(state, (action) => transition === transitionOf(action));
  }
}

const STANDS = new Set<CeremonyState['phase']>(['granting', 'active', 'active_unverified']);

/** The effect finds what it made itself, or makes it now: it is called again as after an answer that was never heard. */
function grantAgain(state: CeremonyState): CeremonyState {
  if (state.grant !== 'granted' || !STANDS.has(state.phase)) return state;
  const unknown = { grant: 'unanswered', grant_seen: false, verified: false, tried_before: true } as const;
  return lower({ ...state, phase: 'granting', ...unknown }, 'verify_overdue');
}

function sessionsAgain(state: CeremonyState): CeremonyState {
  const { reseal, signed, phase } = state;
  if (reseal === null || signed?.intent.end_sessions !== true || reseal.sessions_ended_at === null) return state;
  const open = { ...state, reseal: { ...reseal, sessions_ended_at: null } };
  return isEnd(phase) ? raise(open, 'sessions_open') : open;
}

function killAgain(state: CeremonyState, isMeant: (action: KillAction) => boolean): CeremonyState {
  const { kill } = state;
  if (kill?.actions.some((action) => action.result !== null && isMeant(action)) !== true) return state;
  const actions = kill.actions.map((action) =>
    isMeant(action) ? { ...action, result: null, code: null, at: null } : action,
  );
  const listed = actions.some(({ action, result }) => action === 'report_granted' && result === null);
  return raise({ ...state, kill: { ...kill, actions, granted: listed ? [] : kill.granted } }, 'actions_pending');
}

/** The entry that the role which carries out an action makes of it. */
function transitionOf({ key }: KillAction): string {
  if (key === 'disable_account') return 'account_disabled';
  return key.replace('report_granted', 'granted_listed').replace('halt_job', 'job_halted');
}
