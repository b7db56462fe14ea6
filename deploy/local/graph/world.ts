import type { OutsideAssignment } from './outside-change.js';
import { applyOutside } from './outside-change.js';
import { applyAccessChange, type AccessChange } from './access-change.js';
import { FaultList, type Fault } from './faults.js';
import type { Application, Call, Eligibility, ForcedStatus, Group, RolePolicy, User } from './model.js';
import { Ring } from './ring.js';
import type { GraphSeed } from './seed.js';
import type { SignIn } from './sign-ins.js';
import { Tenant, type StoredTenant } from './tenant.js';

/** A change to one tenant's settings or records, kept as data so that tenants made later get it too. */
export type TenantChange =
  | { readonly kind: 'lag'; readonly ms: number }
  | { readonly kind: 'audit_latency'; readonly ms: number }
  | { readonly kind: 'clock'; readonly advance_ms: number }
  | { readonly kind: 'assignment'; readonly input: OutsideAssignment }
  | { readonly kind: 'eligibility'; readonly eligibility: Omit<Eligibility, 'startsAt'>; readonly remove: boolean }
  | { readonly kind: 'user'; readonly user: Omit<User, 'createdAt' | 'sessionsValidFrom'> }
  | { readonly kind: 'access_policy'; readonly change: AccessChange }
  | { readonly kind: 'sign_in'; readonly signIn: Omit<SignIn, 'at'>; readonly at: number | null }
  | { readonly kind: 'application'; readonly application: Application }
  | { readonly kind: 'group'; readonly group: Group }
  | { readonly kind: 'license'; readonly premium: boolean }
  | { readonly kind: 'policy'; readonly roleId: string | null; readonly policy: Partial<RolePolicy> };

export interface StoredWorld {
  version: 1;
  tenants: StoredTenant[];
  faults: readonly Fault[];
  statuses: ForcedStatus[];
  changes: TenantChange[];
  stray_calls: Call[];
  seq: number;
  last_used: string | null;
}

const STRAY_CALLS_KEPT = 500;

/** All tenants, and what applies to all of them. */
export class World {
  faults = new FaultList();
  /** Forced statuses for whichever tenant comes next; a tenant's own come first. */
  statuses: ForcedStatus[] = [];
  /** Calls that named no tenant. */
  strayCalls = new Ring<Call>(STRAY_CALLS_KEPT);
  private tenants = new Map<string, Tenant>();
  private changes: TenantChange[] = [];
  private seq = 0;
  private lastUsed: string | null = null;

  constructor(
    private readonly seed: GraphSeed,
    stored?: StoredWorld,
  ) {
    if (stored === undefined) return;
    this.faults = new FaultList(stored.faults);
    this.statuses = stored.statuses;
    this.changes = stored.changes;
    this.seq = stored.seq;
    this.lastUsed = stored.last_used;
    this.strayCalls = new Ring(STRAY_CALLS_KEPT, stored.stray_calls);
    for (const tenant of stored.tenants) this.tenants.set(tenant.id, new Tenant(tenant.id, seed, tenant));
  }

  /** The tenant, made on first use; where the caller names its time, the tenant's clock follows it. */
  tenant(id: string, callerTime: number | null = null): Tenant {
    const known = this.tenants.get(id);
    if (known !== undefined) {
      if (callerTime !== null) known.clock.follow(callerTime);
      return known;
    }
    const made = new Tenant(id, this.seed);
    this.tenants.set(id, made);
    if (callerTime !== null) made.clock.follow(callerTime);
    for (const change of this.changes) apply(made, change);
    return made;
  }

  /** Changes one tenant, or every tenant there is and will be. Returns the ids of those changed now. */
  change(change: TenantChange, tenantId: string | null): string[] {
    const changed = tenantId === null ? [...this.tenants.values()] : [this.tenant(tenantId)];
    if (tenantId === null) this.changes.push(change);
    for (const tenant of changed) apply(tenant, change);
    return changed.map((tenant) => tenant.id);
  }

  list(): readonly Tenant[] {
    return [...this.tenants.values()];
  }

  /** Tenant time of the most recently used tenant; real time while there is none. */
  now(): number {
    const last = this.lastUsed === null ? undefined : this.tenants.get(this.lastUsed);
    return last?.clock.now() ?? Date.now();
  }

  /** Counts calls in the order of arrival over all tenants. */
  nextSeq(tenantId: string | null): number {
    if (tenantId !== null) this.lastUsed = tenantId;
    this.seq += 1;
    return this.seq;
  }

  takeStatus(tenant: Tenant): ForcedStatus | null {
    return tenant.statuses.shift() ?? this.statuses.shift() ?? null;
  }

  /** Forgets one tenant, which starts anew on its next use, or everything. */
  reset(tenantId: string | null): void {
    if (tenantId !== null) {
      this.tenants.delete(tenantId);
      this.faults.clear(tenantId);
      return;
    }
    this.tenants.clear();
    this.faults.clear();
    this.statuses = [];
    this.changes = [];
    this.strayCalls = new Ring(STRAY_CALLS_KEPT);
    this.lastUsed = null;
  }

  toJSON(): StoredWorld {
    return {
      version: 1,
      tenants: this.list().map((tenant) => tenant.toJSON()),
      faults: this.faults.list(),
      statuses: this.statuses,
      changes: this.changes,
      stray_calls: this.strayCalls.toJSON(),
      seq: this.seq,
      last_used: this.lastUsed,
    };
  }
}

function apply(tenant: Tenant, change: TenantChange): void {
  const now = tenant.clock.now();
  switch (change.kind) {
    case 'lag':
      tenant.lagMs = change.ms;
      return;
    case 'audit_latency':
      tenant.auditLatencyMs = change.ms;
      return;
    case 'clock':
      tenant.clock.advance(change.advance_ms);
      return;
    case 'assignment':
      applyOutside(tenant, change.input, now);
      return;
    case 'eligibility':
      tenant.eligibilities = tenant.eligibilities.filter((e) => e.id !== change.eligibility.id);
      if (!change.remove) tenant.eligibilities.push({ ...change.eligibility, startsAt: now });
      return;
    case 'user':
      tenant.putUser(now, { ...change.user, createdAt: now, sessionsValidFrom: now });
      return;
    case 'access_policy':
      return applyAccessChange(tenant, change.change, now);
    case 'sign_in':
      tenant.signIns.push({ ...change.signIn, at: change.at ?? now });
      return;
    case 'group':
      tenant.groups.set(change.group.id, change.group);
      return;
    case 'application':
      tenant.putApplication(now, change.application);
      return;
    case 'license':
      tenant.premiumLicense = change.premium;
      return;
    case 'policy':
      if (change.roleId === null) tenant.policy = { ...tenant.policy, ...change.policy };
      else tenant.rolePolicies[change.roleId] = { ...tenant.rolePolicies[change.roleId], ...change.policy };
  }
}
