import type { DecidableEvent, DecideInput } from '../../domain/decide.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema, type Policy } from '../../domain/policy.js';
import { personSchema, type Person } from '../../domain/roster.js';

/** A Wednesday. */
export const NOW = Date.parse('2026-03-04T12:00:00.000Z');
export const HOUR = 3_600_000;
const TENANT = '7d2f6c1e-93ab-4c58-8e0d-1b5a4f7c9e21';
const ROLE = { template_id: '194ae4cb-b126-40b2-bd5b-6091b380977d', name: 'Security Administrator' };
export const DANA_DAILY = 'da4a0000-0000-4000-8000-000000000001';
export const DANA_ADMIN = 'da4a0000-0000-4000-8000-000000000002';
export const SOMEBODY = 'eeee0000-0000-4000-8000-000000000003';
export const DIGEST = 'ab'.repeat(32);

export function policyWith(standing?: unknown[]): Policy {
  const profile = { action: 'entra.directory_role', role: ROLE };
  return policySchema.parse({
    version: 1,
    name: 'test',
    tenant_id: TENANT,
    approvals: { min_approvers: 1, approvers: ['group:security'] },
    profiles: { 'security-admin': profile, other: profile },
    ...(standing === undefined ? {} : { standing }),
  });
}

/** Two accounts, three names. */
export const dana: Person = personSchema.parse({
  id: 'dana',
  kind: 'human',
  object_ids: [DANA_DAILY, DANA_ADMIN],
  aliases: ['dana@corp.example', 'dana.admin@corp.example'],
  groups: ['on-call'],
});

/** Dana's ceremony: approved, seen, and good for half an hour more. */
export function standingEvent(over: Partial<DecidableEvent> = {}): DecidableEvent {
  return {
    event_id: '0123456789abcdef',
    profile: 'security-admin',
    principal_id: DANA_ADMIN,
    state: 'active',
    quorum: 'full',
    approvals_wanted: 1,
    expires_at: instant(NOW + HOUR / 2),
    tenant_id: TENANT,
    role: ROLE.name,
    directory_scope_id: '/',
    object_id: ROLE.template_id,
    now: instant(NOW),
    proof: 'ledger',
    doubt: null,
    ...over,
  };
}

export function question(over: Partial<DecideInput> = {}): DecideInput {
  const asked = { policy_digest: DIGEST, profile: 'security-admin', events: [], now_ms: NOW };
  return { policy: policyWith(), person: dana, ...asked, ...over };
}
