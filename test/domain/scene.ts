import type { Receipt } from '../../domain/entry.js';
import type { SignedIntent } from '../../domain/intent.js';
import { instant } from '../../domain/identifiers.js';
import { ON_KILL_TRIGGERS, type OnKill } from '../../domain/on-kill.js';
import type { Terms } from '../../domain/policy.js';
import type { PersonFacts } from '../../domain/quorum.js';
import type { Request } from '../../domain/request.js';
import type { ActStatement, SignalAct } from '../../domain/statement.js';
import type { VerifiedStatement } from '../../domain/verdict.js';
import type { Said } from '../../domain/hearing.js';
import type { IntentOf } from '../../domain/intent.js';

/** The people, the request and the answers that the tests of the pure rules share. */

export const T0 = Date.parse('2026-03-01T12:00:00.000Z');
export const SECOND = 1000;
/** Everything that a kill can call for. */
export const ON_KILL: OnKill = {
  triggers: [...ON_KILL_TRIGGERS],
  end_sessions: true,
  report_granted: true,
  rotate: [
    { kind: 'application_secret', application_id: 'a9900000-0000-4000-8000-000000000001', sink: 'vault' },
    { kind: 'user_password', user_id: 'a11ce000-0000-4000-8000-00000000000a', sink: 'vault' },
  ],
  disable_account: true,
};

export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const EVENT = '0123456789abcdef';
export const REQUEST_DIGEST = 'a'.repeat(64);
export const POLICY_DIGEST = 'b'.repeat(64);

const guid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
export const TENANT = guid(0xfe);
export const ROLE = guid(0xaa);
export const PRINCIPAL = guid(0x70);

/** A hex digest that is the same for the same text and differs for different ones. Not a hash anybody relies on. */
export function digestOf(text: string): string {
  let out = '';
  for (let lane = 0; lane < 8; lane += 1) {
    let h = 0x811c9dc5 ^ (lane * 0x9e3779b1);
    for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193 + lane * 2);
    out += (h >>> 0).toString(16).padStart(8, '0');
  }
  return out;
}

export const person = (id: string, n: number, groups: string[], more: Partial<PersonFacts> = {}): PersonFacts => ({
  id,
  kind: 'human',
  object_ids: [guid(n)],
  aliases: [`${id}@example.test`],
  groups,
  ...more,
});

export const alice = person('alice', 1, ['oncall']);
export const bob = person('bob', 2, ['security']);
export const carol = person('carol', 3, ['platform']);
export const dave = person('dave', 4, ['security', 'platform']);
export const erin = person('erin', 5, ['platform']);
/** The principal under a roster name that says nothing of it. */
export const pat = person('pat', 0x70, ['security', 'platform']);
export const sam = person('sam', 6, ['soc']);
export const robot = person('robot', 7, ['security', 'platform'], { kind: 'agent' });
export const zed = person('zed', 8, ['visitors']);
export const PEOPLE = [alice, bob, carol, dave, erin, pat, sam, robot, zed];

const ROLE_NAME = 'Privileged Role Administrator';
export const ROLE_OF_PROFILE = { template_id: ROLE, name: ROLE_NAME };

export const TERMS: Terms = {
  profile: 'global-admin',
  effect: {
    kind: 'entra.directory_role',
    tenant_id: TENANT,
    role_template_id: ROLE,
    role_name: ROLE_NAME,
    directory_scope_id: '/',
    end_sessions: true,
  },
  tier0: true,
  timebox: { default: 1800, max: 14400 },
  approval_window: 1800,
  grace: 600,
  approvals: {
    min_approvers: 2,
    approvers: ['group:security', 'group:platform'],
    require: [
      { group: 'security', count: 1 },
      { group: 'platform', count: 1 },
    ],
  },
  responders: ['group:soc'],
  review_after: 24 * 3600,
};

export const REQUEST: Request = {
  event_id: EVENT,
  profile: 'global-admin',
  reason_code: 'incident',
  justification: 'The identity provider is down and nobody can sign in.',
  ticket: 'INC-1',
  duration_seconds: 1800,
  invoker: { person: 'alice', upn: 'alice@example.test' },
  principal: { object_id: PRINCIPAL, upn: 'pat@example.test' },
  effect: {
    kind: 'entra.directory_role',
    tenant_id: TENANT,
    role_template_id: ROLE,
    role_name: 'Privileged Role Administrator',
    directory_scope_id: '/',
    end_sessions: true,
  },
  policy_digest: POLICY_DIGEST,
  requested_at: instant(T0),
};

export const envelopeOf = (text: string): { payload: string; signature: string } => ({
  payload: `{"said":"${text}"}`,
  signature: `signature of ${text}`.padEnd(40, '.'),
});

export const receipt = (transition: string): Receipt => ({
  transition,
  envelope: { payloadType: 'test', payload: 'e30=', signatures: [{ keyid: 'c'.repeat(64), sig: 'AA==' }] },
});

type RoleIntent = IntentOf<'entra.directory_role'>;

export const intentUntil = (
  deadlineMs: number,
  over: Partial<RoleIntent> = {},
): SignedIntent & { intent: RoleIntent } => ({
  intent: {
    schema: 'reseal.intent.v1',
    event_id: EVENT,
    round: 1,
    kind: 'entra.directory_role',
    tuple: { tenant_id: TENANT, principal_id: PRINCIPAL, role_template_id: ROLE, directory_scope_id: '/' },
    end_sessions: true,
    request_digest: REQUEST_DIGEST,
    policy_digest: POLICY_DIGEST,
    evidence_digest: 'd'.repeat(64),
    quorum: 'full',
    issued_at: instant(deadlineMs - 1800 * SECOND),
    deadline: instant(deadlineMs),
    dead_man: instant(deadlineMs + 600 * SECOND),
    marker: { ticket_system: 'reseal', ticket_number: EVENT, justification: 'marker' },
    ...over,
  },
  envelope: receipt('intent').envelope,
});

export const statementOf = (who: string, act: SignalAct, atMs: number, over: Partial<ActStatement> = {}) => ({
  domain: 'reseal-statement-v1' as const,
  event_id: EVENT,
  request_digest: REQUEST_DIGEST,
  policy_digest: POLICY_DIGEST,
  round: 1 as const,
  person: who,
  issued_at: instant(atMs),
  not_after: instant(atMs + 4 * HOUR),
  act,
  ...over,
});

/** What the signature check says of a good statement. `nonce` tells two statements of the same words apart. */
export function verified(
  who: PersonFacts,
  act: SignalAct,
  atMs: number,
  over: Partial<ActStatement> = {},
  nonce = '',
): VerifiedStatement {
  const statement = statementOf(who.id, act, atMs, over);
  const text = JSON.stringify(statement) + nonce;
  return {
    ok: true,
    digest: digestOf(`sent ${text}`),
    statement_digest: digestOf(`said ${text}`),
    statement,
    person: who,
    method: 'software',
  };
}

/** A person speaking under the right name, the signature good. */
export function says(
  who: PersonFacts,
  act: SignalAct,
  atMs: number,
  over: Partial<ActStatement> = {},
  nonce = '',
): { type: 'heard' } & Said {
  const checked = verified(who, act, atMs, over, nonce);
  return { type: 'heard', signal: act, envelope: envelopeOf(`${who.id} ${act} ${nonce}`), checked };
}
