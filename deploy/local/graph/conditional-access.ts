import { z } from 'zod';
import { ACCESS_STATES, isObject, patched, type AccessPatch, type AccessPolicy } from './access-policies.js';
import { entity, GraphFailure, refuse, type Answer } from './answer.js';
import { logPolicyChange } from './audit-log.js';
import type { GraphCall } from './call.js';
import { graphTime } from './clock.js';
import { parseFilter, type FilterSpec } from './odata-filter.js';
import { page, readQuery, selected } from './odata-query.js';
import { demand } from './permissions.js';
import { GUID_PATTERN } from './token.js';

const SET = 'identity/conditionalAccess/policies';

const FILTERS: FilterSpec<AccessPolicy> = {
  id: { ops: ['eq'], get: (p) => p.id },
  displayName: { ops: ['eq', 'startswith'], get: (p) => p.displayName },
  state: { ops: ['eq'], get: (p) => p.state },
};

export function listAccessPolicies(call: GraphCall): Answer {
  demand(call.caller, 'accessPolicyRead');
  const options = readQuery(call.query, ['$filter', '$top', '$select', '$skiptoken']);
  const filter = parseFilter(options.filter, FILTERS, 'conditionalAccessPolicy');
  const rows = call.tenant.accessPolicies.seenBy(call.tenant.nextView(call.now)).filter((p) => filter.matches(p));
  return page(SET, call.query, options, rows, wireAccessPolicy);
}

export function getAccessPolicy(call: GraphCall, id: string): Answer {
  demand(call.caller, 'accessPolicyRead');
  const options = readQuery(call.query, ['$select']);
  const seen = call.tenant.accessPolicies.seenBy(call.tenant.nextView(call.now));
  const policy = seen.find((p) => p.id === id.toLowerCase());
  if (policy === undefined) throw notFound(id);
  return entity(200, SET, selected(wireAccessPolicy(policy), options.select));
}

const Patch = z.strictObject({
  '@odata.type': z.string().optional(),
  displayName: z.string().min(1).optional(),
  description: z.string().optional(),
  state: z.enum(ACCESS_STATES).optional(),
  conditions: z.record(z.string(), z.unknown()).optional(),
  grantControls: z.record(z.string(), z.unknown()).optional(),
  sessionControls: z.record(z.string(), z.unknown()).optional(),
});

/**
 * PATCH: 204 without a body. There is no ETag and no If-Match, so the last writer wins; a policy sent back as it was read
 * (read-only members, nulls among the conditions) is a 400.
 */
export function patchAccessPolicy(call: GraphCall, id: string): Answer {
  demand(call.caller, 'accessPolicyWrite');
  const parsed = Patch.safeParse(call.body);
  if (!parsed.success) throw refuse('BadRequest', parsed.error.issues[0]?.message ?? 'Invalid body.');
  const { '@odata.type': _, ...patch } = parsed.data;
  if (hasNull(patch)) throw refuse('BadRequest', '1007: Null values are not accepted in a policy update.');
  const excluded = isObject(patch.conditions?.['users']) ? patch.conditions['users']['excludeUsers'] : undefined;
  if (excluded !== undefined) checkUsers(call, excluded);
  const before = call.tenant.accessPolicies.current(id.toLowerCase());
  if (before === null) throw notFound(id);
  const named = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  writeAccessPolicy(call.tenant, before, named, call.caller.actor, call.now);
  return { status: 204 };
}

/** Changes a policy, with the row that the directory's audit log has of it. Also for somebody else's change. */
export function writeAccessPolicy(
  tenant: GraphCall['tenant'],
  before: AccessPolicy,
  patch: AccessPatch,
  by: GraphCall['caller']['actor'],
  now: number,
): void {
  const after = patched(before, patch, now);
  tenant.accessPolicies.put(now, before.id, after);
  const told = { before: wireAccessPolicy(before), after: wireAccessPolicy(after) };
  logPolicyChange(tenant, { id: before.id, displayName: after.displayName, ...told }, by, now);
}

/** conditionalAccessPolicy */
export function wireAccessPolicy(policy: AccessPolicy): Record<string, unknown> {
  const { createdAt, modifiedAt, ...rest } = policy;
  return {
    ...rest,
    templateId: null,
    createdDateTime: graphTime(createdAt),
    modifiedDateTime: modifiedAt === null ? null : graphTime(modifiedAt),
  };
}

function checkUsers(call: GraphCall, users: unknown): void {
  const listed = z.array(z.string()).safeParse(users);
  if (!listed.success) throw refuse('BadRequest', 'excludeUsers is not a list of text.');
  for (const id of listed.data) {
    if (id === 'GuestsOrExternalUsers' || id === 'All' || id === 'None') continue;
    if (!GUID_PATTERN.test(id) || (call.tenant.user(id.toLowerCase())?.current ?? null) === null)
      throw refuse('BadRequest', `1036: Invalid user '${id}' in excludeUsers.`);
  }
}

function hasNull(value: unknown): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.some(hasNull);
  return isObject(value) && Object.values(value).some(hasNull);
}

const notFound = (id: string): GraphFailure =>
  new GraphFailure(404, 'Request_ResourceNotFound', `${id} does not exist in the directory.`);
