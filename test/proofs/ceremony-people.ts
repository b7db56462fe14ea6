import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

import type { EntryPayload, Receipt, RoleName } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema, type Policy } from '../../domain/policy.js';
import type { Request } from '../../domain/request.js';
import { rosterSchema, type Roster } from '../../domain/roster.js';
import { STATEMENT_DOMAIN, type SignalAct, type SignedStatement } from '../../domain/statement.js';
import { canonicalJson, digestOf } from '../../proofs/canonical-json.js';
import { signReceipt, type RoleKeys } from '../../proofs/receipt.js';
import { generateRoleKey, type RoleKey } from '../../proofs/role-key.js';
import { parseSshPublicKeyBlob, sshPublicKeyLine, type SshPublicKey } from '../../proofs/ssh-public-key.js';
import { sshString } from '../../proofs/ssh-wire.js';
import { signSshsig } from '../../proofs/sshsig-sign.js';

/** One person with a real key. */
export interface TestPerson {
  id: string;
  upn: string;
  object_id: string;
  publicKey: SshPublicKey;
  privateKey: KeyObject;
}

const guid = (): string =>
  randomBytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
export const newEventId = (): string => randomBytes(8).toString('hex');

export function newPerson(id: string): TestPerson {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const parsed = parseSshPublicKeyBlob(Buffer.concat([sshString('ssh-ed25519'), sshString(point)]));
  if (!parsed.ok) throw new Error(parsed.reason);
  return { id, upn: `${id}@example.com`, object_id: guid(), publicKey: parsed.key, privateKey };
}

export const alice = newPerson('alice');
export const bob = newPerson('bob');
export const carol = newPerson('carol');
export const robot = newPerson('robot');
/** Not on the roster. */
export const mallory = newPerson('mallory');

const person = ({ id, upn, object_id, publicKey }: TestPerson, groups: string[], kind = 'human') => ({
  id,
  kind,
  object_ids: [object_id],
  aliases: [upn],
  keys: [sshPublicKeyLine(publicKey)],
  groups,
});

export const roster: Roster = rosterSchema.parse({
  version: 1,
  people: [
    person(alice, ['security']),
    person(bob, ['security']),
    person(carol, ['platform']),
    person(robot, ['security', 'platform'], 'agent'),
  ],
});

export const policy: Policy = policySchema.parse({
  version: 1,
  name: 'test',
  tenant_id: guid(),
  approvals: {
    min_approvers: 2,
    require: [
      { group: 'security', count: 1 },
      { group: 'platform', count: 1 },
    ],
  },
  responders: ['group:security'],
  profiles: {
    admin: { action: 'entra.directory_role', role: { template_id: guid(), name: 'Privileged Role Administrator' } },
    reader: { action: 'entra.directory_role', role: { template_id: guid(), name: 'Global Reader' } },
  },
});
export const policyDigest = digestOf(policy);

/** When everything here begins. */
export const T0 = Date.parse('2026-11-21T10:00:00Z');

export function requestFor(options: Partial<Request> & { at?: number; by?: TestPerson } = {}): Request {
  const { at = T0, by = alice, ...overrides } = options;
  const profile = overrides.profile ?? 'admin';
  const named = policy.profiles[profile];
  const role = named !== undefined && 'role' in named ? named.role : { template_id: guid(), name: 'none' };
  return {
    event_id: newEventId(),
    profile,
    reason_code: 'incident',
    justification: 'Mail flow is down and nobody can sign in.',
    ticket: null,
    duration_seconds: 1800,
    invoker: { person: by.id, upn: by.upn },
    principal: { object_id: by.object_id, upn: by.upn },
    effect: {
      kind: 'entra.directory_role',
      tenant_id: policy.tenant_id,
      role_template_id: role.template_id,
      role_name: role.name,
      directory_scope_id: '/',
      end_sessions: true,
    },
    policy_digest: policyDigest,
    requested_at: instant(at),
    ...overrides,
  };
}

export function signPayload(signer: TestPerson, payload: string, namespace = STATEMENT_DOMAIN): SignedStatement {
  const { privateKey, publicKey } = signer;
  return {
    payload,
    signature: signSshsig({ privateKey, publicKey, message: Buffer.from(payload, 'utf8'), namespace }),
  };
}

function common(request: Request, by: TestPerson, at: number) {
  return {
    domain: STATEMENT_DOMAIN,
    event_id: request.event_id,
    request_digest: digestOf(request),
    policy_digest: request.policy_digest,
    round: 1,
    person: by.id,
    issued_at: instant(at),
    not_after: instant(at + 3600_000),
  };
}

export function signRequest(
  request: Request,
  by: TestPerson = alice,
  overrides: Record<string, unknown> = {},
): SignedStatement {
  const at = Date.parse(request.requested_at);
  return signPayload(by, canonicalJson({ ...common(request, by, at), act: 'request', request, ...overrides }));
}

export function signAct(
  by: TestPerson,
  act: SignalAct,
  request: Request,
  overrides: Record<string, unknown> = {},
  at = T0 + 60_000,
): SignedStatement {
  return signPayload(by, canonicalJson({ ...common(request, by, at), act, ...overrides }));
}

export function signReview(
  by: TestPerson,
  request: Request,
  overrides: Record<string, unknown> = {},
  at = T0 + 60_000,
): SignedStatement {
  return signPayload(by, canonicalJson({ ...common(request, by, at), act: 'review', ...overrides }));
}

const ROLE_NAMES: RoleName[] = [
  'register',
  'authority',
  'verifier',
  'effect:entra.directory_role',
  'effect:entra.sessions',
  'effect:entra.role_assignment',
  'effect:entra.account',
];
export const roleKeys = Object.fromEntries(ROLE_NAMES.map((role) => [role, generateRoleKey()])) as Record<
  RoleName,
  RoleKey
>;
export const trustedRoles = ROLE_NAMES.map((role) => ({ role, publicKey: roleKeys[role].publicKey }));
export const keyOf: RoleKeys = (keyid) => {
  const role = ROLE_NAMES.find((name) => roleKeys[name].keyid === keyid);
  return role && { role, publicKey: roleKeys[role].publicKey };
};

/** The register's word that a request was admitted. */
export const admissionOf = (request: Request, at = T0, data: Record<string, unknown> = {}): Receipt =>
  signReceipt(admissionEntry(request, at, data), roleKeys.register);

export const admissionEntry = (request: Request, at = T0, data: Record<string, unknown> = {}): EntryPayload =>
  entryOf(request.event_id, 'request', 'request', at, {
    statement: signRequest(request),
    request_digest: digestOf(request),
    policy_digest: request.policy_digest,
    person: request.invoker.person,
    method: 'software',
    rule: null,
    extra_approvers: 0,
    escalated: false,
    ...data,
  });

export const entryOf = (
  event_id: string,
  type: EntryPayload['type'],
  transition: string,
  at: number,
  data: Record<string, unknown> = {},
): EntryPayload => ({ schema: 'reseal.entry.v1', event_id, transition, type, at: instant(at), data });
