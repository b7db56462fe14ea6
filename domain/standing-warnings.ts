import type { Policy } from './policy.js';
import type { PolicyWarning } from './policy-warning.js';
import { tier0Role } from './tier0-roles.js';

/** Standing rules that open a tier-0 profile: nobody is asked, and nothing of it is in any ceremony. */
export function standingWarnings({ standing = [], profiles }: Policy): PolicyWarning[] {
  const tier0 = Object.entries(profiles)
    .filter(([, profile]) => profile.tier0 || tier0Role(profile) !== undefined)
    .map(([name]) => name);
  return standing.flatMap((rule, index): PolicyWarning[] => {
    const open = tier0.filter((name) => rule.profiles.length === 0 || rule.profiles.includes(name));
    if (open.length === 0) return [];
    const all = rule.profiles.length === 0 ? ', because it names no profiles and so opens all' : '';
    const message = `${rule.name} gives a session as ${open.join(', ')} (tier-0) with nobody's approval${all}`;
    return [{ code: 'tier0_standing', path: ['standing', index], message }];
  });
}
