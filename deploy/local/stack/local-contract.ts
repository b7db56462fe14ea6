import { ANY_PRINCIPAL, KILL_TRIGGERS, contractSchema, type Contract } from '../../../domain/contract.js';
import { effectOf, listOfKind, objectOfEffect, toolsOf } from '../../../domain/effects/effects.js';
import { TARGET_LISTS, type TargetList } from '../../../domain/effects/kind.js';
import { instant } from '../../../domain/identifiers.js';
import { contractActionsOf } from '../../../domain/on-kill.js';
import type { Policy } from '../../../domain/policy.js';

/** The series of a local stack's contracts, and of its rosters. */
export const LOCAL_SERIES = 'local';

/** What a kill always does. */
const ALWAYS = ['revoke_warrant', 'halt_job', 'reseal'] as const;

const HOUR_MS = 3600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/**
 * The contract section that a policy without one gets on the local stack: a year from this hour, every tenant and role
 * that its profiles name, and everybody on the roster.
 */
export function localContract(
  { tenant_id, profiles }: Pick<Policy, 'tenant_id' | 'profiles'>,
  { version, nowMs }: { version: number; nowMs: number },
): Contract {
  const from = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  const named = Object.values(profiles);
  const onKill = named.flatMap(({ on_kill }) => (on_kill === undefined ? [] : contractActionsOf(on_kill)));
  const kinds = [...new Set(named.map(({ action }) => action))];
  const effects = named.map((profile) => effectOf(profile, profile.tenant_id ?? tenant_id));
  const objectsIn = (list: TargetList): string[] => [
    ...new Set(effects.filter(({ kind }) => listOfKind(kind) === list).map((effect) => objectOfEffect(effect).id)),
  ];
  // A list that the file says nothing of stays absent: `allowed_roles` alone is always there.
  const lists = TARGET_LISTS.filter((list) => list === 'allowed_roles' || objectsIn(list).length > 0);
  return contractSchema.parse({
    series: LOCAL_SERIES,
    version,
    valid_from: instant(from),
    valid_until: instant(from + YEAR_MS),
    token_ttl: '2m',
    no_renew_without_reapproval: true,
    execution: {
      runtime: 'reseal',
      tools_allowlist: kinds.flatMap(toolsOf),
      tools_denylist: ['shell.exec', 'tools.elevated'],
      target_constraints: {
        tenant_ids: [...new Set(named.map((profile) => profile.tenant_id ?? tenant_id))],
        allowed_principals: [ANY_PRINCIPAL],
        ...Object.fromEntries(lists.map((list) => [list, objectsIn(list)])),
      },
      elevated: false,
    },
    network: { model_calls_must_use: 'clawproxy' },
    kill_switch: { triggers: KILL_TRIGGERS, on_trigger: [...new Set([...ALWAYS, ...onKill])] },
    audit: { require_gateway_receipts: false, emit_proof_bundle: true },
  });
}
