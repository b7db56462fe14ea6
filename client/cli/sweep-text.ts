import {
  isUnended,
  type SweepFinding,
  type SweepReason,
  type SweepReport,
  type SweepStanding,
} from '../../domain/sweep.js';
import { oneLine } from './printable.js';
import { block } from './render.js';
import type { Session } from './session.js';

const STANDING: Readonly<Record<SweepStanding, string>> = {
  clean: 'nothing of ours stands past its time',
  standing: 'SOMETHING OF OURS STANDS, OR MAY STAND, PAST ITS TIME',
  compromise: 'COMPROMISE: our application gave a role without a marker of the authority',
  unknown: 'not known: something could not be read, and that is not absence',
};

const WHY: Readonly<Record<SweepReason, string>> = {
  deadline_passed:
    'Our application made it with the authority’s marker, and its deadline is over by two minutes: the sweep ends it.',
  not_seen_to_stand:
    'Our application made it with the authority’s marker and its deadline is over; no list shows it standing, and lists lag: the sweep ends it all the same.',
  request_undecided:
    'Our application asked for it with the authority’s marker, its deadline is over, and the provider has not decided: the sweep cancels or removes it as soon as it is let.',
  deadline_not_passed:
    'Our application made it with the authority’s marker, and its ceremony still has time: the sweep leaves it.',
  marker_absent:
    'Our application made it, and it bears no marker: no ceremony of the authority’s asked for it. It is told, and left as evidence.',
  marker_malformed:
    'Our application made it, and its marker is none that the authority writes. It is told, and left as evidence.',
  marker_signature_invalid:
    'Our application made it, and the signature in its marker is not the authority’s for this person, role and scope. It is told, and left as evidence.',
  changed_without_marker:
    'Our application changed it later without a marker of the authority. It is told, and left as evidence.',
  made_by_another: 'Somebody else made it, whatever its text says: it is told, and never touched.',
  taken_over:
    'It began as ours, and another administrator has assigned or extended it since: it is theirs, and never touched.',
  request_purged:
    'It began so long ago that Graph has forgotten its request; nothing of ours lasts that long. Never touched.',
  through_a_group: 'It comes through a group: not what a ceremony gives. Never touched.',
  own_activation: 'A user activated a role of their own (selfActivate): not ours, and never touched.',
  made_outside_pim:
    'It was made outside PIM, and Graph does not say by whom: not what a ceremony makes. Told, and never touched.',
  request_not_visible:
    'Nobody can say yet who made it: its request is not visible in what Graph answered. Looked at again.',
  intent_overdue:
    'The authority’s intent for it is over by two minutes, and the audit log says that our application made it: the sweep takes it back.',
  intent_in_time: 'The authority’s intent for it still has time: the sweep leaves it.',
  maker_not_in_log:
    'The authority’s intent for it is over, and the audit log names nobody who made what stands. It is told, and not touched: look who made it, and take it away by hand if it is ours.',
  log_unreadable:
    'The authority’s intent for it is over, and the audit log could not be read: whose it is, nobody can say. Looked at again.',
  requests_unreadable:
    'Nobody can say who made it: the requests could not be read. That is not absence; looked at again.',
};

/** Why it is, or is not, the sweep's business, in a sentence or two. */
export function explanationOf({ why, outcome }: SweepFinding): string {
  if (outcome === null) return WHY[why];
  return `${WHY[why]} ${OUTCOME[outcome.end]} (${outcome.code}${outcome.retry_at === null ? '' : `, again from ${outcome.retry_at}`}).`;
}

const OUTCOME: Readonly<Record<NonNullable<SweepFinding['outcome']>['end'], string>> = {
  confirmed: 'Removed, and five agreeing reads show it gone',
  observed: 'Five agreeing reads show it gone, without the provider’s word for a removal of ours',
  ended_otherwise: 'Somebody else had ended it, or has it now',
  standing: 'It could not be ended yet',
  unknown: 'Whether it is over is not known',
};

/** One assignment on one line. */
export function findingText(finding: SweepFinding): string {
  const { verdict, outcome, principal_id, role_template_id, event_id, deadline, schedule_id, made_by } = finding;
  const what = outcome === null ? verdict : `${verdict}/${outcome.end}`;
  const about =
    event_id === null ? `by ${made_by ?? 'nobody knows whom'}` : `event ${event_id} until ${deadline ?? '?'}`;
  return oneLine(`${what}  ${principal_id} has ${role_template_id}  ${about}  (${schedule_id})`);
}

/** A whole report for a person: the verdict first, then what matters, then the counts. */
export function reportText(
  session: Session,
  {
    report,
    standing,
    schedule,
  }: {
    report: SweepReport;
    standing: SweepStanding;
    schedule: { exists: boolean; paused: boolean; next_at: string | null } | null;
  },
): string {
  const colour = standing === 'clean' ? 'green' : standing === 'unknown' ? 'yellow' : 'red';
  const mine = report.found.filter(({ verdict }) => !['foreign', 'self_activated', 'outside_pim'].includes(verdict));
  const others = report.found.filter(({ verdict }) => ['foreign', 'outside_pim'].includes(verdict));
  const unread = report.tenants.flatMap(({ tenant_id, unreadable }) =>
    unreadable.map(({ what, code }) => `  ${tenant_id}: ${what}: ${oneLine(code)}`),
  );
  const told = Object.entries(report.counts).filter(([, count]) => count > 0);
  const nextText = schedule === null ? null : scheduleText(schedule);
  return [
    session.style(colour, STANDING[standing]),
    ...mine.map(
      (finding) => `  ${isUnended(finding) ? session.style('red', findingText(finding)) : findingText(finding)}`,
    ),
    ...(others.length > 0 ? ['others’, left alone', ...others.map((finding) => `  ${findingText(finding)}`)] : []),
    ...(unread.length > 0 ? ['could not be read', ...unread] : []),
    block([
      ['swept', `${report.started_at} to ${report.finished_at}${report.mode === 'look' ? ' (looked only)' : ''}`],
      ['as', report.application_id],
      ['tenants', String(report.tenants.length)],
      ['assignments', told.map(([verdict, count]) => `${verdict} ${count}`).join(', ') || 'none'],
      ['next', nextText],
    ]),
  ].join('\n');
}

function scheduleText({
  exists,
  paused,
  next_at,
}: {
  exists: boolean;
  paused: boolean;
  next_at: string | null;
}): string {
  if (!exists) return 'no schedule: nothing sweeps by itself';
  if (paused) return 'the schedule is PAUSED: nothing sweeps by itself';
  return next_at ?? 'not planned';
}
