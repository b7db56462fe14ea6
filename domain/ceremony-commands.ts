import { deadlineOf, fallbackFrom } from './ceremony-deadlines.js';
import { isAsking, isEnd, type CeremonyState, type Extension } from './ceremony-state.js';
import { actsOnKill, killCommands, type KillCommand } from './kill-actions.js';
import { resealCommands, resealWake, type ResealCommand } from './reseal.js';

/** One thing that should be under way. The key tells one from another: same key, same piece of work. */
export type CeremonyCommand =
  | { do: 'admit'; key: 'admit' }
  | { do: 'survey'; key: 'survey' }
  /** Had those been asked whose approvals wait to be counted? Numbered by what was heard, so that each lot is asked about. */
  | { do: 'deliveries'; key: string }
  | { do: 'issue'; key: string }
  | { do: 'mark'; key: string }
  | { do: 'apply'; key: string }
  | { do: 'verify'; key: 'verify' | 'verify/overdue' }
  | { do: 'watch'; key: string }
  /** The next step of an extension: an intent for it, the provider's later end, and the second identity's look at it. */
  | { do: 'extend'; key: string }
  | { do: 'append'; key: string }
  | { do: 'audit'; key: 'audit' }
  | KillCommand
  | ResealCommand;

/**
 * Everything that should be under way in this state: the full set, derived from the state alone. The workflow starts what
 * is missing and cancels what is no longer wanted, so a continued or restarted ceremony needs nothing but its state.
 */
export function commands(state: CeremonyState): CeremonyCommand[] {
  const wanted = [...phaseCommands(state), ...deliveryCommands(state)];
  // Ended with the sessions still open: ending them goes on beside the audit.
  if (isEnd(state.phase) && state.flags.includes('sessions_open'))
    wanted.push({ do: 'end_sessions', key: 'end_sessions' });
  if (state.mark === 'pending') wanted.push({ do: 'mark', key: 'mark' });
  // The mark makes the answer final: after it no intent can come to stand that does not.
  else if (isAsking(state)) wanted.push({ do: 'mark', key: `mark/${state.reseal?.round ?? 0}` });
  if (actsOnKill(state)) wanted.push(...killCommands(state));
  if (isEnd(state.phase) && state.audit === 'pending') wanted.push({ do: 'audit', key: 'audit' });
  // Nothing asks for a flush after the end: what comes then (the end mark, refusals) is owed to the ledger all the same.
  const owed = isEnd(state.phase) || state.appended < state.flush_to;
  if (owed && state.outbox.length > 0 && state.phase !== 'requested')
    wanted.push({ do: 'append', key: appendKey(state) });
  return wanted;
}

/** Another one each time the register has answered, also where it took nothing because earlier entries were missing. */
const appendKey = ({ appended, not_taken = 0 }: CeremonyState): string =>
  not_taken === 0 ? `append/${appended}` : `append/${appended}/${not_taken}`;

function phaseCommands(state: CeremonyState): CeremonyCommand[] {
  switch (state.phase) {
    case 'requested':
      return [{ do: 'admit', key: 'admit' }];
    case 'awaiting_approval':
      return state.survey === null ? [{ do: 'survey', key: 'survey' }] : [];
    case 'issuing':
      return [{ do: 'issue', key: 'issue' }];
    case 'granting':
      return state.grant === 'granted' ? [{ do: 'verify', key: 'verify' }] : [grantCommand(state)];
    case 'active_unverified':
      return [{ do: 'verify', key: 'verify/overdue' }];
    case 'active':
      return [{ do: 'watch', key: `watch/${state.findings.length}` }, ...extendCommands(state)];
    case 'resealing':
      return state.reseal === null ? [] : resealCommands(state.reseal);
    default:
      return [];
  }
}

/** The grant, or first another warrant for it. Numbered, because each ends in the step in which the next is wanted. */
function grantCommand({ renewing, renewals }: CeremonyState): CeremonyCommand {
  if (renewing) return { do: 'issue', key: `issue/${renewals}` };
  return { do: 'apply', key: renewals === 0 ? 'apply' : `apply/${renewals}` };
}

function deliveryCommands({ held = [] }: CeremonyState): CeremonyCommand[] {
  const [first] = held;
  return first === undefined ? [] : [{ do: 'deliveries', key: `deliveries/${first.checked.digest.slice(0, 16)}` }];
}

const EXTENDING: ReadonlySet<Extension['step']> = new Set(['issuing', 'updating', 'verifying']);

function extendCommands({ extension }: CeremonyState): CeremonyCommand[] {
  if (extension === null || !EXTENDING.has(extension.step)) return [];
  const { round, step, renewals } = extension;
  return [{ do: 'extend', key: `extend/${round}/${step}/${renewals}` }];
}

/** When the ceremony next has something to do by itself, in epoch ms. */
export function wake(state: CeremonyState): number | undefined {
  if (state.phase === 'resealing') return state.reseal === null ? undefined : resealWake(state.reseal);
  const times = [deadlineOf(state)?.at, fallbackFrom(state)].filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Ended, and nothing left to say: the workflow may complete. A refused request has no row and nothing to append. */
export function isFinished(state: CeremonyState): boolean {
  return isEnd(state.phase) && commands(state).length === 0;
}
