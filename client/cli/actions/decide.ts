import { resolve } from 'node:path';
import { formatDuration, parseDuration } from '../../../domain/duration.js';
import type { Decision, Denial } from '../../../domain/decision.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { parseDecideQuestion } from '../../decide/decide-question.js';
import { oneLine } from '../printable.js';
import { block, structured } from '../render.js';
import type { Session } from '../session.js';

export interface DecideOptions {
  profile: string;
  person?: string;
  session?: string;
  log?: string;
}

const SOURCES = {
  standing: 'standing rule',
  approved_request: 'approved request',
  break_glass: 'break-glass',
} as const;

/** `reseal decide`: the answer on standard output, and as the exit status. */
export async function decideFor(session: Session, options: DecideOptions): Promise<number> {
  const person = options.person ?? (await session.settings()).as;
  if (person === undefined) {
    throw new ResealError('usage', 'for whom?', { hint: 'pass --person UPN or --as UPN' });
  }
  const seconds = options.session === undefined ? {} : { session_seconds: secondsOf(options.session) };
  const decision = await (
    await session.api()
  ).decide(parseDecideQuestion({ person, profile: options.profile, ...seconds }));
  if (options.log !== undefined) {
    const { decisionLog } = await import('../../decide/decision-log.js');
    await decisionLog(resolve(session.io.cwd, options.log)).write(decision);
  }
  session.data((await structured(session.output, decision)) ?? decisionText(session, decision));
  if (decision.proof === 'workflow') {
    session.warn(
      "WARNING: this rests on the workflow's word alone, which anybody with write access to Temporal can forge: there is no register here, or there are no trust roots",
    );
  }
  return decision.effect === 'allow' ? EXIT.done : EXIT.refused;
}

function secondsOf(text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new ResealError('usage', `--session is a duration such as 30m or 1h, not "${text}"`);
}

function decisionText(session: Session, decision: Decision): string {
  const { effect, person, profile } = decision;
  const word = effect === 'allow' ? session.style('green', 'allowed') : session.style('red', 'refused');
  const lines: [string, string | null][] = [
    ['decision', word],
    ['person', oneLine(person)],
    ['profile', oneLine(profile)],
  ];
  if (decision.effect === 'allow') {
    lines.push(
      ['by', `${SOURCES[decision.source]} ${oneLine(decision.rule ?? decision.break_glass_event_id ?? '')}`],
      ['account', decision.principal_id],
      ['session', `${formatDuration(decision.session_seconds)}, until ${decision.expires_at}`],
    );
  }
  return [block(lines), ...decision.reasons.map(reasonText)].join('\n');
}

function reasonText({ step, code, message, passes_at }: Denial): string {
  const where = step === null ? '' : `${SOURCES[step]}: `;
  const when = passes_at === null ? '' : `; passes at ${passes_at}`;
  return `no: ${where}${oneLine(message)} (${code})${when}`;
}
