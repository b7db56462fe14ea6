import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it, type ExpectStatic } from 'vitest';
import type { SignalAct, SignedStatement } from '../../domain/statement.js';
import { parseOpenSshPrivateKey } from '../../proofs/openssh-private-key.js';
import { signSshsig } from '../../proofs/sshsig-sign.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { entriesOf, hurry, isOver } from '../support/records.js';
import { signWith, signWithStranger } from '../support/signing.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

const OTHER_DIGEST = '0'.repeat(64);
const at = (ms: number): string => new Date(ms).toISOString();

/** Bytes to send, the name to send them under, and the reason that comes back. */
type Attempt = (asked: Asked) => Promise<{ envelope: SignedStatement; as?: SignalAct }>;

const approvalOf =
  (person: string, over: (nowMs: number) => Record<string, unknown> = () => ({})): Attempt =>
  async (asked) => ({ envelope: await stack.act(asked, person, 'approve', over(await stack.now(asked.event))) });

/** A statement in bob's name. */
const inNameOfBob = async (asked: Asked) => ({
  ...stack.common(asked.event, asked.request_digest, 'bob', await stack.now(asked.event)),
  act: 'approve',
});

const REFUSED: [string, string, Attempt][] = [
  [
    'a key that nobody knows',
    'bad_signature',
    async (asked) => ({ envelope: signWithStranger(await inNameOfBob(asked)) }),
  ],
  [
    "another person's key",
    'bad_signature',
    async (asked) => ({ envelope: signWith(stack.keyOf('mallory'), await inNameOfBob(asked)) }),
  ],
  [
    'a signature over other bytes',
    'bad_signature',
    async (asked) => {
      const { payload } = await stack.act(asked, 'bob', 'approve');
      return { envelope: { payload, signature: (await stack.act(asked, 'bob', 'deny')).signature } };
    },
  ],
  [
    'a signature made for another purpose',
    'bad_signature',
    async (asked) => ({ envelope: signWith(stack.keyOf('bob'), await inNameOfBob(asked), 'git') }),
  ],
  ['a person who is on no roster', 'unknown_person', approvalOf('bob', () => ({ person: 'nobody' }))],
  ['another event', 'foreign_event', approvalOf('bob', () => ({ event_id: 'f'.repeat(16) }))],
  ['another request', 'foreign_request', approvalOf('bob', () => ({ request_digest: OTHER_DIGEST }))],
  ['another policy', 'foreign_policy', approvalOf('bob', () => ({ policy_digest: OTHER_DIGEST }))],
  [
    'an expired statement',
    'stale',
    approvalOf('bob', (now) => ({ issued_at: at(now - 120_000), not_after: at(now - 1_000) })),
  ],
  [
    'a statement from the future',
    'not_yet_valid',
    approvalOf('bob', (now) => ({ issued_at: at(now + 300_000), not_after: at(now + 600_000) })),
  ],
  [
    'a denial sent as an approval',
    'name_disagrees',
    async (asked) => ({ envelope: await stack.act(asked, 'bob', 'deny'), as: 'approve' }),
  ],
  [
    'an approval sent as a kill',
    'name_disagrees',
    async (asked) => ({ envelope: await stack.act(asked, 'bob', 'approve'), as: 'kill' }),
  ],
  ['another round', 'malformed', approvalOf('bob', () => ({ round: 2 }))],
  [
    'a payload that is not canonical',
    'malformed',
    async (asked) => ({ envelope: notCanonical(await inNameOfBob(asked)) }),
  ],
  ['the invoker', 'is_invoker', approvalOf('dave')],
  ['the principal', 'is_principal', approvalOf('alice')],
  ['an agent', 'agent_cannot_approve', approvalOf('robot')],
  ['a responder, who may only end things', 'not_entitled', approvalOf('erin')],
  ['a person without a part', 'not_entitled', approvalOf('mallory')],
  [
    'a kill by a person without a part',
    'not_entitled',
    async (asked) => ({ envelope: await stack.act(asked, 'mallory', 'kill') }),
  ],
  [
    'a withdrawal of nothing',
    'not_entitled',
    async (asked) => ({ envelope: await stack.act(asked, 'bob', 'withdraw') }),
  ],
  ['a close by an approver', 'not_entitled', async (asked) => ({ envelope: await stack.act(asked, 'carol', 'close') })],
  ['a denial by a responder', 'not_entitled', async (asked) => ({ envelope: await stack.act(asked, 'erin', 'deny') })],
];

/** The same statement with its members in another order: valid JSON, validly signed, and not the one form that counts. */
function notCanonical(statement: Record<string, unknown>): SignedStatement {
  const payload = JSON.stringify(Object.fromEntries(Object.entries(statement).reverse()));
  const { privateKey, publicKey } = parseOpenSshPrivateKey(readFileSync(stack.keyOf('bob'), 'utf8'));
  const namespace = 'reseal-statement-v1';
  return { payload, signature: signSshsig({ privateKey, publicKey, message: Buffer.from(payload), namespace }) };
}

/** Under a signal's name straight into Temporal, and the answer that whoever asks by the digest is told. */
async function sendAs(asked: Asked, envelope: SignedStatement, as: SignalAct) {
  await stack.signal(asked.event, as, envelope);
  const url = `${stack.stack.dev.gateway_url}/v1/events/${asked.event}/statements/${stack.digest(envelope)}?wait=20s`;
  return (await (await fetch(url)).json()) as { status: string; reason?: string; message?: string };
}

const signedAct = ({ payload }: SignedStatement): SignalAct => (JSON.parse(payload) as { act: SignalAct }).act;

async function end(expect: ExpectStatic, asked: Asked): Promise<void> {
  await stack.say(asked, 'alice', 'close');
  await hurry(stack, asked.event, isOver, { step: '1m' });
  expect(await aftermath(stack, asked)).toMatchObject({ standing: [], bundle: { ok: true, errors: [] } });
}

describe.concurrent('a statement that must not count', () => {
  it('is refused with its reason, which is told and recorded; two good ones are granted after it', async ({
    expect,
  }) => {
    // dave asks for alice, so that invoker and principal are two people, one of them otherwise entitled to approve.
    const asked = await stack.ask({ invoker: 'dave', principal: 'alice' });
    const told: (string | undefined)[][] = [];
    for (const [what, , attempt] of REFUSED) {
      const { envelope, as = signedAct(envelope) } = await attempt(asked);
      const { status, reason, message } = await sendAs(asked, envelope, as);
      told.push([what, status, reason, typeof message]);
    }
    expect(told).toEqual(REFUSED.map(([what, reason]) => [what, 'refused', reason, 'string']));
    const before = await stack.view(asked.event);
    expect(before).toMatchObject({ state: 'awaiting_approval', approvals: [], refused_statements: REFUSED.length });
    expect((await stack.graph.truth(asked.tenant)).calls.some(({ action }) => action === 'adminAssign')).toBe(false);

    await stack.approve(asked);
    const active = await hurry(stack, asked.event, ({ state }) => state === 'active');
    expect(active.approvals.map(({ approver }) => approver)).toEqual(['bob@corp.example', 'carol@corp.example']);
    const recorded = await entriesOf(stack, asked.event, 'statement_refused', REFUSED.length);
    expect(recorded.map(({ reason }) => reason)).toEqual(REFUSED.map(([, reason]) => reason));
    await end(expect, asked);
  });
});

describe.concurrent('a statement that comes again', () => {
  it('is told the first answer and counts once: the same bytes', async ({ expect }) => {
    const asked = await stack.ask();
    const envelope = await stack.act(asked, 'bob', 'approve');
    expect(await stack.deliver(asked.event, envelope)).toMatchObject({ status: 'accepted' });
    expect(await stack.deliver(asked.event, envelope)).toMatchObject({ status: 'accepted' });
    expect(await stack.view(asked.event)).toMatchObject({
      state: 'awaiting_approval',
      approvals: [{ approver: 'bob@corp.example' }],
      refused_statements: 0,
    });
    await stack.approve(asked, 'carol');
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    await end(expect, asked);
  });

  it('is a replay when only its signature is new, also after it was withdrawn', async ({ expect }) => {
    const asked = await stack.ask();
    const envelope = await stack.act(asked, 'bob', 'approve');
    await stack.deliver(asked.event, envelope);
    expect(await stack.say(asked, 'bob', 'withdraw')).toMatchObject({ status: 'accepted' });
    expect((await stack.view(asked.event)).approvals).toEqual([]);
    // The same bytes are told the answer they had, and nothing more.
    await stack.deliver(asked.event, envelope);
    expect((await stack.view(asked.event)).approvals).toEqual([]);
    // The same payload signed anew, with the other hash that SSHSIG knows: other bytes, the same statement.
    const { privateKey, publicKey } = parseOpenSshPrivateKey(readFileSync(stack.keyOf('bob'), 'utf8'));
    const message = Buffer.from(envelope.payload);
    const resigned = signSshsig({ privateKey, publicKey, message, namespace: 'reseal-statement-v1', hash: 'sha256' });
    expect(resigned).not.toBe(envelope.signature);
    const replay = await stack.deliver(asked.event, { payload: envelope.payload, signature: resigned });
    expect(replay).toMatchObject({ status: 'refused', reason: 'replayed' });
    expect(await stack.view(asked.event)).toMatchObject({ state: 'awaiting_approval', approvals: [] });
    // A new statement of the same person counts.
    await stack.approve(asked);
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    await end(expect, asked);
  });

  it('does not count twice for one person, who is told so', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked, 'bob');
    expect(await stack.say(asked, 'bob', 'approve', { reason: 'once more' })).toMatchObject({
      status: 'refused',
      reason: 'already_approved',
    });
    expect((await stack.view(asked.event)).approvals).toHaveLength(1);
    await stack.say(asked, 'alice', 'close');
    expect(await stack.until(asked.event, isOver)).toMatchObject({ state: 'cancelled' });
    expect(await aftermath(stack, asked)).toMatchObject({ standing: [], grants: 0, bundle: { ok: true } });
  });
});

describe.concurrent('a quorum over two groups', () => {
  it('is not one person who is in both', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked, 'dave');
    await stack.advance(asked.event, '5m');
    expect(await stack.view(asked.event)).toMatchObject({ state: 'awaiting_approval', status: null });
    await stack.approve(asked, 'bob');
    const active = await hurry(stack, asked.event, ({ state }) => state === 'active');
    expect(active.approvals.map(({ approver }) => approver)).toEqual(['dave@corp.example', 'bob@corp.example']);
    await end(expect, asked);
  });

  it('is not met any more once one of the two withdraws before it is full', async ({ expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked, 'bob');
    await stack.say(asked, 'bob', 'withdraw');
    await stack.approve(asked, 'carol');
    await stack.advance(asked.event, '5m');
    expect(await stack.view(asked.event)).toMatchObject({
      state: 'awaiting_approval',
      approvals: [{ approver: 'carol@corp.example' }],
    });
    await stack.approve(asked, 'dave');
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    await end(expect, asked);
  });
});
