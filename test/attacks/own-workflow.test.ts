import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventReader } from '../../activities/register/events.js';
import { readTrustRoots } from '../../client/config/trust-roots.js';
import { ceremonyWorkflowId, instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { OnKill } from '../../domain/on-kill.js';
import { TASK_QUEUES, type Role } from '../../domain/roles.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { Evidence } from '../../domain/tasks.js';
import { verifyAttempts } from '../../proofs/attempts-ledger.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { Attacker, type Got } from '../support/attacker.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { testPolicy } from '../support/people.js';
import { RawTemporal } from '../support/raw-temporal.js';
import { entriesOf, ledgerOf } from '../support/records.js';
import { signWith, signWithStranger } from '../support/signing.js';
import type { Intent } from '../../domain/intent.js';

const EFFECT = 'effect:entra.directory_role';
/** The attacker's own key: no role's. */
const liar = generateRoleKey();

let stack: CeremonyStack;
let attacker: Attacker;
let raw: RawTemporal;
/** Granted, by alice for herself. */
let active: Asked;
let grant: { signed: SignedIntent; evidence: Evidence; warrant: string; first: boolean };
/** Waits for approvals; nobody has spoken. */
let waiting: Asked;
let evidence: Evidence;

beforeAll(async () => {
  stack = await CeremonyStack.start({ policyYaml: `${testPolicy()}limits: { cooldown: 1h }\n` });
  attacker = new Attacker(stack);
  raw = new RawTemporal(stack);
  active = await stack.activate();
  const [input] = await attacker.inputsOf(active.event, 'apply');
  grant = input as unknown as typeof grant;
  waiting = await stack.ask();
  const [first] = await eventReader(stack.stack.database).ledgerOf(waiting.event);
  if (first === undefined) throw new Error('the ledger is empty');
  const admission = { transition: 'request', envelope: first.body };
  evidence = { event_id: waiting.event, request: waiting.envelope, approvals: [], admission };
});
afterAll(() => stack.stop());

const outcomeOf = (got: Got): string => {
  if ('failed' in got) return got.failed;
  const { outcome, code } = (got.completed ?? {}) as { outcome?: string; code?: string };
  return code ?? outcome ?? 'answered';
};
const run = async (role: Role, activity: string, input: unknown): Promise<string> =>
  outcomeOf(await attacker.run(role, activity, input));

/** An approval as a person would sign it, of `request` unless said otherwise. */
const approval = (person: string, over: Record<string, unknown> = {}): SignedStatement =>
  signWith(stack.keyOf(person), {
    ...stack.common(waiting.event, waiting.request_digest, person, Date.now()),
    act: 'approve',
    ...over,
  });

/** What really stands in a tenant, and how often somebody asked for a grant there. */
async function truthOf({ tenant }: Asked) {
  const { assignments, calls, sessions_revoked } = await stack.graph.truth(tenant);
  return { assignments, sessions_revoked, grants: calls.filter(({ action }) => action === 'adminAssign').length };
}

describe("the authority's `issue`, with evidence of the attacker's choice", () => {
  const edited = (): { request: Record<string, unknown>; digest: string } => {
    const request = { ...waiting.request, duration_seconds: 14_400 };
    return { request, digest: digestOf(request) };
  };
  const CHOSEN: Record<string, () => Partial<Evidence>> = {
    'no approvals': () => ({}),
    'one person twice': () => ({
      approvals: [approval('bob'), approval('bob', { issued_at: instant(Date.now() - 5000) })],
    }),
    'the invoker among the approvers': () => ({ approvals: [approval('alice'), approval('bob')] }),
    'the approvals of another ceremony': () => ({ approvals: grant.evidence.approvals }),
    'approvals of an edited request': () => {
      const over = { request_digest: edited().digest };
      return { approvals: [approval('bob', over), approval('carol', over)] };
    },
    'an edited request under the old signature': () => {
      const said = JSON.parse(waiting.envelope.payload) as Record<string, unknown>;
      const { request, digest } = edited();
      const payload = JSON.stringify({ ...said, request, request_digest: digest });
      const over = { request_digest: digest };
      return {
        request: { ...waiting.envelope, payload },
        approvals: [approval('bob', over), approval('carol', over)],
      };
    },
    'approvals by keys of their own': () => ({
      approvals: ['bob', 'carol'].map((person) =>
        signWithStranger({
          ...stack.common(waiting.event, waiting.request_digest, person, Date.now()),
          act: 'approve',
        }),
      ),
    }),
    'approvals that have run out': () => {
      const over = { issued_at: instant(Date.now() - 7200_000), not_after: instant(Date.now() - 3600_000) };
      return { approvals: [approval('bob', over), approval('carol', over)] };
    },
    'approvals under another policy': () => {
      const over = { policy_digest: '0'.repeat(64) };
      return { approvals: [approval('bob', over), approval('carol', over)] };
    },
    'an admission of another event': () => ({
      approvals: [approval('bob'), approval('carol')],
      admission: grant.evidence.admission,
    }),
    'an admission by a key of their own': () => {
      const { payload } = evidence.admission.envelope;
      const told = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as Parameters<typeof signReceipt>[0];
      return { approvals: [approval('bob'), approval('carol')], admission: signReceipt(told, liar) };
    },
  };

  it.each(Object.keys(CHOSEN))('%s: is refused, and the journal holds nothing', async (name) => {
    const got = await attacker.run('authority', 'issue', { ...evidence, ...CHOSEN[name]?.() });
    expect(got).toMatchObject({ completed: { outcome: 'refused', standing: null } });
    expect(await attacker.run('authority', 'recall', { event_id: waiting.event })).not.toMatchObject({
      completed: { signed: expect.anything() as unknown },
    });
    expect(await truthOf(waiting)).toMatchObject({ assignments: [], grants: 0 });
  });
});

describe('the roles with a Graph identity, with times and targets of the attacker’s choice', () => {
  const intentWith = (over: object): SignedIntent => {
    const { intent } = grant.signed;
    return signIntent({ ...intent, ...over }, liar);
  };
  const tupleWith = (principal_id: string) => ({ tuple: { ...grant.signed.intent.tuple, principal_id } });
  const CHOSEN: Record<string, () => SignedIntent> = {
    'a later deadline': () => intentWith({ deadline: instant(Date.now() + 86_400_000) }),
    'another principal': () => intentWith(tupleWith('11111111-0000-4000-8000-000000000000')),
    'an intent edited under the old signature': () => ({
      ...grant.signed,
      intent: { ...grant.signed.intent, ...tupleWith('11111111-0000-4000-8000-000000000000') } as Intent,
    }),
  };

  it.each(Object.keys(CHOSEN))('%s: nothing is granted, removed or ended, and nothing is signed', async (name) => {
    const signed = CHOSEN[name]?.();
    const before = await truthOf(active);
    expect(await run(EFFECT, 'apply', { ...grant, signed })).not.toBe('granted');
    expect(await run(EFFECT, 'rollback', { signed, round: 1 })).toBe('intent_not_authentic');
    expect(await run('effect:entra.sessions', 'endSessions', { signed })).toBe('intent_not_authentic');
    const survey = { holders: [], principal_assignments: [] };
    expect(await run('verifier', 'verify', { signed, survey })).toBe('intent_not_authentic');
    expect(await run('verifier', 'audit', { signed, ended_at: instant(Date.now()) })).toBe('intent_not_authentic');
    expect(await truthOf(active)).toEqual(before);
  });
});

describe('what a kill does besides the reseal, for a ceremony whose policy says nothing of it', () => {
  it('rotates, disables and lists nothing: neither for the intent that stands nor for one that says so', async () => {
    const { intent } = grant.signed;
    const application_id = 'a9900000-0000-4000-8000-000000000001';
    const on_kill: OnKill = {
      triggers: ['operator_statement'],
      end_sessions: true,
      report_granted: true,
      rotate: [{ kind: 'application_secret', application_id, sink: 'local' }],
      disable_account: true,
    };
    const said = signIntent({ ...intent, on_kill }, liar);
    const edited = { ...grant.signed, intent: { ...intent, on_kill } };
    const before = await truthOf(active);
    for (const signed of [said, edited]) {
      expect(await run('effect:entra.credentials', 'rotate', { signed, index: 0 })).toBe('intent_not_authentic');
      expect(await run('effect:entra.account', 'disableAccount', { signed })).toBe('intent_not_authentic');
      const until = instant(Date.now());
      const listing = { signed, until, settled: false };
      expect(await run('verifier', 'listGranted', listing)).toBe('intent_not_authentic');
    }
    const { signed } = grant;
    expect(await run('effect:entra.credentials', 'rotate', { signed, index: 0 })).toBe('rotation_unknown');
    expect(await run('effect:entra.account', 'disableAccount', { signed })).toBe('not_in_the_intent');
    expect(await truthOf(active)).toEqual(before);
  });
});

describe('the register, with bytes of the attacker’s choice', () => {
  it('an admission signed by nobody is refused and kept among the refusals', async () => {
    const asked = stack.prepare();
    const envelope = signWithStranger(JSON.parse(asked.envelope.payload));
    expect(await run('register', 'admit', { event_id: asked.event, run_id: 'x', envelope })).toBe('bad_signature');
    expect(await eventReader(stack.stack.database).refusalOf(asked.event)).toMatchObject({ code: 'bad_signature' });
  });

  it('entries that no role signed, or that a ceremony may not tell of itself, are not in the ledger', async () => {
    const before = await ledgerOf(stack, active.event);
    const at = instant(Date.now());
    const entry = (type: 'confirmed' | 'end_mark' | 'intent') =>
      ({ schema: 'reseal.entry.v1', event_id: active.event, transition: type, type, at, data: {} }) as const;
    const items = [
      signReceipt(entry('confirmed'), liar),
      signReceipt(entry('end_mark'), liar),
      { transition: 'confirmed', draft: entry('confirmed') },
      { transition: 'end_mark', draft: entry('end_mark') },
    ];
    await run('register', 'append', { event_id: active.event, items, view: {} });
    expect(await ledgerOf(stack, active.event)).toEqual(before);
  });

  it('a review by nobody, and a history that no secret vouches for, count for nothing', async () => {
    const review = signWithStranger({ act: 'review', event_id: active.event });
    expect(await attacker.run('register', 'review', { event_id: active.event, envelope: review })).toMatchObject({
      completed: { outcome: 'refused' },
    });
    const lines = [{ line: 1, text: '{"event":"breakglass.invoked"}' }];
    const got = await attacker.run('register', 'importHistory', { lines, dry_run: false, skip_invalid: true });
    expect(got).toMatchObject({ completed: { imported: 0 } });
  });
});

describe('a ceremony that is started past every client of ours', () => {
  const startRaw = async (asked: Asked, over: Record<string, unknown> = {}): Promise<void> => {
    const input = await raw.value({ event_id: asked.event, envelope: asked.envelope, ...over });
    await raw.start(ceremonyWorkflowId(asked.event), 'breakGlass', TASK_QUEUES.ceremonies, [input]);
  };

  it('is refused by the same limits, and the refusal is kept', async () => {
    const asked = stack.prepare({ profile: active.profile });
    await startRaw(asked);
    const kept = () => eventReader(stack.stack.database).refusalOf(asked.event);
    await expect.poll(kept, { timeout: 30_000 }).toMatchObject({ code: 'stacking_invoker_profile' });
    expect((await truthOf(active)).assignments).toHaveLength(1);
  });

  it('with a state of its own is begun at the beginning', async () => {
    const [state] = await attacker.inputsOf(active.event, 'append');
    const asked = stack.prepare();
    await startRaw(asked, { state: { phase: 'granting', ...state } });
    await stack.untilState(asked.event, 'awaiting_approval');
    expect(await truthOf(asked)).toMatchObject({ assignments: [], grants: 0 });
  });
});

describe('rows that somebody changed in the register', () => {
  it('open the way past stacking, and still nothing is granted beside the grant that stands', async () => {
    const { database } = stack.stack;
    await database.query('UPDATE register.events SET open = false, granted_at = NULL WHERE event_id = $1', [
      active.event,
    ]);
    const asked = await stack.ask({ profile: active.profile });
    const ended = await stack.until(asked.event, ({ ended_at }) => ended_at !== null);
    expect(ended.refusal).toMatchObject({ code: 'foreign_assignment' });
    expect(await entriesOf(stack, asked.event, 'ended')).toHaveLength(1);
    expect((await truthOf(active)).assignments).toHaveLength(1);
    await database.query('UPDATE register.events SET open = true WHERE event_id = $1', [active.event]);
  });

  it('make a bundle that does not verify', async () => {
    const { database } = stack.stack;
    const { event } = active;
    await stack.advance(event, '6m');
    await stack.say(active, 'alice', 'close');
    await stack.advanceToEnd(event);
    expect((await truthOf(active)).assignments).toEqual([]);
    expect((await verifiedBundle(stack, event)).errors).toEqual([]);
    const [row] = await database.query<{ bundle: string }>('SELECT bundle FROM register.bundles WHERE event_id = $1', [
      event,
    ]);
    const sealed = JSON.parse(row?.bundle ?? '') as { payload: string };
    const said = Buffer.from(sealed.payload, 'base64').toString('utf8');
    const payload = Buffer.from(said.replaceAll(event, 'f'.repeat(16)), 'utf8').toString('base64');
    await database.query('UPDATE register.bundles SET bundle = $2 WHERE event_id = $1', [
      event,
      JSON.stringify({ ...sealed, payload }),
    ]);
    const { ok, errors } = await verifiedBundle(stack, event);
    expect(ok).toBe(false);
    expect(errors[0]).toMatchObject({ code: 'envelope_signature' });
  });
});

describe('each of these attempts', () => {
  it('stands in a ledger of the role that was asked, signed by it, with whose workflow asked', async () => {
    const { layout } = stack.stack;
    const { keyOf } = await readTrustRoots(layout.trust);
    const attempts = readdirSync(layout.attempts).flatMap((file) => {
      const report = verifyAttempts(readFileSync(join(layout.attempts, file)), keyOf);
      expect(report.faults).toEqual([]);
      return report.attempts;
    });
    const refused = new Set(attempts.map(({ role, activity, code }) => `${role} ${activity} ${code}`));
    for (const expected of [
      'authority issue quorum_not_met',
      `${EFFECT} apply intent_not_authentic`,
      `${EFFECT} rollback intent_not_authentic`,
      'effect:entra.sessions endSessions intent_not_authentic',
      'verifier verify intent_not_authentic',
      'verifier audit intent_not_authentic',
      'register admit bad_signature',
      'register append entry_signer_unknown',
      'register append entry_role',
    ])
      expect([...refused]).toContain(expected);
    const asked = attempts.filter(({ activity }) => activity === 'issue');
    expect(
      asked.some(({ workflow_id, workflow_type }) => workflow_id.startsWith('attack/') && workflow_type === 'attack'),
    ).toBe(true);
    expect(asked.some(({ event_id }) => event_id === waiting.event)).toBe(true);
    expect(JSON.stringify(attempts)).not.toContain(waiting.request.justification);
  });
});
