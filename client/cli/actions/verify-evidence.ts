import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { verifyBundle } from '../../../proofs/bundle-verify.js';
import { NOT_REACHED, type BundleReport } from '../../../proofs/bundle-report.js';
import { saysIncidentBundle } from '../../../proofs/incidents/open-incident-bundle.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { oneLine } from '../printable.js';
import { block, structured } from '../render.js';
import type { Session } from '../session.js';
import { readTrust } from '../trust-file.js';
import type { JudgedBy } from './verify-incident.js';

/** `reseal evidence verify FILE [--trust FILE]`: from the two files alone; nothing is asked of anybody. */
export async function verifyEvidence(
  session: Session,
  file: string,
  trustFlag: string | undefined,
  judged: JudgedBy = {},
): Promise<number> {
  const { trust, path } = await readTrust(session, trustFlag);
  // Whoever sent the bundle may have sent a folder with trust roots in it: the reader must see whose word this rests on.
  const found = trustFlag === undefined ? ', as configured or found here: name your own with --trust' : '';
  session.say(`trust roots: ${path}${found}`);
  const bytes = await readFile(resolve(session.io.cwd, file)).catch((error: NodeJS.ErrnoException) => {
    throw new ResealError('usage', `${file} cannot be read: ${error.code ?? 'unknown error'}`, { cause: error });
  });
  if (saysIncidentBundle(bytes)) {
    const { verifyIncident } = await import('./verify-incident.js');
    return verifyIncident(session, bytes, trust, judged);
  }
  refuseJudgedBy(judged);
  const report = verifyBundle(bytes, trust);
  session.data((await structured(session.output, report)) ?? reportText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

/** What only an incident's bundle is judged by. @throws {ResealError} `usage`. */
function refuseJudgedBy({ quorum, acceptBearer, playbooks }: JudgedBy): void {
  const given = { '--quorum': quorum, '--accept-bearer': acceptBearer, '--playbooks': playbooks };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (flag !== undefined) throw new ResealError('usage', `${flag} is for the bundle of an incident, and this is none`);
}

const callText = ({ method, path, status }: BundleReport['facts']['calls'][number]): string =>
  `${oneLine(method)} ${oneLine(path)} ${status ?? 'no answer'}`;

const killText = ({ action, target, result, code, at }: BundleReport['facts']['kill_actions'][number]): string =>
  `${action} ${oneLine(target)} ${result}${code === null ? '' : ` (${oneLine(code)})`} ${at}`;

const rosterText = ({ series, version, signers }: NonNullable<BundleReport['facts']['roster']>): string =>
  `${series} version ${version}${signers.length === 0 ? '' : `, signed by ${signers.join(', ')}`}`;

function reportText(session: Session, report: BundleReport): string {
  const { facts } = report;
  const checks = report.checks.map(({ name, ok, detail }) => {
    const failed = detail === NOT_REACHED ? session.style('dim', '-     ') : session.style('red', 'FAILED');
    const mark = ok ? session.style('green', 'ok    ') : failed;
    return `  ${mark}  ${name.padEnd(10)}  ${oneLine(detail)}`;
  });
  const errors = report.errors.map(({ code, where, message }) => `  ${code} at ${oneLine(where)}: ${oneLine(message)}`);
  const unproven = report.not_verified.map((sentence) => `  ${oneLine(sentence)}`);
  const text = (value: string | null): string | null => (value === null ? null : oneLine(value));
  const story = block([
    ['event', text(report.event_id)],
    ['role', text(facts.role)],
    ['principal', text(facts.principal)],
    ['invoker', text(facts.invoker)],
    ['approved', facts.approvals.map(({ person, method, at }) => `${oneLine(person)} ${at} ${method}`).join('; ')],
    [
      'contract',
      facts.contract &&
        `${facts.contract.series} version ${facts.contract.version}, signed by ${facts.contract.signers.join(', ')}`,
    ],
    ['roster', facts.roster && rosterText(facts.roster)],
    ['asked', facts.requested_at],
    ['called', facts.calls.map(callText).join('; ') || null],
    ['granted', facts.granted_at],
    ['extended', facts.extensions.map(extensionText).join('; ') || null],
    ['deadline', facts.deadline],
    ['removed', facts.removed_confirmed_at],
    ['audited', facts.audited_at],
    ['beside', facts.beside.map(oneLine).join('; ') || null],
    ['on kill', facts.kill_actions.map(killText).join('; ') || null],
    ['followed', facts.follow_ups.map(followUpText).join('; ') || null],
    ['end', facts.end === null ? null : `${facts.end}${facts.ended_at === null ? '' : ` ${facts.ended_at}`}`],
    ['reviewed', facts.review && `${oneLine(facts.review.person)} ${facts.review.at} ${facts.review.method}`],
    ['stage', report.stage],
    ['ledger', facts.ledger_head === null ? null : `${facts.ledger_count} entries, head ${facts.ledger_head}`],
  ]);
  const verdict = report.ok
    ? session.style('green', 'VERIFIED')
    : session.style('red', 'NOT VERIFIED: what it says happened must not be relied on');
  return [
    verdict,
    ...(errors.length > 0 ? ['held against it', ...errors, ''] : []),
    ...checks,
    ...(unproven.length > 0 ? ['', 'not verified here', ...unproven] : []),
    '',
    story,
  ].join('\n');
}

/** `take_back 2026-… by bob: 1 done, confirmed`. */
function followUpText({
  act,
  ordered_at,
  persons,
  done,
  confirmed,
}: BundleReport['facts']['follow_ups'][number]): string {
  const counted = (result: 'done' | 'refused'): string =>
    `${done.filter((one) => one.result === result).length} ${result}`;
  const sure = confirmed === true ? ', confirmed' : ', not confirmed';
  return `${act} ${ordered_at} by ${persons.map(oneLine).join(', ')}: ${counted('done')}, ${counted('refused')}${sure}`;
}

/** `to 2026-…, asked by alice, approved by bob, carol, in force from 2026-…`. */
function extensionText({
  deadline,
  asked_by,
  approvals,
  extended_at,
}: BundleReport['facts']['extensions'][number]): string {
  const by = approvals.map(({ person, method }) => `${oneLine(person)} (${method})`).join(', ');
  const since = extended_at === null ? 'not in force: the deadline before it was kept' : `in force from ${extended_at}`;
  return `to ${deadline}, asked by ${oneLine(asked_by)}, approved by ${by}, ${since}`;
}
