import { z } from 'zod';

import type { PolicyReach } from '../../../domain/effective-policy.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';

/** Conditional Access policies, Graph v1.0 (conditionalAccessPolicy). The API takes one request a second in all of a tenant. */
export const ACCESS_POLICIES = '/identity/conditionalAccess/policies';

const text = z.string().nullish();
const ids = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const usersSchema = z.looseObject({
  includeUsers: ids,
  excludeUsers: ids,
  includeGroups: ids,
  excludeGroups: ids,
  includeRoles: ids,
  excludeRoles: ids,
});

/** Everything that a policy says is kept, since the whole of it is compared; what is acted on is named. */
const wireSchema = z.looseObject({
  id: z.string().toLowerCase(),
  displayName: text,
  state: z.string(),
  modifiedDateTime: text,
  conditions: z.looseObject({ users: usersSchema }),
});

/** One policy as it was read. */
export interface AccessPolicy {
  readonly id: string;
  readonly name: string;
  readonly reach: PolicyReach;
  /** When it was last changed, epoch ms; null where it never was, or Graph does not say. */
  readonly modified_at: number | null;
  /** SHA-256 of all that it says, whatever the order of members and lists; times and annotations are left out. */
  readonly digest: string;
  /** The same without its state and the users that it leaves out: what no effect of Reseal's touches. */
  readonly rest_digest: string;
}

/** Reads one policy. Its list of users may come from a replica that is minutes behind: `modified_at` tells. */
export async function readAccessPolicy(graph: GraphSession, policyId: string): Promise<GraphAnswer<AccessPolicy>> {
  const answer = await graph.read(`${ACCESS_POLICIES}/${encodeURIComponent(policyId)}`, wireSchema);
  return answer.ok ? { ok: true, value: accessPolicy(answer.value) } : answer;
}

/** All policies of a tenant. */
export async function readAccessPolicies(graph: GraphSession): Promise<GraphAnswer<AccessPolicy[]>> {
  const answer = await graph.readAll(ACCESS_POLICIES, wireSchema);
  return answer.ok ? { ok: true, value: answer.value.map(accessPolicy) } : answer;
}

/** The same from a text, such as the audit log carries; undefined where it is none. Anybody's text: never throws. */
export function parseAccessPolicy(json: string | null | undefined): AccessPolicy | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
  const parsed = wireSchema.safeParse(value);
  return parsed.success ? accessPolicy(parsed.data) : undefined;
}

function accessPolicy(wire: z.output<typeof wireSchema>): AccessPolicy {
  const { users } = wire.conditions;
  const { excludeUsers: _, ...otherUsers } = users;
  const rest = { ...wire, state: null, conditions: { ...wire.conditions, users: otherUsers } };
  const modified = Date.parse(wire.modifiedDateTime ?? '');
  return {
    id: wire.id,
    name: wire.displayName ?? '',
    reach: {
      state: wire.state,
      include_users: users.includeUsers,
      exclude_users: users.excludeUsers,
      include_groups: users.includeGroups,
      exclude_groups: users.excludeGroups,
      include_roles: users.includeRoles,
      exclude_roles: users.excludeRoles,
    },
    modified_at: Number.isNaN(modified) ? null : modified,
    digest: digestOfJson(wire),
    rest_digest: digestOfJson(rest),
  };
}

/** Not RFC 8785, which refuses what another administrator may have written: a policy that cannot be hashed could not be ended. */
const digestOfJson = (value: unknown): string => sha256Hex(JSON.stringify(ordered(value)));

/** Members and lists in one order, without annotations (`@odata.…`) and times, which say nothing of what a policy does. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => JSON.stringify(ordered(item)) ?? '');
    return items.sort();
  }
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name]) => !name.includes('@') && name !== 'modifiedDateTime' && name !== 'createdDateTime',
  );
  return kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, ordered(member)]);
}
