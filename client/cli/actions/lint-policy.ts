import { resolve } from 'node:path';
import { declaredLines, declaredOnly } from '../../../domain/contract-declared.js';
import { policyWarnings } from '../../../domain/policy-warnings.js';
import type { Roster } from '../../../domain/roster.js';
import { readPolicy } from '../../../proofs/policy-document.js';
import { faultLine, placesIn, type Fault } from '../../../proofs/yaml-document.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readRosterFile } from '../../config/policy-file.js';
import { readText } from '../../config/read-text.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';

export interface LintOptions {
  roster?: string;
  strict?: boolean;
}

/**
 * `reseal policy lint [FILE]`: every fault, or else every weakness, with its line and column, on standard output as
 * compilers write it. Faults exit 2; weaknesses 0, with `--strict` 3.
 */
export async function lintPolicy(session: Session, file: string | undefined, options: LintOptions): Promise<number> {
  const { path, roster } = await whatToLint(session, file, options);
  const shown = file ?? path;
  const text = await readText(path);
  const read = readPolicy(text);
  const found = read.ok
    ? { digest: read.value.digest, faults: [], warnings: placed(text, policyWarnings(read.value.policy, roster)) }
    : { digest: null, faults: read.faults, warnings: [] };
  const { digest, faults, warnings } = found;
  const not_checked = read.ok && roster === null ? [WITHOUT_ROSTER] : [];
  const contract = read.ok ? read.value.policy.contract : undefined;
  const declared = contract === undefined ? {} : { declared_not_enforced: declaredOnly(contract) };
  const answer = { file: shown, ok: read.ok, policy_digest: digest, faults, warnings, not_checked, ...declared };
  const told = await structured(session.output, answer);
  if (told !== undefined) session.data(told);
  else {
    for (const fault of faults) session.data(oneLine(faultLine(shown, fault)));
    for (const warning of warnings) session.data(oneLine(warningLine(shown, warning)));
  }
  for (const what of not_checked) session.say(`not checked without --roster FILE: ${what}`);
  if (contract !== undefined) for (const line of declaredLines(contract)) session.say(line);
  if (!read.ok) return EXIT.usage;
  const count = warnings.length === 0 ? '' : `, ${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
  session.say(`${shown}: ok${count}, policy digest ${digest ?? ''}`);
  return options.strict === true && warnings.length > 0 ? EXIT.refused : EXIT.done;
}

const WITHOUT_ROSTER =
  'whether the people and groups it names exist, can make a quorum, and have hardware keys for tier-0';

interface PlacedWarning extends Fault {
  code: string;
}

function placed(text: string, warnings: ReturnType<typeof policyWarnings>): PlacedWarning[] {
  const placeOf = placesIn(text);
  return warnings
    .map(({ code, path, message }) => ({ code, ...placeOf(path), path: path.map(String).join('.'), message }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

const warningLine = (file: string, { code, ...fault }: PlacedWarning): string => {
  const { line, column, path, message } = fault;
  return `${file}:${line}:${column}: warning: ${path}: ${message} [${code}]`;
};

/** The policy and the roster that were named; both from the settings where no policy was. */
async function whatToLint(
  session: Session,
  file: string | undefined,
  options: LintOptions,
): Promise<{ path: string; roster: Roster | null }> {
  const here = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : resolve(session.io.cwd, name);
  const configured = file === undefined ? await session.settings() : undefined;
  const path = here(file) ?? configured?.policyPath;
  if (path === undefined)
    throw new ResealError('usage', 'which policy file?', { hint: 'reseal policy lint FILE, or set RESEAL_POLICY' });
  const rosterPath = here(options.roster) ?? configured?.rosterPath;
  return { path, roster: rosterPath === undefined ? null : await readRosterFile(rosterPath) };
}
