import { z } from 'zod';
import { entity, GRAPH, GraphFailure, refuse, type Answer } from './answer.js';
import { sha256 } from './applications.js';
import { logUserChange } from './audit-log.js';
import type { GraphCall } from './call.js';
import { graphTime } from './clock.js';
import type { User } from './model.js';
import { readQuery, selected } from './odata-query.js';
import { demand } from './permissions.js';
import type { Versioned } from './versioned.js';

/** user, whole; all but the default properties are returned only where $select names them. */
function wireUser(user: User): Record<string, unknown> {
  return {
    id: user.id,
    displayName: user.displayName,
    userPrincipalName: user.userPrincipalName,
    mail: null,
    accountEnabled: user.accountEnabled,
    createdDateTime: graphTime(user.createdAt),
    signInSessionsValidFromDateTime: graphTime(user.sessionsValidFrom),
    lastPasswordChangeDateTime: graphTime(user.passwordReset?.at ?? user.createdAt),
    onPremisesSyncEnabled: null,
    userType: 'Member',
  };
}

const DEFAULT_PROPERTIES = ['id', 'displayName', 'userPrincipalName', 'mail'] as const;

export function getUser(call: GraphCall, key: string): Answer {
  demand(call.caller, 'userRead');
  const options = readQuery(call.query, ['$select']);
  const user = call.tenant.user(key)?.seenBy(call.tenant.nextView(call.now)) ?? null;
  if (user === null) throw notFound(key);
  return entity(200, 'users', selected(wireUser(user), options.select ?? DEFAULT_PROPERTIES));
}

const Patch = z.strictObject({
  '@odata.type': z.string().optional(),
  accountEnabled: z.boolean().optional(),
  passwordProfile: z
    .strictObject({
      password: z.string().optional(),
      forceChangePasswordNextSignIn: z.boolean().optional(),
      forceChangePasswordNextSignInWithMfa: z.boolean().optional(),
    })
    .optional(),
});

/** PATCH: accountEnabled and passwordProfile; 204. No password is kept, but what tells whether it is a given one. */
export function patchUser(call: GraphCall, key: string): Answer {
  const parsed = Patch.safeParse(call.body);
  const patch = parsed.success ? parsed.data : {};
  if (patch.passwordProfile !== undefined) demand(call.caller, 'userPassword');
  if (patch.accountEnabled !== undefined || patch.passwordProfile === undefined) demand(call.caller, 'userEnable');
  if (!parsed.success) throw refuse('Request_BadRequest', parsed.error.issues[0]?.message ?? 'Invalid body.');
  let { user } = find(call, key);
  const by = call.caller.actor;
  if (patch.accountEnabled !== undefined) {
    user = { ...user, accountEnabled: patch.accountEnabled };
    call.tenant.putUser(call.now, user);
    const activity = patch.accountEnabled ? 'Enable account' : 'Disable account';
    logUserChange(call.tenant, user.id, activity, by, call.now);
  }
  const password = patch.passwordProfile?.password;
  if (password !== undefined)
    call.tenant.putUser(call.now, { ...user, passwordReset: { at: call.now, sha256: sha256(password) } });
  if (patch.passwordProfile !== undefined) {
    logUserChange(call.tenant, user.id, 'Reset user password', by, call.now);
  }
  return { status: 204 };
}

/** POST …/revokeSignInSessions: repeatable; moves signInSessionsValidFromDateTime to now. */
export function revokeSessions(call: GraphCall, key: string): Answer {
  demand(call.caller, 'userRevoke');
  const { user } = find(call, key);
  call.tenant.putUser(call.now, { ...user, sessionsValidFrom: call.now });
  call.tenant.revocations.push({ principalId: user.id, at: call.now, by: call.caller.actor });
  logUserChange(call.tenant, user.id, 'Update StsRefreshTokenValidFrom Timestamp', call.caller.actor, call.now);
  return { status: 200, body: { '@odata.context': `${GRAPH}/$metadata#Edm.Boolean`, value: true } };
}

function find(call: GraphCall, key: string): { cell: Versioned<User>; user: User } {
  const cell = call.tenant.user(key);
  const user = cell?.current ?? null;
  if (cell === undefined || user === null) throw notFound(key);
  return { cell, user };
}

function notFound(key: string): GraphFailure {
  return new GraphFailure(
    404,
    'Request_ResourceNotFound',
    `Resource '${key}' does not exist or one of its queried reference-property objects are not present.`,
  );
}
