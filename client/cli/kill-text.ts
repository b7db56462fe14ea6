import type { Granted, KillAction, KillState } from '../../domain/kill-state.js';
import { removalCommand } from '../../domain/kill-removal.js';
import { oneLine } from './printable.js';

/** What a kill called for besides the reseal, a line each; nothing where it called for nothing. */
export function killLines(kill: KillState | undefined, clockText: (at: string) => string): string[] {
  if (kill === undefined) return [];
  return [
    ...kill.actions.map((action) => `on kill    ${WORDS[action.action]} ${standingOf(action, clockText)}`),
    ...kill.granted.flatMap((granted) => grantedLines(granted, clockText)),
  ];
}

const WORDS = {
  end_sessions: 'end the sessions:',
  report_granted: 'list what was granted to others:',
  rotate: 'rotate',
  disable_account: 'disable the account:',
  halt_job: 'have jobs halted by',
} as const satisfies Record<KillAction['action'], string>;

function standingOf({ action, target, key, result, code, at }: KillAction, clockText: (at: string) => string): string {
  const named = action === 'rotate' || action === 'halt_job';
  const what = named ? `${oneLine(target)}: ` : key.endsWith('/settled') ? 'by the settled log: ' : '';
  if (result === null) return `${what}pending, and tried until it is done`;
  const why = code === null ? '' : ` (${oneLine(code)})`;
  return `${what}${result}${why}${at === null ? '' : ` ${clockText(at)}`}`;
}

function grantedLines(granted: Granted, clockText: (at: string) => string): string[] {
  const { activity, principal_id, role_template_id, at, standing } = granted;
  const role = role_template_id === null ? '' : ` role ${oneLine(role_template_id)}`;
  const when = at === null ? '' : ` ${clockText(at)}`;
  const now = standing === null ? '' : standing ? ', and it stands' : ', and it is gone';
  const told = `granted    ${oneLine(activity)}:${role} to ${oneLine(principal_id ?? 'somebody')}${when}${now}`;
  const command = removalCommand(granted);
  return command === null ? [told] : [told, `  remove:  ${command}`];
}
