import { Versioned, type ReplicaView, type StoredVersions } from './versioned.js';

/** A plain JSON object, as a policy's conditions are. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const ACCESS_STATES = ['enabled', 'disabled', 'enabledForReportingButNotEnforced'] as const;
export type AccessState = (typeof ACCESS_STATES)[number];

/** A Conditional Access policy. Times are epoch milliseconds of tenant time. */
export interface AccessPolicy {
  readonly id: string;
  readonly displayName: string;
  readonly description: string | null;
  readonly state: AccessState;
  readonly createdAt: number;
  readonly modifiedAt: number | null;
  readonly conditions: JsonObject;
  readonly grantControls: JsonObject | null;
  readonly sessionControls: JsonObject | null;
}

/** What of a policy can be written. */
export type AccessPatch = Partial<Omit<AccessPolicy, 'id' | 'createdAt' | 'modifiedAt'>>;

/** The Conditional Access policies of one tenant, each with its recent past. */
export class AccessPolicies {
  private readonly cells = new Map<string, Versioned<AccessPolicy>>();

  constructor(stored: readonly StoredVersions<AccessPolicy>[] = []) {
    for (const one of stored) {
      const cell = Versioned.revive(one);
      const id = cell.current?.id ?? one.versions.findLast(({ value }) => value !== null)?.value?.id;
      if (id !== undefined) this.cells.set(id, cell);
    }
  }

  seenBy(view: ReplicaView): AccessPolicy[] {
    return [...this.cells.values()].map((cell) => cell.seenBy(view)).filter((policy) => policy !== null);
  }

  current(id: string): AccessPolicy | null {
    return this.cells.get(id)?.current ?? null;
  }

  put(at: number, id: string, policy: AccessPolicy | null): void {
    const cell = this.cells.get(id);
    if (cell !== undefined) cell.put(at, policy);
    else if (policy !== null) this.cells.set(id, Versioned.of(at, policy));
  }

  toJSON(): StoredVersions<AccessPolicy>[] {
    return [...this.cells.values()].map((cell) => cell.toJSON());
  }
}

/**
 * The policy after a PATCH, as the service merges one: objects are merged member by member, arrays are replaced whole, and
 * what is not named keeps its value.
 */
export function patched(policy: AccessPolicy, patch: AccessPatch, now: number): AccessPolicy {
  return { ...(merged({ ...policy }, patch) as unknown as AccessPolicy), id: policy.id, modifiedAt: now };
}

function merged(before: JsonObject, patch: JsonObject): JsonObject {
  const after: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    const old = before[name];
    after[name] = isObject(value) && isObject(old) ? merged(old, value) : value;
  }
  return after;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A policy as an administrator of the tenant would have made it: everybody, all applications, a second factor. */
export function usualPolicy(id: string, displayName: string, now: number): AccessPolicy {
  return {
    id,
    displayName,
    description: null,
    state: 'enabled',
    createdAt: now,
    modifiedAt: null,
    conditions: {
      clientAppTypes: ['all'],
      signInRiskLevels: [],
      userRiskLevels: [],
      servicePrincipalRiskLevels: [],
      platforms: null,
      locations: null,
      devices: null,
      clientApplications: null,
      applications: {
        includeApplications: ['All'],
        excludeApplications: [],
        includeUserActions: [],
        includeAuthenticationContextClassReferences: [],
        applicationFilter: null,
      },
      users: {
        includeUsers: ['All'],
        excludeUsers: [],
        includeGroups: [],
        excludeGroups: [],
        includeRoles: [],
        excludeRoles: [],
        includeGuestsOrExternalUsers: null,
        excludeGuestsOrExternalUsers: null,
      },
    },
    grantControls: {
      operator: 'OR',
      builtInControls: ['mfa'],
      customAuthenticationFactors: [],
      termsOfUse: [],
    },
    sessionControls: null,
  };
}
