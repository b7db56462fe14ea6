import { approvalWarnings } from './approval-warnings.js';
import { contractWarnings } from './contract-warnings.js';
import { onKillWarnings } from './on-kill-warnings.js';
import { hasDeadMan } from './effects/effects.js';
import type { Policy } from './policy.js';
import type { PolicyWarning, PolicyWarningCode } from './policy-warning.js';
import type { Roster } from './roster.js';
import { ruleWarnings } from './rule-warnings.js';
import { standingWarnings } from './standing-warnings.js';
import { strangerWarnings } from './stranger-warnings.js';

/** Everything weak in a policy, in the order of its members. Without a roster, what depends on people is not looked at. */
export function policyWarnings(policy: Policy, roster: Roster | null): PolicyWarning[] {
  const people = roster?.people ?? null;
  return [
    ...policyWideWarnings(policy),
    ...approvalWarnings(policy, people),
    ...ruleWarnings(policy),
    ...deadManWarnings(policy),
    ...standingWarnings(policy),
    ...onKillWarnings(policy),
    ...(people === null ? [] : strangerWarnings(policy, people)),
    ...contractWarnings(policy, roster),
  ];
}

/** Profiles whose effect outlives Reseal where all of it is down. */
function deadManWarnings({ profiles }: Policy): PolicyWarning[] {
  return Object.entries(profiles)
    .filter(([, { action }]) => !hasDeadMan(action))
    .map(([name]) => ({
      code: 'no_dead_man',
      path: ['profiles', name, 'allow_without_dead_man'],
      message: 'the directory never ends this by itself: while nothing of Reseal runs, it stands',
    }));
}

const SHORTEST_GRACE_SECONDS = 300;

function policyWideWarnings({ responders, grace, rules, limits }: Policy): PolicyWarning[] {
  const warnings: PolicyWarning[] = [];
  const warn = (code: PolicyWarningCode, path: string, message: string): void =>
    void warnings.push({ code, path: [path], message });
  if (responders.length === 0) warn('no_responders', 'responders', 'nobody but the parties of a ceremony can kill it');
  if (grace <= SHORTEST_GRACE_SECONDS) {
    const message =
      'the directory ends the grant 5m after the deadline: a removal that is tried again may still be at work then, and 10m costs little';
    warn('shortest_grace', 'grace', message);
  }
  if ((rules ?? []).length === 0)
    warn('no_rules', 'rules', 'everybody on the roster may ask for every profile, for any reason and at any hour');
  const { cooldown, max_per_user, max_per_profile } = limits ?? {};
  if ([cooldown, max_per_user, max_per_profile].every((limit) => limit === undefined))
    warn('no_limits', 'limits', 'no cooldown and no quota: the glass may be broken all day long');
  return warnings;
}
