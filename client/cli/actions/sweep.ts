import { standingOf, type SweepFinding, type SweepStanding } from '../../../domain/sweep.js';
import { parseDuration } from '../../../domain/duration.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { explanationOf, findingText, reportText } from '../sweep-text.js';
import type { SweepOptions, ToldSweep } from '../told-sweep.js';

const EXIT_OF: Readonly<Record<SweepStanding, number>> = {
  standing: EXIT.rollback_unconfirmed,
  compromise: EXIT.unverified,
  unknown: EXIT.unreachable,
  clean: EXIT.done,
};

const MINUTES_10 = 600;

/** `reseal sweep run`. */
export async function runSweep(session: Session, options: SweepOptions): Promise<number> {
  if (options.standalone === true) {
    const { sweepHere } = await import('../sweep-here.js');
    const work = sweepHere(session, options, 'sweep');
    return show(session, await session.during('sweeping', work));
  }
  if (options.intents !== undefined)
    throw new ResealError('usage', '--intents is for --standalone: the sweeper role reads where its settings say');
  const seconds = options.timeout === undefined ? MINUTES_10 : parseDuration(options.timeout);
  if (seconds === undefined) {
    throw new ResealError('usage', `"${options.timeout ?? ''}" is not a duration such as 90s or 5m`);
  }
  const { askForSweep } = await import('../sweep-there.js');
  return show(session, await session.during('waiting for the sweeper', askForSweep(session, seconds)));
}

/** `reseal sweep status`. */
export async function sweepStatus(session: Session, options: SweepOptions): Promise<number> {
  return show(session, await lastOf(session, options));
}

/** `reseal sweep explain ID`. Exit status 2 where nothing is known by that id. */
export async function explainSweep(session: Session, id: string, options: SweepOptions): Promise<number> {
  const { report, proven } = await (options.standalone === true
    ? import('../sweep-here.js').then(({ sweepHere }) => sweepHere(session, options, 'look'))
    : lastOf(session, options));
  const wanted = id.trim().toLowerCase();
  const found = report.found.filter((finding) => namesOf(finding).includes(wanted));
  if (found.length === 0) {
    const unread = report.tenants.some(({ unreadable }) => unreadable.length > 0);
    const hint = unread
      ? 'not all of Graph could be read: that is no word on it'
      : 'is it over? A sweep tells what stands';
    throw new ResealError('not_found', `nothing that the sweep of ${report.finished_at} saw goes by ${id}`, { hint });
  }
  const told = found.map((finding) => ({ ...finding, explanation: explanationOf(finding) }));
  session.data(
    (await structured(session.output, { proven, swept_at: report.finished_at, found: told })) ??
      told.map(({ explanation, ...finding }) => `${findingText(finding)}\n  ${explanation}`).join('\n\n'),
  );
  return EXIT.done;
}

const namesOf = ({ schedule_id, request_id, event_id, principal_id }: SweepFinding): (string | undefined)[] =>
  [schedule_id, request_id, event_id, principal_id].map((name) => name?.toLowerCase());

async function lastOf(session: Session, options: SweepOptions): Promise<ToldSweep> {
  if (options.standalone === true) return (await import('../sweep-here.js')).lastHere(session, options);
  return (await import('../sweep-there.js')).lastThere(session);
}

async function show(session: Session, told: ToldSweep): Promise<number> {
  const { report, envelope, proven, schedule } = told;
  const standing = standingOf(report);
  session.data(
    (await structured(session.output, { standing, proven, schedule, report, envelope })) ??
      reportText(session, { standing, ...told }),
  );
  if (!proven) session.warn('this report carries no signature of the sweeper’s that was checked');
  return EXIT_OF[standing];
}
