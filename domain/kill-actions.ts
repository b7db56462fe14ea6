import { lower, raise } from './ceremony-ending.js';
import { isEnd, type CeremonyState, type EndCause } from './ceremony-state.js';
import type { Intent } from './intent.js';
import type { KillAction, KillActionName, KillOutcome, KillState } from './kill-state.js';
import { targetOf, type OnKill, type OnKillTrigger } from './on-kill.js';
import { flush, keepReceipt } from './outbox.js';

/**
 * What is done besides the reseal once a ceremony is killed, where its signed policy says so: beside it, never before it.
 * Each is tried without limit, and the ceremony's end waits for none of them.
 */

/** Under which trigger an end falls; null for one that is nobody's alarm, or that came before anything was granted. */
export function triggerOf(cause: EndCause): OnKillTrigger | null {
  switch (cause) {
    case 'kill':
    case 'cancel':
    case 'workflow_lost':
      return 'operator_statement';
    case 'deny':
    case 'withdraw':
      return 'approval_revoked';
    case 'unexpected_target':
    case 'ends_later_than_intended':
      return 'unexpected_target_detected';
    case 'deadline':
      return 'timebox_expired';
    case 'close':
    case 'window':
    case 'refused_by_provider':
    case 'not_issued':
      return null;
  }
}

/** One action that should be under way. */
export interface KillCommand {
  do: 'kill_action';
  key: string;
  action: KillActionName;
  rotation: number | null;
  settled: boolean;
}

/** Begins, once, what a kill calls for, when there is something that the principal may have had. */
export function beginKill(state: CeremonyState): CeremonyState {
  const { phase, reseal, ending, kill } = state;
  if (phase !== 'resealing' || reseal === null || ending === null || kill !== undefined) return state;
  const { on_kill } = reseal.signed.intent;
  if (on_kill === undefined) return state;
  const trigger = triggerOf(ending.cause);
  if (trigger === null || !on_kill.triggers.includes(trigger)) return state;
  const nothingHeld = !reseal.seen && (reseal.grant === 'never_tried' || reseal.grant === 'refused');
  if (nothingHeld) return state;
  const actions = actionsOf(on_kill, reseal.signed.intent);
  if (actions.length === 0) return state;
  return raise({ ...state, kill: { trigger, actions, granted: [] } }, 'actions_pending');
}

/** `report_granted` is read twice: at once, and when the audit log has had time to name what it names late. */
const SETTLED = 'report_granted/settled';

function actionsOf(
  { end_sessions, report_granted, rotate, disable_account, halt_job = [] }: OnKill,
  intent: Intent,
): KillAction[] {
  const { principal_id } = intent.tuple;
  const pending = (key: string, action: KillActionName, target = principal_id, rotation: number | null = null) => ({
    key,
    action,
    rotation,
    target,
    result: null,
    code: null,
    at: null,
  });
  return [
    ...halt_job.map((runtime, index) => pending(`halt_job/${index}`, 'halt_job', runtime, index)),
    ...(disable_account ? [pending('disable_account', 'disable_account')] : []),
    // The reseal ends them by itself where the intent says so.
    ...(end_sessions && !intent.end_sessions ? [pending('end_sessions', 'end_sessions')] : []),
    ...rotate.map((rotation, index) => pending(`rotate/${index}`, 'rotate', targetOf(rotation), index)),
    ...(report_granted ? [pending('report_granted', 'report_granted'), pending(SETTLED, 'report_granted')] : []),
  ];
}

export function killCommands({ kill }: Pick<CeremonyState, 'kill'>): KillCommand[] {
  return (kill?.actions ?? [])
    .filter(({ result }) => result === null)
    .map(({ key, action, rotation }) => ({
      do: 'kill_action' as const,
      key: `kill/${key}`,
      action,
      rotation,
      settled: key === SETTLED,
    }));
}

/** A role's answer to the action under this command key. */
export function onKillActed(state: CeremonyState, key: string, outcome: KillOutcome): CeremonyState {
  const { kill } = state;
  const asked = kill?.actions.find((action) => `kill/${action.key}` === key && action.result === null);
  if (kill === undefined || asked === undefined) return state;
  const { result, code, at, granted, receipt } = outcome;
  const actions = kill.actions.map((action) => (action === asked ? { ...action, result, code, at } : action));
  const acted: KillState = { ...kill, actions, granted: granted ?? kill.granted };
  const kept = flush(keepReceipt({ ...state, kill: acted }, receipt));
  const next = actions.some((action) => action.result === null) ? kept : lower(kept, 'actions_pending');
  const ended = asked.action === 'end_sessions' && result === 'done' && next.reseal !== null;
  return ended ? { ...next, reseal: next.reseal && { ...next.reseal, sessions_ended_at: at } } : next;
}

/** Whether the intent that they stood in turned out to be nobody's: then nothing of them is owed. */
export const forgetKill = (state: CeremonyState): CeremonyState =>
  state.kill === undefined ? state : lower({ ...state, kill: undefined }, 'actions_pending');

/** Whether these may be under way in this phase: from the reseal on, and after the end until they are done. */
export const actsOnKill = ({ phase }: Pick<CeremonyState, 'phase'>): boolean => phase === 'resealing' || isEnd(phase);
