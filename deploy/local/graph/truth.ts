import { wireAccessPolicy } from './conditional-access.js';
import { stands } from './model.js';
import type { Tenant } from './tenant.js';
import type { World } from './world.js';

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * What really stands, whatever a lagging read may show: of one tenant, or of all. Each tenant is judged at its own
 * time; `now` is that of the tenant asked for, else of the one used last.
 */
export function truth(world: World, tenantId: string | null): Record<string, unknown> {
  const tenants = tenantId === null ? world.list() : [world.tenant(tenantId)];
  const calls = tenants.flatMap((tenant) => tenant.calls.list());
  if (tenantId === null) calls.push(...world.strayCalls.list());
  return {
    now: iso(tenantId === null ? world.now() : (tenants[0]?.clock.now() ?? Date.now())),
    assignments: tenants.flatMap(standing),
    sessions_revoked: tenants.flatMap((tenant) =>
      tenant.revocations.map((r) => ({
        principal_id: r.principalId,
        at: iso(r.at),
        tenant_id: tenant.id,
        by_app: r.by.kind === 'app' ? r.by.id : null,
      })),
    ),
    access_policies: tenants.flatMap((tenant) =>
      tenant.accessPolicies
        .seenBy({ now: tenant.clock.now(), lagMs: 0 })
        .map((policy) => ({ ...wireAccessPolicy(policy), tenant_id: tenant.id })),
    ),
    applications: tenants.flatMap(applications),
    accounts: tenants.flatMap(accounts),
    calls: calls.sort((a, b) => a.seq - b.seq),
  };
}

function applications(tenant: Tenant): Record<string, unknown>[] {
  return [...tenant.allApplications()].flatMap(({ current }) =>
    current === null
      ? []
      : {
          id: current.id,
          app_id: current.appId,
          tenant_id: tenant.id,
          passwords: current.passwords.map(({ keyId, displayName, secretSha256 }) => ({
            key_id: keyId,
            display_name: displayName,
            secret_sha256: secretSha256,
          })),
        },
  );
}

function accounts(tenant: Tenant): Record<string, unknown>[] {
  return [...tenant.allUsers()].flatMap(({ current }) =>
    current === null
      ? []
      : {
          id: current.id,
          tenant_id: tenant.id,
          enabled: current.accountEnabled,
          password_sha256: current.passwordReset?.sha256 ?? null,
        },
  );
}

function standing(tenant: Tenant): Record<string, unknown>[] {
  const now = tenant.clock.now();
  const found: Record<string, unknown>[] = [];
  for (const cell of tenant.allSchedules(null)) {
    const s = cell.current;
    if (s === null || !stands(s, now)) continue;
    found.push({
      principal_id: s.principalId,
      role_definition_id: s.roleDefinitionId,
      directory_scope_id: s.directoryScopeId,
      starts_at: iso(s.startsAt),
      ends_at: s.endsAt === null ? null : iso(s.endsAt),
      ticket_number: s.ticketNumber,
      tenant_id: tenant.id,
      via: s.origin,
      created_by_app: s.createdBy.kind === 'app' ? s.createdBy.id : null,
      created_by_user: s.createdBy.kind === 'user' ? s.createdBy.id : null,
    });
  }
  return found;
}
