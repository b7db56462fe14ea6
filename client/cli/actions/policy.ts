import { resolve } from 'node:path';
import { formatDuration } from '../../../domain/duration.js';
import { termsOf, type Policy } from '../../../domain/policy.js';
import { readPolicy } from '../../../proofs/policy-document.js';
import { faultLine } from '../../../proofs/yaml-document.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readPolicyFile } from '../../config/policy-file.js';
import { readText } from '../../config/read-text.js';
import { oneLine } from '../printable.js';
import { columns, structured } from '../render.js';
import type { Session } from '../session.js';

/** `reseal policy lint [FILE]`: every fault with its line and column, on standard output as compilers write it. */
export async function lintPolicy(session: Session, file: string | undefined): Promise<number> {
  const path = await policyPath(session, file);
  const shown = file ?? path;
  const read = readPolicy(await readText(path));
  const faults = read.ok ? [] : read.faults;
  const warnings = read.ok ? warningsOf(read.value.policy) : [];
  const digest = read.ok ? read.value.digest : null;
  const text = await structured(session.output, { file: shown, ok: read.ok, policy_digest: digest, faults, warnings });
  if (text !== undefined) session.data(text);
  else for (const fault of faults) session.data(oneLine(faultLine(shown, fault)));
  for (const warning of warnings) session.say(`warning: ${warning}`);
  if (read.ok) session.say(`${shown}: ok, policy digest ${digest ?? ''}`);
  return read.ok ? EXIT.done : EXIT.usage;
}

/** What is allowed and hardly meant. */
function warningsOf(policy: Policy): string[] {
  const warnings: string[] = [];
  for (const [name, profile] of Object.entries(policy.profiles)) {
    const terms = termsOf(policy, name);
    if (
      terms !== undefined &&
      profile.tier0 &&
      terms.approvals.min_approvers < 2 &&
      terms.approvals.require.length < 2
    ) {
      warnings.push(`profiles.${name}: one approver is enough for a tier-0 role`);
    }
  }
  if (policy.responders.length === 0) warnings.push('responders: nobody but the parties of a ceremony can kill it');
  return warnings;
}

/** `reseal policy show [FILE]`: the file, or the policy in force. */
export async function showPolicy(session: Session, file: string | undefined): Promise<number> {
  const { policy, digest } =
    file === undefined ? await (await session.api()).policy() : await readPolicyFile(resolve(session.io.cwd, file));
  const text = await structured(session.output, { ...policy, policy_digest: digest });
  session.data(text ?? policyText(policy, digest));
  return EXIT.done;
}

function policyText(policy: Policy, digest: string): string {
  const rows = Object.keys(policy.profiles).map((name) => {
    const terms = termsOf(policy, name);
    const { min_approvers: min = 0, require: groups = [] } = terms?.approvals ?? {};
    const among = groups.map(({ group, count }) => `${count} ${group}`).join(' + ');
    return [
      name,
      `${terms?.role.name ?? ''}${terms?.tier0 === true ? ' (tier 0)' : ''}`,
      terms?.scope ?? '',
      `${formatDuration(terms?.timebox.default ?? 0)}, at most ${formatDuration(terms?.timebox.max ?? 0)}`,
      `${min}${among === '' ? '' : ` (${among})`}`,
    ].map(oneLine);
  });
  const head = `policy ${oneLine(policy.name)}  digest ${digest}`;
  const rules = `approval window ${formatDuration(policy.approval_window)}, grace ${formatDuration(policy.grace)}, tenant ${policy.tenant_id}`;
  return `${head}\n${rules}\n\n${columns(['PROFILE', 'ROLE', 'SCOPE', 'TIMEBOX', 'APPROVERS'], rows)}`;
}

async function policyPath(session: Session, file: string | undefined): Promise<string> {
  const path = file === undefined ? (await session.settings()).policyPath : resolve(session.io.cwd, file);
  if (path !== undefined) return path;
  throw new ResealError('usage', 'which policy file?', { hint: 'reseal policy lint FILE, or set RESEAL_POLICY' });
}
