import { resolve } from 'node:path';
import { DEFAULT_PLAYBOOK } from '../../../domain/incidents/playbook.js';
import { NOT_REACHED } from '../../../proofs/bundle-report.js';
import type { IncidentBundleReport, IncidentFacts } from '../../../proofs/incidents/incident-bundle-report.js';
import { verifyIncidentBundle } from '../../../proofs/incidents/verify-incident-bundle.js';
import type { Trust } from '../../../proofs/trust.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readPlaybooks } from '../../config/playbooks-file.js';
import { oneLine } from '../printable.js';
import { block, structured } from '../render.js';
import type { Session } from '../session.js';

/** What the reader of an incident's bundle asks for, whatever its deployment did. */
export interface JudgedBy {
  quorum?: string;
  /** A file a playbook. */
  playbooks?: string[];
  acceptBearer?: boolean;
}

/** What an incident's bundle shows, one line a check, and its story in words; exit status 7 names the first broken link. */
export async function verifyIncident(
  session: Session,
  bytes: Uint8Array,
  trust: Trust,
  { quorum: text = '2', acceptBearer: compatAck = false, playbooks: files = [] }: JudgedBy,
): Promise<number> {
  const quorum = /^[1-8]$/.test(text) ? Number(text) : undefined;
  if (quorum === undefined) throw new ResealError('usage', `--quorum: "${text}" is not a whole number from 1 to 8`);
  const named = await Promise.all(files.map((file) => readPlaybooks(resolve(session.io.cwd, file))));
  const playbooks =
    named.length === 0 ? {} : { playbooks: new Map(named.map(({ playbook, digest }) => [digest, playbook])) };
  const report = verifyIncidentBundle(bytes, trust, { playbook: DEFAULT_PLAYBOOK, ...playbooks, compatAck, quorum });
  session.data((await structured(session.output, report)) ?? reportText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

function reportText(session: Session, report: IncidentBundleReport): string {
  const broken = report.checks.find(({ ok }) => !ok);
  const verdict =
    broken === undefined
      ? session.style('green', 'VERIFIED')
      : session.style('red', `NOT VERIFIED: the chain breaks at ${broken.name}: ${oneLine(broken.detail)}`);
  const checks = report.checks.map(({ name, ok, detail }) => {
    const failed = detail === NOT_REACHED ? session.style('dim', '-     ') : session.style('red', 'FAILED');
    return `  ${ok ? session.style('green', 'ok    ') : failed}  ${name.padEnd(12)}  ${oneLine(detail)}`;
  });
  const unproven = report.not_verified.map((sentence) => `  ${oneLine(sentence)}`);
  // What a broken chain says happened is no answer to anybody's question.
  const story = broken === undefined ? ['', storyText(report)] : [];
  return [verdict, ...checks, '', 'not verified here', ...unproven, ...story].join('\n');
}

/** What happened, in the order in which an auditor asks. */
function storyText({ incident_id, facts }: IncidentBundleReport): string {
  const text = (value: string | null): string | null => (value === null ? null : oneLine(value));
  const lines: [string, string | null][] = [
    ['incident', text(incident_id)],
    ['what', `${facts.class ?? '?'}, ${facts.severity ?? '?'}, on ${oneLine(facts.host ?? '?')}`],
    ['reported', `${facts.opened_at ?? '?'} by ${oneLine(facts.source ?? '?')}`],
    ['said to be', facts.description === '' ? null : text(facts.description)],
    [
      'escalated',
      facts.generations > 1 ? `${facts.generations - 1} times: generation ${facts.generations} is told here` : null,
    ],
    ...facts.contained.map(({ action, at }): [string, string] => ['contained', `${action} ${at}`]),
    ['binding', facts.containment_binding],
    ...facts.refused.map(({ at, what, why, by }): [string, string] => [
      'refused',
      oneLine(`${at} ${what}: ${why} (by ${by}'s word)`),
    ]),
    ...facts.statements.map((one): [string, string] => [WORDS[one.act] ?? 'said', statementText(one)]),
    ['bearer', facts.bearer ? "an acknowledgement is a token's word, signed by nobody" : null],
    ...attestationLines(facts),
    [
      'let go',
      facts.released_at === null ? null : `${facts.released_at} by the authority's warrant${releasedBy(facts)}`,
    ],
    ...facts.released.map(({ action, at, left }): [string, string] => [
      'released',
      `${action} ${at}${left ? ', left contained in part: see the entry' : ''}`,
    ]),
    ['trusted', facts.resolved_at],
    ['ledger', facts.ledger_head],
  ];
  return block(lines);
}

const WORDS: Readonly<Record<string, string>> = {
  acknowledge: 'acknowledged',
  artifact: 'artifact',
  accept_baseline: 'accepted',
  waive_baseline: 'waived',
  resolve: 'asked to end',
};

function statementText({
  person,
  issued_at,
  method,
  kind,
  of,
  note,
  containment_binding,
}: IncidentFacts['statements'][number]) {
  const what = [kind, of && `sha256 ${of}`].filter((part) => part !== undefined).join(' ');
  const said = `${person} ${issued_at} ${method}${what === '' ? '' : `: ${what}`}, of binding ${containment_binding.slice(0, 16)}`;
  return oneLine(note === undefined ? said : `${said}: ${note}`);
}

const releasedBy = ({ released_by }: IncidentFacts): string =>
  released_by === null
    ? ''
    : `, asked for by ${oneLine(released_by.person)}${released_by.signed ? ', signed' : ', not signed'}`;

function attestationLines({ attestation, attempt }: IncidentFacts): [string, string | null][] {
  if (attestation === null) return [['quote', 'none was required']];
  const { ak_name, reference_version, reference_digest, reference_accepted_by, reference_is_newer, baseline } =
    attestation;
  const people = (of: readonly string[]): string => of.map(oneLine).join(', ');
  return [
    [
      'quote',
      `attempt ${attempt ?? '?'}, ${attestation.issued_at}, by the key ${ak_name ?? '?'}, nonce ${attestation.nonce}`,
    ],
    [
      'reference',
      `version ${reference_version ?? '?'} (${reference_digest ?? '?'}), accepted by ${people(reference_accepted_by)}${reference_is_newer ? ' after the containment' : ''}`,
    ],
    [
      'counted from',
      baseline.kind === 'waived'
        ? `nothing: waived by ${people(baseline.waived_by)}`
        : `${baseline.kind} ${baseline.at ?? ''}`,
    ],
    ['judged by', `${attestation.checks} checks, by the verifier's key ${attestation.verifier_keyid}`],
  ];
}
