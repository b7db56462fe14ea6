import { GraphFailure } from './answer.js';

/**
 * Who calls. The simulator accepts bearer tokens of the local form
 *
 *   sim.<tenant guid>.<app guid>.<permissions joined by "+">       app-only; no permissions named = all of them
 *   sim.<tenant guid>.user:<object id>[:mfa][:acrs].<permissions>  delegated: a signed-in user, for self… actions
 *
 * which carry no secret and mean nothing anywhere else.
 */
export interface Caller {
  readonly tenantId: string;
  readonly actor: Actor;
  /** null = every permission. */
  readonly permissions: ReadonlySet<string> | null;
  readonly mfa: boolean;
  readonly acrs: boolean;
}

/** Who did something: becomes createdBy and the initiator of audit rows. */
export interface Actor {
  readonly kind: 'app' | 'user';
  readonly id: string;
}

const GUID = '[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}';
const TOKEN = new RegExp(
  `^Bearer sim\\.(${GUID})\\.(?:(${GUID})|user:(${GUID})(:mfa)?(:acrs)?)(?:\\.([A-Za-z.+-]*))?$`,
);
export const GUID_PATTERN = new RegExp(`^${GUID}$`);

/**
 * Reads the Authorization header, which anyone may send: a missing or garbled one is a 401
 * `InvalidAuthenticationToken`, never an exception of another kind.
 */
export function readCaller(authorization: string | undefined): Caller {
  if (authorization === undefined || authorization === '') {
    throw new GraphFailure(401, 'InvalidAuthenticationToken', 'Access token is empty.');
  }
  const match = TOKEN.exec(authorization);
  const [, tenantId, appId, userId, mfa, acrs, permissions] = match ?? [];
  const id = appId ?? userId;
  if (tenantId === undefined || id === undefined) {
    throw new GraphFailure(401, 'InvalidAuthenticationToken', 'IDX14100: JWT is not well formed.');
  }
  return {
    tenantId: tenantId.toLowerCase(),
    actor: { kind: appId === undefined ? 'user' : 'app', id: id.toLowerCase() },
    permissions: permissions === undefined || permissions === '' ? null : new Set(permissions.split('+')),
    mfa: mfa !== undefined,
    acrs: acrs !== undefined,
  };
}
