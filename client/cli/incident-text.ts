import type { ContainmentResult } from '../../domain/incidents/incident.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import type { IncidentRecord } from '../api/incident-api.js';
import { digestWord } from './ceremony-text.js';
import { missingText } from './incident-answers.js';
import { oneLine } from './printable.js';
import { block, columns } from './render.js';
import type { Session } from './session.js';
import { clockText, relative, timeText } from './times.js';

/** A state in its colour: what is contained holds, what is not is loud. */
function stateText(session: Session, state: IncidentView['state']): string {
  if (state === 'contained') return session.style('yellow', state);
  return session.style(state === 'resolved' ? 'green' : 'red', state);
}

/** Everything about one incident that a person wants to know; `missing: false` leaves out what is missing. */
export function incidentText(
  session: Session,
  { view, description, evidence }: IncidentRecord,
  { missing = true }: { missing?: boolean } = {},
): string {
  const at = (time: string | null): string | null =>
    time === null ? null : timeText(time, session.now(), session.zone);
  const flags = view.flags.map((flag) => ` · ${session.style('red', oneLine(flag))}`).join('');
  const tried = new Set(view.containment_results.map(({ action }) => action));
  const untried = view.containment_actions.filter((action) => !tried.has(action));
  const lacks = missing && view.state !== 'resolved' ? view.missing : [];
  type Line = [string, string | null];
  return block([
    ['incident', view.id],
    ['state', `${stateText(session, view.state)}${flags}`],
    ['class', `${view.class}, ${view.severity}`],
    ['host', view.host],
    ['source', oneLine(view.source)],
    ['what', description === '' ? null : oneLine(description)],
    ['opened', at(view.created_at)],
    ['binding', view.containment_binding === null ? null : digestWord(view.containment_binding)],
    ['acknowledged', acknowledgedText(view, session.zone)],
    ['said', saidText(view)],
    ['attestation', attestationText(view, at)],
    ['playbook', view.playbook_digest === undefined ? null : digestWord(view.playbook_digest)],
    ['health', healthText(view)],
    ['resolved', at(view.resolved_at)],
    ...Object.entries(evidence).map(([name, value]): Line => ['evidence', `${oneLine(name)}: ${oneLine(value)}`]),
    ...view.containment_results.map((result): Line => ['contained', resultText(session, result)]),
    ...untried.map((action): Line => ['containing', action]),
    ...view.released.map((result): Line => ['released', resultText(session, result)]),
    ...lacks.map((code): Line => ['missing', missingText(code, view)]),
  ]);
}

function resultText(session: Session, { action, success, error, completed_at }: ContainmentResult): string {
  const outcome = success ? session.style('green', 'ok') : session.style('red', `failed: ${oneLine(error ?? '')}`);
  return `${action} ${outcome} (${clockText(completed_at, session.zone)})`;
}

function acknowledgedText({ acknowledgements, requirements }: IncidentView, zone: string): string | null {
  if (!requirements.require_ack) return 'not required';
  const given = acknowledgements.map(
    ({ person, method, at }) => `${oneLine(person)} ${clockText(at, zone)} ${oneLine(method)}`,
  );
  const lacks = requirements.acknowledgements - given.length;
  const wanted = `${lacks}${given.length === 0 ? '' : ' more'} needed${requirements.signed ? ', signed' : ''}`;
  return [...given, ...(lacks > 0 ? [given.length === 0 ? `not yet: ${wanted}` : wanted] : [])].join('; ');
}

/** What was said besides acknowledgements: who, and of what. */
function saidText({ statements = [] }: IncidentView): string | null {
  const said = statements.map(({ act, person, kind, of }) =>
    [oneLine(person), act, kind, of && digestWord(of)].filter((part) => part !== undefined).join(' '),
  );
  return said.length === 0 ? null : said.join('; ');
}

function attestationText(
  { attestation, requirements }: IncidentView,
  at: (time: string | null) => string | null,
): string | null {
  const { attempt, state, failed_check, expected, waiting, next_at, expires_at } = attestation;
  if (attempt === 0) return requirements.require_reattest ? 'not yet' : 'not required';
  const which = `attempt ${attempt} `;
  switch (state) {
    case 'refused':
      return `${which}refused: ${oneLine(failed_check ?? '')}: ${oneLine(expected ?? '')}`;
    case 'waiting_for_host':
      return `${which}waits for the host: ${oneLine(waiting ?? '')}${next_at === null ? '' : `, asks again ${at(next_at) ?? ''}`}`;
    case 'passed':
      return `${which}passed, good until ${at(expires_at) ?? 'unknown'}`;
    default:
      return `${which}${state}`;
  }
}

function healthText({ health }: IncidentView): string | null {
  if (health === null) return null;
  const { integrity, attestor, incident_recorder } = health;
  const said = Object.entries({ integrity, attestor, incident_recorder });
  return said.map(([name, word]) => `${name} ${oneLine(word ?? 'silent')}`).join(', ');
}

function lackingText({ missing: [first, ...more] }: IncidentView): string {
  if (first === undefined) return 'nothing: resolve it';
  return more.length === 0 ? first : `${first}, ${more.length} more`;
}

/** Incidents as a table, in their order. */
export function incidentTable(session: Session, records: readonly IncidentRecord[]): string {
  const rows = records.map(({ view }) => [
    view.id,
    view.class,
    view.severity,
    view.state,
    view.host,
    relative(view.created_at, session.now()),
    view.state === 'resolved' ? '' : lackingText(view),
  ]);
  return columns(['incident', 'class', 'severity', 'state', 'host', 'opened', 'missing'], rows, {
    style: (text, row, column) => {
      if (row < 0) return session.style('bold', text);
      const state = records[row]?.view.state;
      return column === 3 && state !== undefined ? text.replace(state, stateText(session, state)) : text;
    },
  });
}

/** One line about what is new. */
export function incidentLine(session: Session, view: IncidentView): string {
  const at = clockText(new Date(session.now()).toISOString(), session.zone);
  const people = view.acknowledgements.map(({ person }) => oneLine(person)).join(', ');
  const { state, attempt, failed_check } = view.attestation;
  const parts = [
    `${at}  ${stateText(session, view.state)}`,
    people === '' ? '' : `acknowledged by ${people}`,
    attempt === 0 ? '' : `attestation ${attempt} ${state}${failed_check === null ? '' : ` (${oneLine(failed_check)})`}`,
    view.released.length === 0 ? '' : `${view.released.filter(({ success }) => success).length} released`,
    view.state === 'resolved' || view.missing.length === 0 ? '' : `missing ${view.missing.join(', ')}`,
    view.flags.map(oneLine).join(' '),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
