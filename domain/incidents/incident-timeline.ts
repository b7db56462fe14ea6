import { escapeMarkdown } from '../timeline.js';
import { GATE_MISSING } from './gate.js';
import type { IncidentView } from './view.js';

const time = (at: string): string => `${at.slice(11, 19)}Z`;

/** The beginning of a text from outside, no character torn in two, as Markdown text. */
const clip = (text: string, length: number): string => escapeMarkdown([...text].slice(0, length).join(''));

type Row = [at: string | null, what: string];

/**
 * An incident so far, short, in Markdown for the Web UI's current details (at most 20 KB there; this stays under 10): what it
 * is, where it stands, what happened in the order in which it did, and what it waits for. Hosts and people chose some of
 * the words: they stay text.
 */
export function incidentTimeline(view: IncidentView): string {
  const rows: Row[] = [
    [view.created_at, `opened by ${clip(view.source, 64)}`],
    ...view.containment_results.map(({ action, success, error, completed_at }): Row => {
      const how = success ? 'holds' : `**failed**, and is tried again: ${clip(error ?? '', 200)}`;
      return [completed_at, `${escapeMarkdown(action)} ${how}`];
    }),
    [view.contained_at, 'contained: every action holds'],
    ...view.acknowledgements
      .slice(-8)
      .map(({ person, at, method }): Row => [at, `acknowledged by ${clip(person, 64)} (${clip(method, 32)})`]),
    attestationRow(view),
    [view.resolve?.at ?? null, `${clip(view.resolve?.by ?? '', 64)} asked to resolve it`],
    ...view.released.map(({ action, success, error, completed_at }): Row => {
      const how = success ? 'undone' : `not undone yet: ${clip(error ?? '', 200)}`;
      return [completed_at, `${escapeMarkdown(action)} ${how}`];
    }),
    healthRow(view),
    [view.resolved_at, 'ended: **resolved**'],
  ];
  const told = rows
    .filter((row): row is [string, string] => row[0] !== null)
    .sort(([one], [other]) => Date.parse(one) - Date.parse(other));
  return [
    `**${escapeMarkdown(view.state)}**${view.flags.map((flag) => ` · ${escapeMarkdown(flag)}`).join('')}`,
    `${view.severity} ${escapeMarkdown(view.class)} on ${escapeMarkdown(view.host)}`,
    told.map(([at, what]) => `- \`${time(at)}\` ${what}`).join('\n'),
    ...waitsFor(view),
  ].join('\n\n');
}

function attestationRow({ attestation }: IncidentView): Row {
  const { attempt, state, failed_check, expected, waiting, next_at, at } = attestation;
  const which = `attestation ${attempt}`;
  switch (state) {
    case 'refused':
      return [at, `${which} **refused**: ${clip(failed_check ?? '', 64)}: ${clip(expected ?? '', 300)}`];
    case 'waiting_for_host': {
      const again = next_at === null ? '' : `, asked again at ${time(next_at)}`;
      return [at ?? next_at, `${which} waits for the host: ${clip(waiting ?? '', 100)}${again}`];
    }
    case 'passed':
      return [at, `${which} passed`];
    default:
      return [null, ''];
  }
}

function healthRow({ health }: IncidentView): Row {
  if (health === null) return [null, ''];
  const { integrity, attestor, incident_recorder } = health;
  const said = Object.entries({ integrity, attestor, 'incident recorder': incident_recorder });
  return [health.at, said.map(([name, word]) => `${name} says ${clip(word ?? 'nothing', 64)}`).join(', ')];
}

function waitsFor({ id, state, missing, flags }: IncidentView): string[] {
  if (state === 'resolved') return [];
  const how = `\`reseal incident get ${id}\` tells the commands.`;
  if (missing.length > 0)
    return [
      'Missing before it can be resolved:',
      missing.map((code) => `- **${escapeMarkdown(code)}**: ${escapeMarkdown(GATE_MISSING[code])}`).join('\n'),
      how,
    ];
  return flags.includes('releasing')
    ? ['It is being released.']
    : [`Nothing is missing: somebody has to resolve it. ${how}`];
}
