import type { CeremonyView } from './view.js';

/**
 * Text from outside as Markdown text: nothing in it can become a link, a heading or a table in the Web UI. A backslash
 * stands only where the renderer there takes it away again: it knows fewer escapes than CommonMark.
 */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~:&$^]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}

const time = (at: string | null): string => (at === null ? '' : at.slice(11, 19) + 'Z');

/** The beginning of a text, no character torn in two. */
const clip = (text: string, length: number): string => escapeMarkdown([...text].slice(0, length).join(''));

function extensionRow({ extension }: CeremonyView): [string, string][] {
  if (extension === null) return [];
  const { asked_at, asked_by, deadline, state, approvals, approvals_wanted } = extension;
  const counted = state === 'awaiting_approval' ? `, ${approvals.length} of ${approvals_wanted} approvals` : '';
  const how = escapeMarkdown(state.replace('_', ' '));
  return [[asked_at, `extension until ${time(deadline)} asked by ${clip(asked_by, 64)}: ${how}${counted}`]];
}

/**
 * The ceremony so far, short, for the Web UI's current details (at most 20 KB there; this stays under 10): all the stages,
 * and the latest 16 approvals and 8 findings.
 */
export function timeline(view: CeremonyView): string {
  const rows: [string | null, string][] = [
    [view.requested_at, `asked by ${clip(view.invoker ?? 'somebody', 64)}: ${clip(view.justification ?? '', 300)}`],
    ...view.approvals
      .slice(-16)
      .map(({ approver, at, method }): [string, string] => [at, `approved by ${clip(approver, 48)} (${method} key)`]),
    [view.activated_at, `active, until ${time(view.expires_at)}`],
    ...extensionRow(view),
    ...view.findings
      .slice(-8)
      .map(({ code, detail, at }): [string, string] => [at, `**${code}** ${clip(detail, 100)}`]),
    [
      view.rollback.requested_at,
      `resealing: ${view.cause ?? ''}${view.ended_by === null ? '' : ` by ${clip(view.ended_by, 64)}`}`,
    ],
    [view.rollback.accepted_at, 'removal accepted by the provider'],
    [view.sessions_ended_at, 'sessions ended'],
    ...(view.kill?.actions ?? []).map(({ action, target, result, code, at }): [string | null, string] => [
      at,
      `on kill: ${escapeMarkdown(action)} ${clip(target, 48)}: ${result ?? ''}${code === null ? '' : ` (${clip(code, 48)})`}`,
    ]),
    [view.rollback.observed_at, 'seen to be gone'],
    [view.rollback.confirmed_at, 'confirmed gone by agreeing reads'],
    [view.ended_at, `ended: **${view.state}**`],
    [view.rollback.audited_at, "the directory's audit log says so too"],
  ];
  const told = rows.filter(([at]) => at !== null);
  const head = `**${view.state}**${view.flags.map((flag) => ` · ${flag}`).join('')}`;
  const asked = `${clip(view.role ?? '', 64)} for ${clip(view.principal ?? '', 64)}`;
  const granted = view.kill?.granted.length ?? 0;
  const others =
    granted > 0 ? `\n\nGranted to others by the principal: ${granted} (see \`reseal breakglass check\`)` : '';
  const refused = view.refused_statements > 0 ? `\n\nStatements refused: ${view.refused_statements}` : '';
  return `${head}\n\n${asked}\n\n${told.map(([at, what]) => `- \`${time(at)}\` ${what}`).join('\n')}${others}${refused}`;
}
