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
    calls: calls.sort((a, b) => a.seq - b.seq),
  };
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
