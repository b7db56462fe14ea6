import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { usualPolicy, type AccessPatch } from './access-policies.js';
import { writeAccessPolicy } from './conditional-access.js';
import type { AccessPolicyBody, SignInBody } from './control-schemas.js';
import type { SignIn } from './sign-ins.js';
import type { Tenant } from './tenant.js';
import type { Actor } from './token.js';

/** Somebody else's change to a Conditional Access policy: it is made where it is not there yet. */
export interface AccessChange {
  readonly id: string;
  readonly displayName: string | null;
  readonly patch: AccessPatch;
  readonly by: Actor;
  readonly remove: boolean;
}

export function applyAccessChange(tenant: Tenant, change: AccessChange, now: number): void {
  if (change.remove) return tenant.accessPolicies.put(now, change.id, null);
  const { id, displayName } = change;
  const known = tenant.accessPolicies.current(id);
  if (known === null) tenant.accessPolicies.put(now, id, usualPolicy(id, displayName ?? 'Require MFA', now));
  const before = tenant.accessPolicies.current(id);
  const patch = displayName === null ? change.patch : { ...change.patch, displayName };
  if (before !== null && (known !== null || Object.keys(patch).length > 0))
    writeAccessPolicy(tenant, before, patch, change.by, now);
}

/** What the control API was told, as a change. Lists are replaced whole; what is not named stays. */
export function accessChange(body: Omit<z.infer<typeof AccessPolicyBody>, 'tenant'>, otherAdmin: string): AccessChange {
  const users = defined({
    includeUsers: body.include_users,
    excludeUsers: body.exclude_users,
    excludeGroups: body.exclude_groups,
  });
  const controls = body.built_in_controls;
  const patch = defined({
    state: body.state,
    conditions: Object.keys(users).length === 0 ? undefined : { users },
    grantControls: controls === undefined ? undefined : { builtInControls: controls },
  });
  const by =
    body.created_by_app !== null
      ? ({ kind: 'app', id: body.created_by_app } as const)
      : ({ kind: 'user', id: body.created_by_user ?? otherAdmin } as const);
  return { id: body.id, displayName: body.display_name ?? null, patch, by, remove: body.remove };
}

export function signInOf(body: Omit<z.infer<typeof SignInBody>, 'tenant' | 'at'>): Omit<SignIn, 'at'> {
  return {
    id: body.id ?? randomUUID(),
    userId: body.user_id,
    userPrincipalName: body.user_principal_name ?? '',
    appId: body.app_id ?? 'c44b4083-3bb0-49c1-b47d-974e53cbdf3c',
    appDisplayName: body.app_display_name,
    ipAddress: body.ip_address,
    conditionalAccessStatus: body.conditional_access_status,
    errorCode: body.error_code,
    policies: body.policies,
  };
}

const defined = <T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
