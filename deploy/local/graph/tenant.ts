import { AccessPolicies, type AccessPolicy } from './access-policies.js';
import type { AuditRow } from './audit-log.js';
import { TenantClock, type StoredClock } from './clock.js';
import { over } from './model.js';
import type { Application, Call, Eligibility, ForcedStatus, Group, PimRequest, RolePolicy, Schedule } from './model.js';
import type { SessionRevocation, Tuple, User } from './model.js';
import { Ring } from './ring.js';
import { TupleIndex, type StoredCell } from './tuple-index.js';
import type { SignIn } from './sign-ins.js';
import { BUILT_IN_ROLES, type GraphSeed, type SeedRole } from './seed.js';
import { replicaLag, Versioned, type ReplicaView, type StoredVersions } from './versioned.js';

export const DEFAULT_POLICY: RolePolicy = {
  max_active_duration: 'PT8H',
  max_activation_duration: 'PT8H',
  require_justification: true,
  require_ticket: false,
  require_mfa: false,
  authentication_context: null,
  resource_locked: false,
};

const CALLS_KEPT = 5000;
const AUDITS_KEPT = 20_000;

/** Everything about a tenant that survives a restart. */
export interface StoredTenant {
  id: string;
  clock: StoredClock;
  lag_ms: number;
  audit_latency_ms: number;
  premium_license: boolean;
  reads: number;
  users: StoredVersions<User>[];
  /** Absent in a file of an earlier version. */
  applications?: StoredVersions<Application>[];
  schedules: StoredCell<Schedule>[];
  requests: StoredCell<PimRequest>[];
  eligibilities: Eligibility[];
  audits: AuditRow[];
  revocations: SessionRevocation[];
  policy: Partial<RolePolicy>;
  role_policies: Record<string, Partial<RolePolicy>>;
  statuses: ForcedStatus[];
  calls: Call[];
  /** Absent in what an earlier version wrote. */
  access_policies?: StoredVersions<AccessPolicy>[];
  groups?: Group[];
  sign_ins?: SignIn[];
}

/** One simulated directory: its records, their indexes, its clock and its settings. No rules live here. */
export class Tenant {
  readonly clock: TenantClock;
  readonly roles: readonly Required<SeedRole>[];
  readonly calls: Ring<Call>;
  readonly audits: AuditRow[];
  readonly accessPolicies: AccessPolicies;
  readonly signIns: SignIn[];
  readonly groups: Map<string, Group>;
  readonly revocations: SessionRevocation[];
  readonly statuses: ForcedStatus[];
  readonly rolePolicies: Record<string, Partial<RolePolicy>>;
  eligibilities: Eligibility[];
  policy: Partial<RolePolicy>;
  lagMs: number;
  auditLatencyMs: number;
  premiumLicense: boolean;
  private reads: number;
  private readonly users = new Map<string, Versioned<User>>();
  private readonly applications = new Map<string, Versioned<Application>>();
  private readonly schedules: TupleIndex<Schedule>;
  private readonly requests: TupleIndex<PimRequest>;

  constructor(
    readonly id: string,
    seed: GraphSeed,
    stored?: StoredTenant,
  ) {
    this.clock = new TenantClock(stored?.clock);
    this.roles = (seed.roleDefinitions ?? BUILT_IN_ROLES).map((role) => ({
      ...role,
      id: role.id.toLowerCase(),
      templateId: (role.templateId ?? role.id).toLowerCase(),
      description: role.description ?? role.displayName,
      isBuiltIn: role.isBuiltIn ?? true,
    }));
    this.calls = new Ring(CALLS_KEPT, stored?.calls);
    this.audits = stored?.audits ?? [];
    this.accessPolicies = new AccessPolicies(stored?.access_policies);
    this.signIns = stored?.sign_ins ?? [];
    this.groups = new Map((stored?.groups ?? []).map((group) => [group.id, group]));
    this.revocations = stored?.revocations ?? [];
    this.statuses = stored?.statuses ?? [];
    this.policy = stored?.policy ?? {};
    this.rolePolicies = stored?.role_policies ?? {};
    this.eligibilities = stored?.eligibilities ?? [];
    this.lagMs = stored?.lag_ms ?? 0;
    this.auditLatencyMs = stored?.audit_latency_ms ?? 120_000;
    this.premiumLicense = stored?.premium_license ?? true;
    this.reads = stored?.reads ?? 0;
    this.schedules = new TupleIndex(stored?.schedules);
    this.requests = new TupleIndex(stored?.requests);
    for (const cell of stored?.users ?? []) this.indexUser(Versioned.revive(cell));
    for (const kept of stored?.applications ?? []) {
      const cell = Versioned.revive(kept);
      if (cell.current !== null) this.applications.set(cell.current.id, cell);
    }
    if (stored === undefined) {
      for (const user of seed.users) {
        this.putUser(0, {
          id: user.id.toLowerCase(),
          userPrincipalName: user.userPrincipalName,
          displayName: user.displayName,
          accountEnabled: user.accountEnabled ?? true,
          createdAt: 0,
          sessionsValidFrom: 0,
        });
      }
    }
  }

  /** The view of the replica that answers the next read. */
  nextView(now: number): ReplicaView {
    this.reads += 1;
    return { now, lagMs: replicaLag(this.reads, this.lagMs) };
  }

  /** A role by directory id or template id. */
  role(id: string): Required<SeedRole> | undefined {
    return this.roles.find((role) => role.id === id || role.templateId === id);
  }

  policyOf(roleId: string): RolePolicy {
    return { ...DEFAULT_POLICY, ...this.policy, ...this.rolePolicies[roleId] };
  }

  /** A user by object id or user principal name. */
  user(key: string): Versioned<User> | undefined {
    const wanted = key.toLowerCase();
    const byId = this.users.get(wanted);
    if (byId !== undefined) return byId;
    for (const cell of this.users.values()) {
      if (cell.current?.userPrincipalName.toLowerCase() === wanted) return cell;
    }
    return undefined;
  }

  putUser(at: number, user: User): void {
    const cell = this.users.get(user.id);
    if (cell === undefined) this.indexUser(Versioned.of(at, user));
    else cell.put(at, user);
  }

  allUsers(): Iterable<Versioned<User>> {
    return this.users.values();
  }

  /** An application by its object id. */
  application(id: string): Versioned<Application> | undefined {
    return this.applications.get(id.toLowerCase());
  }

  putApplication(at: number, application: Application): void {
    const cell = this.applications.get(application.id);
    if (cell === undefined) this.applications.set(application.id, Versioned.of(at, application));
    else cell.put(at, application);
  }

  allApplications(): Iterable<Versioned<Application>> {
    return this.applications.values();
  }

  schedule(id: string): Versioned<Schedule> | undefined {
    return this.schedules.get(id);
  }

  putSchedule(at: number, schedule: Schedule): Versioned<Schedule> {
    return this.schedules.put(at, schedule);
  }

  request(id: string): Versioned<PimRequest> | undefined {
    return this.requests.get(id);
  }

  putRequest(at: number, request: PimRequest): Versioned<PimRequest> {
    return this.requests.put(at, request);
  }

  /** The schedule of a tuple that stands or is still to come, as the write path knows it. */
  currentSchedule(tuple: Tuple, now: number): Versioned<Schedule> | null {
    const cells = this.schedules.ofTuple(tuple);
    for (let i = cells.length - 1; i >= 0; i -= 1) {
      const cell = cells[i];
      const value = cell?.current ?? null;
      if (cell !== undefined && value !== null && !over(value, now)) return cell;
    }
    return null;
  }

  requestsOfTuple(tuple: Tuple): readonly Versioned<PimRequest>[] {
    return this.requests.ofTuple(tuple);
  }

  allSchedules(principalId: string | null): Iterable<Versioned<Schedule>> {
    return this.schedules.all(principalId);
  }

  allRequests(principalId: string | null): Iterable<Versioned<PimRequest>> {
    return this.requests.all(principalId);
  }

  log(row: AuditRow): void {
    this.audits.push(row);
    if (this.audits.length > AUDITS_KEPT) this.audits.splice(0, AUDITS_KEPT / 10);
  }

  toJSON(): StoredTenant {
    return {
      id: this.id,
      clock: this.clock.toJSON(),
      lag_ms: this.lagMs,
      audit_latency_ms: this.auditLatencyMs,
      premium_license: this.premiumLicense,
      reads: this.reads,
      users: [...this.users.values()].map((cell) => cell.toJSON()),
      applications: [...this.applications.values()].map((cell) => cell.toJSON()),
      schedules: this.schedules.toJSON(),
      requests: this.requests.toJSON(),
      eligibilities: this.eligibilities,
      audits: this.audits,
      revocations: this.revocations,
      policy: this.policy,
      role_policies: this.rolePolicies,
      statuses: this.statuses,
      calls: this.calls.toJSON(),
      access_policies: this.accessPolicies.toJSON(),
      sign_ins: this.signIns,
      groups: [...this.groups.values()],
    };
  }

  private indexUser(cell: Versioned<User>): void {
    const user = cell.current;
    if (user !== null) this.users.set(user.id, cell);
  }
}
