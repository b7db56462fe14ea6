import { wantedApprovers, type Approvals } from './approvals.js';
import { isNamed } from './parties.js';
import { heardAndCounted, type Policy, type Profile } from './policy.js';
import type { PolicyWarning, PolicyWarningCode } from './policy-warning.js';
import { quorumOf } from './quorum.js';
import type { Person } from './roster.js';
import { tier0Role } from './tier0-roles.js';

/** Hardware keys of OpenSSH say so in their type: `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`. */
const isSoftwareKey = (key: string): boolean => !key.trim().startsWith('sk-');

/** What is weak in who approves. What profiles take from the policy's default is told once, there. */
export function approvalWarnings(policy: Policy, people: readonly Person[] | null): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  const profiles = Object.entries(policy.profiles);
  if (policy.approvals !== undefined && profiles.some(([, { approvals }]) => approvals === undefined))
    warnings.push(...ofApprovals(policy.approvals, ['approvals'], people));
  for (const [name, profile] of profiles) {
    const path = ['profiles', name];
    if (profile.approvals !== undefined)
      warnings.push(...ofApprovals(profile.approvals, [...path, 'approvals'], people));
    warnings.push(...ofProfile(policy, profile, path, people));
  }
  return warnings;
}

function ofApprovals(approvals: Approvals, path: string[], people: readonly Person[] | null): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  const warn = (code: PolicyWarningCode, message: string): void => void warnings.push({ code, path, message });
  if (wantedApprovers(approvals) === 1) warn('quorum_of_one', 'one approver is enough: one stolen key is, too');
  if (people === null) return warnings;
  const pool = poolOf(approvals, people);
  const quorum = quorumOf(approvals, pool);
  if (!quorum.met && approvals.immediate === undefined) {
    const lacking = quorum.missing.map((group) => `, nobody for ${group}`).join('');
    warn(
      'quorum_cannot_be_met',
      `of ${quorum.want} wanted the roster has ${pool.length}${lacking}: nothing can ever be approved`,
    );
  }
  return warnings;
}

function ofProfile(
  policy: Policy,
  profile: Profile,
  path: string[],
  people: readonly Person[] | null,
): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  const warn = (code: PolicyWarningCode, member: string, message: string): void =>
    void warnings.push({ code, path: [...path, ...(member === '' ? [] : [member])], message });
  const approvals = profile.approvals ?? policy.approvals;
  if (approvals === undefined) return warnings;
  const known = tier0Role(profile);
  if (!profile.tier0 && known !== undefined)
    warn('tier0_not_said', 'role', `holders of ${known} can change who holds roles: say tier0: true`);
  const asked = profile.approvals === undefined ? '' : 'approvals';
  if (profile.tier0 && approvals.fallback !== undefined)
    warn('tier0_fallback', asked, 'whoever waits long enough has a tier-0 role with fewer approvers');
  if (profile.tier0 && people !== null && softwareAlone(approvals, people))
    warn(
      'tier0_software_keys',
      asked,
      'software keys alone make the quorum of a tier-0 role: give its approvers hardware keys (sk-…) and no others',
    );
  if (approvals.immediate !== undefined)
    warn(
      'immediate_profile',
      'approvals',
      `${approvals.immediate.join(', ')} may have this role with nobody's approval`,
    );
  if ((approvals.immediate ?? approvals.fallback) !== undefined && (policy.notices ?? []).length === 0)
    warn('nobody_told', asked, 'granted with fewer approvers than usual, and no channel in notices is told');
  if (approvals.delivery !== undefined) {
    const [requested, extending] = (['requested', 'extension_requested'] as const).map((type) =>
      heardAndCounted(policy, approvals, type),
    );
    if (requested?.length === 1)
      warn('delivery_by_one_channel', asked, `while ${requested.join()} takes no notices, nothing can be approved`);
    if (extending?.length === 0)
      warn(
        'delivery_of_no_extension',
        asked,
        'no channel that counts hears of `extension_requested`: nothing can be extended',
      );
  }
  return warnings;
}

/** Everybody who could ever approve: agents never count. */
const poolOf = ({ approvers }: Approvals, people: readonly Person[]): Person[] =>
  people.filter((person) => person.kind === 'human' && isNamed(approvers, person));

/** Whether those who can sign with a key that is only a file are a quorum by themselves. */
function softwareAlone(approvals: Approvals, people: readonly Person[]): boolean {
  return quorumOf(
    approvals,
    poolOf(approvals, people).filter(({ keys }) => keys.some(isSoftwareKey)),
  ).met;
}
