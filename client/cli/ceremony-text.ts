import { MAX_RECORDED_REFUSALS } from '../../domain/hearing.js';
import type { METHODS } from '../../domain/verdict.js';
import type { CeremonyView } from '../../domain/view.js';
import type { Clocks } from './ceremony-clocks.js';
import { extensionLine } from './extension-line.js';
import { killLines } from './kill-text.js';
import { oneLine } from './printable.js';
import { block, columns } from './render.js';
import type { Session } from './session.js';
import { clockText, relative, spanText, timeText } from './times.js';

/** A digest as people compare it: its first 16 hex digits in fours. */
export const digestWord = (digest: string): string => (digest.slice(0, 16).match(/.{4}/g) ?? []).join('-');

/** Everything about one ceremony that a person wants to know, a few lines of it. */
export function ceremonyText(session: Session, view: CeremonyView, nowMs: number): string {
  const { zone } = session;
  const at = (time: string | null): string | null => (time === null ? null : timeText(time, nowMs, zone));
  const text = (value: string | null): string | null => (value === null ? null : oneLine(value));
  const flags = view.flags.map((flag) => ` · ${session.style('red', oneLine(flag))}`).join('');
  const { rollback } = view;
  const lines = block([
    ['event', oneLine(view.event_id)],
    ['state', `${session.stateText(view.state)}${flags}`],
    ['refused', view.refusal === null ? null : `${oneLine(view.refusal.code)}: ${oneLine(view.refusal.message)}`],
    ['wanted', wantedText(view.refusal)],
    ['would pass', at(view.refusal?.passes_at ?? null)],
    ['role', text(view.role)],
    ['scope', view.directory_scope_id === null ? null : scopeText(view.directory_scope_id, view.tenant_id)],
    ['principal', text(view.principal)],
    ['invoker', text(view.invoker)],
    ['why', whyOf(view)],
    ['ticket', text(view.ticket)],
    ['timebox', view.duration_seconds === null ? null : spanText(view.duration_seconds)],
    ['approvals', approvalsText(view, zone)],
    ['asked', at(view.requested_at)],
    ['approve by', view.state === 'awaiting_approval' ? at(view.approval_by) : null],
    ['active', at(view.activated_at)],
    ['ends', view.ended_at === null ? at(view.expires_at) : null],
    ['extension', view.ended_at === null ? extensionLine(view, at) : null],
    ['dead-man', view.ended_at === null ? at(view.dead_man_at) : null],
    ['cause', causeOf(view)],
    ['removal', rollbackText(rollback, zone)],
    ['sessions', view.sessions_ended_at === null ? null : `ended ${clockText(view.sessions_ended_at, zone)}`],
    ['ended', at(view.ended_at)],
    ['review', reviewText(view.review, at)],
    ['end mark', view.mark === 'none' ? null : MARK_TEXTS[view.mark]],
    ['refusals', refusalsText(view.refused_statements)],
    ['request', view.request_digest === null ? null : digestWord(view.request_digest)],
    ['history', text(view.ui_url)],
  ]);
  const findings = view.findings.map(
    ({ code, detail, at: seen }) => `finding    ${oneLine(code)}: ${oneLine(detail)} (${clockText(seen, zone)})`,
  );
  const killed = killLines(view.kill, (seen) => clockText(seen, zone));
  return [lines, ...findings, ...killed].join('\n');
}

/** `/` is how Graph writes the whole directory. */
function scopeText(scope: string, tenant: string | null): string {
  const whole = scope === '/' ? ' (the whole directory)' : '';
  return `${oneLine(scope)}${whole} in ${oneLine(tenant ?? 'an unknown tenant')}`;
}

const MARK_TEXTS = {
  pending: 'asked for, not recorded by the authority yet',
  standing: 'recorded by the authority: nothing more can be granted for it',
} as const satisfies Record<Exclude<CeremonyView['mark'], 'none'>, string>;

function whyOf(view: CeremonyView): string | null {
  if (view.justification === null) return view.reason_code;
  return `${oneLine(view.reason_code ?? '')}: ${oneLine(view.justification)}`;
}

/** The rule that came nearest, and what it or a limit wanted. */
function wantedText(refusal: CeremonyView['refusal']): string | null {
  const { rule, wanted } = refusal ?? {};
  if (rule === undefined) return wanted === undefined ? null : oneLine(wanted);
  return `rule ${oneLine(rule)}${wanted === undefined ? '' : `: ${oneLine(wanted)}`}`;
}

function reviewText(review: CeremonyView['review'], at: (time: string | null) => string | null): string | null {
  if (!review) return null;
  const { owed_since, overdue_at, reviewed_at, reviewed_by } = review;
  if (reviewed_at !== null) return `by ${oneLine(reviewed_by ?? 'somebody')}, ${at(reviewed_at)}`;
  return `owed since ${at(owed_since)}, overdue ${at(overdue_at)}`;
}

export function approvalsText(view: CeremonyView, zone: string): string | null {
  if (view.approvals_wanted === null) return null;
  const by = view.approvals.map(
    ({ approver, at, method }) => `${oneLine(approver)} ${clockText(at, zone)}, ${methodText(method)}`,
  );
  return `${view.approvals.length} of ${view.approvals_wanted}${by.length === 0 ? '' : ` (${by.join('; ')})`}`;
}

/** How an approval was signed; what this version does not know is shown as it is. */
const methodText = (method: string): string => (METHOD_TEXTS as Record<string, string>)[method] ?? oneLine(method);
const METHOD_TEXTS = {
  software: 'software key',
  hardware_touch: 'hardware key, touched',
  hardware_verified: 'hardware key, verified',
} as const satisfies Record<(typeof METHODS)[number], string>;

function causeOf(view: CeremonyView): string | null {
  if (view.cause === null) return null;
  return view.ended_by === null ? view.cause : `${view.cause} by ${oneLine(view.ended_by)}`;
}

/** The stages reached, each with its time. */
function rollbackText(rollback: CeremonyView['rollback'], zone: string): string | null {
  const stages = (['requested', 'accepted', 'observed', 'confirmed', 'audited'] as const)
    .map((stage) => [stage, rollback[`${stage}_at`]] as const)
    .filter((pair): pair is readonly [(typeof pair)[0], string] => pair[1] !== null);
  const last = stages.length - 1;
  const texts = stages.map(([stage, at], index) => `${stage} ${clockText(at, zone, { zoned: index === last })}`);
  return stages.length === 0 ? null : texts.join(' → ');
}

function refusalsText(count: number): string | null {
  if (count === 0) return null;
  const more = count > MAX_RECORDED_REFUSALS ? `, the first ${MAX_RECORDED_REFUSALS} of them recorded` : '';
  return `${count} statement${count === 1 ? '' : 's'} refused${more}`;
}

/** Many ceremonies, one a line. */
export function ceremonyTable(session: Session, views: readonly CeremonyView[], clocks: Clocks): string {
  const rows = views.map((view) => [
    oneLine(view.event_id),
    view.state,
    oneLine(view.profile ?? ''),
    oneLine(view.principal ?? ''),
    oneLine(view.invoker ?? ''),
    relative(view.requested_at, clocks(view)),
    view.ended_at === null && view.expires_at !== null ? relative(view.expires_at, clocks(view)) : '',
    oneLine(view.flags.join(' ')),
  ]);
  const all = ['EVENT', 'STATE', 'PROFILE', 'PRINCIPAL', 'INVOKER', 'ASKED', 'ENDS', 'FLAGS'];
  // A column of nothing only makes lines wrap.
  const told = all.map((_, column) => column < 6 || rows.some((row) => row[column] !== ''));
  const only = (cells: readonly string[]): string[] => cells.filter((_, column) => told[column]);
  return columns(only(all), rows.map(only), {
    widest: 32,
    style: (text, row, column) => {
      const state = views[row]?.state;
      if (row < 0 || state === undefined) return session.style('bold', text);
      return column === 1 ? text.replace(state, session.stateText(state)) : text;
    },
  });
}

/** `closed` and `denied` say the cause themselves. */
function endText(view: CeremonyView): string {
  const said = view.state === 'closed' || view.state === 'denied';
  if (said && view.ended_by !== null) return `by ${oneLine(view.ended_by)}`;
  return causeOf(view) ?? '';
}

/** One line a change, while somebody watches: what is new at `now`. */
export function changeLine(view: CeremonyView, now: string, zone: string): string {
  const parts = [clockText(now, zone), view.state];
  if (view.state === 'awaiting_approval' && view.approvals_wanted !== null) {
    parts.push(`${view.approvals.length} of ${view.approvals_wanted} approvals`);
  }
  if ((view.state === 'active' || view.state === 'active_unverified') && view.expires_at !== null) {
    parts.push(`until ${clockText(view.expires_at, zone)}`);
  }
  if (view.state === 'resealing') parts.push(rollbackText(view.rollback, zone) ?? '');
  if (view.state === 'resealing' || view.ended_at !== null) parts.push(endText(view));
  if (view.refusal !== null) parts.push(`${oneLine(view.refusal.code)}: ${oneLine(view.refusal.message)}`);
  parts.push(...view.flags.map(oneLine));
  return parts.filter((part) => part !== '').join('  ');
}
