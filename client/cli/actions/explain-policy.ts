import { resolve } from 'node:path';
import { formatDuration } from '../../../domain/duration.js';
import type { Explanation } from '../../../domain/explanation.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readPolicyFile, readRosterFile } from '../../config/policy-file.js';
import { durationFlag, parseExplainQuestion, type ExplainQuestion } from '../../explain/explain-question.js';
import { explainRequest } from '../../explain/explain-request.js';
import { oneLine } from '../printable.js';
import { block, columns, structured } from '../render.js';
import type { Session } from '../session.js';
import { timeText } from '../times.js';

export interface ExplainOptions {
  profile: string;
  reasonCode: string;
  duration?: string;
  principal?: string;
  at?: string;
  file?: string;
  roster?: string;
}

/** `reseal policy explain`: the checks of admission one by one, and the answer as the exit status. Nothing is asked for. */
export async function explainPolicy(session: Session, options: ExplainOptions): Promise<number> {
  const question = await questionOf(session, options);
  const explanation =
    options.file === undefined
      ? await (await session.api()).explain(question)
      : await fromFiles(session, options.file, options.roster, question);
  session.data((await structured(session.output, explanation)) ?? explanationText(session, explanation));
  if (explanation.usage === 'none')
    session.warn('judged as if nothing was granted yet and nothing was open: the register was not asked');
  return explanation.passes ? EXIT.done : EXIT.refused;
}

async function questionOf(session: Session, options: ExplainOptions): Promise<ExplainQuestion> {
  const { as: person } = await session.settings();
  if (person === undefined)
    throw new ResealError('usage', 'who would ask?', { hint: 'pass --as UPN, or set RESEAL_AS' });
  const { profile, reasonCode, duration, principal, at } = options;
  const given = (name: string, value: unknown): object => (value === undefined ? {} : { [name]: value });
  return parseExplainQuestion({
    person,
    profile,
    reason_code: reasonCode,
    ...given('principal', principal),
    ...given('duration_seconds', duration === undefined ? undefined : durationFlag(duration)),
    ...given('at', at === undefined ? undefined : timeFlag(at)),
  });
}

function timeFlag(text: string): string {
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) && /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  throw new ResealError('usage', `--at is a time with its zone, such as 2026-03-01T22:00:00Z, not "${text}"`);
}

async function fromFiles(
  session: Session,
  file: string,
  rosterFile: string | undefined,
  question: ExplainQuestion,
): Promise<Explanation> {
  const here = (name: string): string => resolve(session.io.cwd, name);
  const rosterPath = rosterFile === undefined ? (await session.settings()).rosterPath : here(rosterFile);
  if (rosterPath === undefined)
    throw new ResealError('usage', 'who is in which group?', { hint: 'pass --roster FILE, or set RESEAL_ROSTER' });
  const [inForce, roster] = await Promise.all([readPolicyFile(here(file)), readRosterFile(rosterPath)]);
  return explainRequest({ inForce, roster, nowMs: session.now(), usage: null }, question);
}

const VERDICTS = { passed: 'green', flagged: 'yellow', refused: 'red' } as const;

function explanationText(session: Session, explanation: Explanation): string {
  const { passes, at, admitted_from, refusal, rule, approvals_wanted } = explanation;
  const time = (text: string): string => timeText(text, session.now(), session.zone);
  const head = block([
    [
      'answer',
      passes ? session.style('green', 'would be admitted') : session.style('red', `refused: ${refusal?.code ?? ''}`),
    ],
    ['who', `${oneLine(explanation.person)}, for ${oneLine(explanation.principal)}`],
    [
      'asks for',
      `${oneLine(explanation.profile)}, ${explanation.reason_code}, ${formatDuration(explanation.duration_seconds)}`,
    ],
    ['at', time(at)],
    ['policy', `${oneLine(explanation.policy)} ${explanation.policy_digest}`],
    ['rule', rule],
    ['approvals', approvals_wanted === null ? null : approvalsText(explanation)],
    ['delivered by', explanation.delivered_by?.map(oneLine).join(', ') ?? null],
    ['wanted', refusal?.wanted === undefined ? null : oneLine(refusal.wanted)],
    [
      'passes',
      passes
        ? null
        : admitted_from === null
          ? 'not by waiting'
          : `from ${time(admitted_from)}, if nothing else happens`,
    ],
  ]);
  const rows = explanation.steps.map(({ step, verdict, detail }) => [step, verdict, oneLine(detail)]);
  const table = columns(['CHECK', 'VERDICT', 'WHY'], rows, {
    widest: 200,
    style: (text, row, column) => {
      const verdict = explanation.steps[row]?.verdict;
      return column === 1 && verdict !== undefined ? session.style(VERDICTS[verdict], text) : text;
    },
  });
  return `${head}\n\n${table}`;
}

function approvalsText({ approvals_wanted: wanted, extra_approvers: extra }: Explanation): string {
  if (wanted === 0) return 'none: granted at once, a review owed';
  return extra === 0 ? String(wanted) : `${wanted}, ${extra} of them for a review that is overdue`;
}
