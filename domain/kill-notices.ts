import type { EntryPayload } from './entry.js';
import type { Notice } from './notice-facts.js';

/**
 * What of a kill's actions somebody must look at: what the principal gave to others, and what a role would not do. What was
 * done as wanted calls for nobody.
 *
 * An entry may come from a newer version: never throws.
 */
export function noticesOfKillAction({ type, transition, at, data }: EntryPayload): Notice[] {
  const finding = (code: string, detail: string): Notice[] => [
    { type: 'finding', transition, at, facts: { code, detail: detail.slice(0, 500) } },
  ];
  const { total, result, code, target_id, runtime } = data;
  if (type === 'granted_listed') {
    if (typeof total !== 'number' || total === 0) return [];
    const things = total === 1 ? 'one thing' : `${total} things`;
    return finding('granted_to_others', `the principal gave ${things} to others: reseal breakglass check has the list`);
  }
  if (result !== 'refused') return [];
  const what = WHAT[type]?.(word(type === 'job_halted' ? runtime : target_id)) ?? type;
  return finding('kill_action_refused', `${what}: ${word(code)}`);
}

const WHAT: Readonly<Partial<Record<EntryPayload['type'], (target: string) => string>>> = {
  account_disabled: () => 'disable the account',
  credential_rotated: (target) => `rotate ${target}`,
  job_halted: (target) => `have jobs halted by ${target}`,
};

const word = (value: unknown): string => (typeof value === 'string' ? value : 'unknown');
