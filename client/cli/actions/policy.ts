import { nameOf, objectOfEffect } from '../../../domain/effects/effects.js';
import { resolve } from 'node:path';
import { formatDuration } from '../../../domain/duration.js';
import type { Limits } from '../../../domain/limits.js';
import { listText } from '../../../domain/list-text.js';
import { termsOf, type Policy, type Terms } from '../../../domain/policy.js';
import type { PolicyRule } from '../../../domain/policy-rules.js';
import { conditionText } from '../../../domain/rule-match.js';
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
    return [
      name,
      `${terms === undefined ? '' : nameOf(terms.effect)}${terms?.tier0 === true ? ' (tier 0)' : ''}`,
      terms === undefined ? '' : objectOfEffect(terms.effect).scope,
      `${formatDuration(terms?.timebox.default ?? 0)}, at most ${formatDuration(terms?.timebox.max ?? 0)}`,
      terms === undefined ? '' : approvalsText(terms.approvals),
    ].map(oneLine);
  });
  const head = [
    `policy ${oneLine(policy.name)}  digest ${digest}`,
    `approval window ${formatDuration(policy.approval_window)}, grace ${formatDuration(policy.grace)}, tenant ${policy.tenant_id}`,
    ...(policy.limits === undefined ? [] : [`limits: ${limitsText(policy.limits)}`]),
  ].join('\n');
  const profiles = columns(['PROFILE', 'ROLE', 'SCOPE', 'TIMEBOX', 'APPROVERS'], rows, { widest: 60 });
  return [head, profiles, ...rulesText(policy.rules ?? [])].join('\n\n');
}

function approvalsText({ min_approvers: min, require, immediate, fallback }: Terms['approvals']): string {
  if (immediate !== undefined) return `none: at once for ${listText(immediate)}`;
  const among = require.map(({ group, count }) => `${count} ${group}`).join(' + ');
  const later = fallback === undefined ? '' : `, ${fallback.min_approvers} after ${formatDuration(fallback.after)}`;
  return `${min}${among === '' ? '' : ` (${among})`}${later}`;
}

function limitsText({ cooldown, quota_window, max_per_user, max_per_profile, escalation_threshold }: Limits): string {
  const window = formatDuration(quota_window);
  const told = [
    cooldown === undefined ? undefined : `${formatDuration(cooldown)} between two of one person and profile`,
    max_per_user === undefined ? undefined : `${max_per_user} a person in ${window}`,
    max_per_profile === undefined ? undefined : `${max_per_profile} a profile in ${window}`,
    escalation_threshold === undefined ? undefined : `told from ${escalation_threshold} a person in ${window} on`,
  ].filter((limit) => limit !== undefined);
  return told.length === 0 ? 'none' : told.join('; ');
}

function rulesText(rules: readonly PolicyRule[]): string[] {
  if (rules.length === 0) return [];
  const conditions = ['profile', 'person', 'reason_code', 'duration', 'time'] as const;
  const rows = rules.map((rule) => [rule.name, ...conditions.map((condition) => conditionText(rule, condition))]);
  const heads = ['RULE', 'PROFILES', 'WHO', 'REASONS', 'DURATION', 'TIME'];
  return [
    columns(
      heads,
      rows.map((row) => row.map(oneLine)),
      { widest: 80 },
    ),
  ];
}
