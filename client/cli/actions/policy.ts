import { resolve } from 'node:path';
import { formatDuration } from '../../../domain/duration.js';
import { termsOf, type Policy } from '../../../domain/policy.js';
import { EXIT } from '../../api/exit-status.js';
import { readPolicyFile } from '../../config/policy-file.js';
import { oneLine } from '../printable.js';
import { columns, structured } from '../render.js';
import type { Session } from '../session.js';

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
