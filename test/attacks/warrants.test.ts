import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import { SIGNING_ROLES, type SigningRole } from '../../domain/roles.js';
import type { Evidence } from '../../domain/tasks.js';
import { warrantClaimsSchema, type WarrantClaims } from '../../domain/warrant.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { evidenceDigest } from '../../proofs/evidence.js';
import { makeMarker } from '../../proofs/marker.js';
import { generateRoleKey, type RoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { mintWarrant, scopeHashOf, signWarrant } from '../../proofs/warrant.js';
import { keyOf, readRoleContext } from '../../workers/role-context.js';
import { Attacker, type Got } from '../support/attacker.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import type { Intent } from '../../domain/intent.js';

const EFFECT = 'effect:entra.directory_role';

/** What the effect was asked in a ceremony that was granted, as anybody with the payload key reads it in its history. */
interface GrantInput {
  signed: SignedIntent;
  evidence: Evidence;
  warrant: string;
  first: boolean;
}

let stack: CeremonyStack;
let attacker: Attacker;
/** Stolen, where a test says so. */
let keys: Record<SigningRole, RoleKey>;
/** Ended: closed by its invoker, and the role removed. */
let ended: { asked: Asked; input: GrantInput };
/** Still granted. */
let active: { asked: Asked; input: GrantInput };

async function granted(): Promise<{ asked: Asked; input: GrantInput }> {
  const asked = await stack.activate();
  const [input] = await attacker.inputsOf(asked.event, 'apply');
  return { asked, input: input as unknown as GrantInput };
}

beforeAll(async () => {
  stack = await CeremonyStack.start();
  attacker = new Attacker(stack);
  const { settings, database } = stack.stack;
  const context = await readRoleContext(settings, database, () => undefined);
  keys = Object.fromEntries(SIGNING_ROLES.map((role) => [role, keyOf(context, role)])) as typeof keys;
  ended = await granted();
  active = await granted();
  await stack.advance(ended.asked.event, '6m');
  await stack.say(ended.asked, 'alice', 'close');
  await stack.advanceToEnd(ended.asked.event);
});
afterAll(() => stack.stop());

const claimsOf = (token: string): WarrantClaims =>
  warrantClaimsSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')));
const part = (value: unknown): string => Buffer.from(canonicalJson(value), 'utf8').toString('base64url');
/** Claims changed and signed with the authority's own key. */
function saying(token: string, over: Partial<WarrantClaims>): Promise<string> {
  const claims = { ...claimsOf(token), ...over };
  return signWarrant({ ...claims, token_scope_hash_b64u: scopeHashOf(claims) }, keys.authority);
}

const outcomeOf = (got: Got): string => {
  if ('failed' in got) return got.failed;
  const { outcome, code } = got.completed as { outcome: string; code?: string };
  return code ?? outcome;
};
const tryToGrant = async (over: Partial<Record<keyof GrantInput, unknown>>, afterSeconds = 0): Promise<string> =>
  outcomeOf(await attacker.run(EFFECT, 'apply', { ...ended.input, ...over }, afterSeconds));

/** Grants, dry runs too, that ever reached Graph in the tenant of the ceremony that has ended. */
async function grantCalls(): Promise<number> {
  const { calls } = await stack.graph.truth(ended.asked.tenant);
  return calls.filter(({ action }) => action === 'adminAssign').length;
}

/** Nothing stands there, and nothing was even asked for. */
async function grantsNothing(attempt: () => Promise<void>): Promise<void> {
  const before = await grantCalls();
  await attempt();
  expect(await grantCalls()).toBe(before);
  expect((await stack.graph.truth(ended.asked.tenant)).assignments).toEqual([]);
}

describe('whoever has every argument of a grant that has ended, and schedules it for themselves', () => {
  it('is refused with its own warrant, once that is over', () =>
    grantsNothing(async () => {
      expect(await tryToGrant({}, 180)).toBe('warrant_expired');
      expect(await tryToGrant({ first: false }, 180)).toBe('warrant_expired');
      expect(await tryToGrant({ warrant: null })).toBe('warrant_expired');
    }));

  it('is given no other by the authority, whose end mark stands', async () => {
    const got = await attacker.run('authority', 'issue', ended.input.evidence);
    expect(got).toMatchObject({ completed: { outcome: 'refused', code: 'end_mark_stands' } });
    expect(JSON.stringify(got)).not.toContain('"warrant"');
  });

  it('is refused with a warrant of another event, which stands', () =>
    grantsNothing(async () => {
      const fresh = await attacker.run('authority', 'issue', active.input.evidence);
      const { warrant } = (fresh as { completed: { warrant: string } }).completed;
      expect(claimsOf(warrant).mission_id).toBe(active.asked.event);
      expect(await tryToGrant({ warrant })).toBe('warrant_foreign');
      expect(await tryToGrant({ warrant, evidence: active.input.evidence })).not.toBe('granted');
      expect(await tryToGrant({ warrant, signed: active.input.signed })).not.toBe('granted');
    }));

  it('is refused with claims edited, `alg: none`, or an HMAC under the public key', () =>
    grantsNothing(async () => {
      const [header, payload, signature] = ended.input.warrant.split('.');
      const longer = { ...claimsOf(ended.input.warrant), exp: Math.floor(Date.now() / 1000) + 600 };
      expect(await tryToGrant({ warrant: `${header}.${part(longer)}.${signature}` })).toBe('warrant_not_signed');
      const none = part({ alg: 'none', kid: keys.authority.keyid, typ: 'reseal-warrant+jwt' });
      expect(await tryToGrant({ warrant: `${none}.${part(longer)}.` })).toBe('warrant_malformed');
      const hmac = part({ alg: 'HS256', kid: keys.authority.keyid, typ: 'reseal-warrant+jwt' });
      const secret = keys.authority.publicKey.export({ type: 'spki', format: 'pem' });
      const mac = createHmac('sha256', secret).update(`${hmac}.${payload}`).digest('base64url');
      expect(await tryToGrant({ warrant: `${hmac}.${payload}.${mac}` })).toBe('warrant_malformed');
    }));

  it.each(SIGNING_ROLES.filter((role) => role !== 'authority'))('is refused with one by the key of %s', (role) =>
    grantsNothing(async () => {
      const now = Date.now();
      const mine = await mintWarrant(ended.input.signed.intent, keys[role], now);
      expect(await tryToGrant({ warrant: mine })).toBe('warrant_not_signed');
      const posing = { ...keys[role], keyid: keys.authority.keyid };
      expect(await tryToGrant({ warrant: await mintWarrant(ended.input.signed.intent, posing, now) })).toBe(
        'warrant_not_signed',
      );
    }),
  );

  it('is refused with one by a key of their own', () =>
    grantsNothing(async () => {
      const warrant = await mintWarrant(ended.input.signed.intent, generateRoleKey(), Date.now());
      expect(await tryToGrant({ warrant })).toBe('warrant_not_signed');
    }));

  it('is refused with arguments that are none', () =>
    grantsNothing(async () => {
      for (const input of [null, {}, { ...ended.input, signed: {} }, { ...ended.input, warrant: { alg: 'none' } }]) {
        expect(outcomeOf(await attacker.run(EFFECT, 'apply', input))).toBe('input_malformed');
      }
      expect(outcomeOf(await attacker.run(EFFECT, 'apply ', ended.input))).not.toBe('granted');
    }));
});

describe("whoever has stolen the authority's key as well", () => {
  it('is refused with a warrant for another role, round, target, direction or time', () =>
    grantsNothing(async () => {
      const now = Math.floor(Date.now() / 1000);
      const token = ended.input.warrant;
      const { reseal } = claimsOf(token);
      const inForce = { iat: now, exp: now + 120 };
      const other = active.input.signed.intent.tuple;
      const others: Partial<WarrantClaims>[] = [
        { aud: 'effect:entra.sessions' },
        { reseal: { ...reseal, round: 2 } },
        { reseal: { ...reseal, tuple: other } },
        { reseal: { ...reseal, direction: 'reduce' } },
        { reseal: { ...reseal, deadline: instant(Date.now() + 86_400_000) } },
        { mission_id: active.asked.event },
      ];
      for (const over of others)
        expect(await tryToGrant({ warrant: await saying(token, { ...inForce, ...over }) })).toBe('warrant_foreign');
      const days = await saying(token, { iat: now, exp: now + 86_400 });
      expect(await tryToGrant({ warrant: days })).toBe('warrant_malformed');
    }));

  it('is refused without the signatures of people, whatever is minted', () =>
    grantsNothing(async () => {
      const { signed, evidence } = ended.input;
      const now = Date.now();
      const forge = async (approvals: Evidence['approvals'], over: object = {}) => {
        const told = { ...evidence, approvals };
        const deadline = instant(now + 1800_000);
        const times = { issued_at: instant(now), deadline, dead_man: instant(now + 2400_000) };
        const event_id = told.event_id;
        const marker = makeMarker({ event_id, deadline, tuple: signed.intent.tuple }, keys.authority.privateKey);
        const intent = { ...signed.intent, ...times, marker, evidence_digest: evidenceDigest(told), ...over } as Intent;
        const warrant = await mintWarrant(intent, keys.authority, now);
        return { signed: signIntent(intent, keys.authority), evidence: told, warrant };
      };
      expect(await tryToGrant(await forge([]))).toBe('quorum_not_met');
      expect(await tryToGrant(await forge(evidence.approvals.slice(0, 1)))).toBe('quorum_not_met');
      expect(await tryToGrant(await forge([], { quorum: 'immediate' }))).toBe('quorum_not_met');
      const foreign = await forge(active.input.evidence.approvals);
      expect(await tryToGrant(foreign)).toBe('quorum_not_met');
      const wider = { ...signed.intent.tuple, principal_id: active.input.signed.intent.tuple.tenant_id };
      expect(await tryToGrant(await forge(evidence.approvals, { tuple: wider }))).toBe('intent_foreign');
      const later = await forge(evidence.approvals, { deadline: instant(now + 86_400_000) });
      expect(await tryToGrant(later)).toBe('intent_foreign');
    }));
});

describe('a removal', () => {
  it('passes with the intent alone, long after every warrant is over: anybody may end a privilege', async () => {
    const { signed } = active.input;
    const got = await attacker.run(EFFECT, 'rollback', { signed, round: 1 }, 3600);
    expect(got).toMatchObject({ completed: { outcome: 'removed' } });
    expect((await stack.graph.truth(active.asked.tenant)).assignments).toEqual([]);
  });
});
