import { generateKeyPairSync, type KeyObject } from 'node:crypto';

import { Context } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { CompactSign } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';

import { noteEnded } from '../../../activities/tools/note-ended.js';
import { takeModelReceipt } from '../../../activities/tools/take-model-receipt.js';
import type { ToolDeps } from '../../../activities/tools/tool-deps.js';
import { passToolGate } from '../../../activities/tools/tool-gate.js';
import { toolTasks } from '../../../activities/tools/tool-tasks.js';
import { UsedProofs } from '../../../activities/tools/used-proofs.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import { TOOLS } from '../../../domain/contract.js';
import { GROUP_TOOLS } from '../../../domain/effects/group-membership.js';
import { makerOf, type EntryPayload } from '../../../domain/entry.js';
import { MODEL_RECEIPT } from '../../../domain/job.js';
import { JOB_ENDED, type ToolOutcome } from '../../../domain/tool-call.js';
import { digestOf, sha256Hex } from '../../../proofs/canonical-json.js';
import { signDsse } from '../../../proofs/dsse.js';
import { generateHolderKey, proveHolding } from '../../../proofs/holder-proof.js';
import { jobScopeOf, mintJobToken } from '../../../proofs/job-token.js';
import type { ModelReceiptKey } from '../../../proofs/model-receipt.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { signIntent } from '../../../proofs/signed-intent.js';
import { policy, policyDigest, roleKeys, roster } from '../../proofs/ceremony-people.js';
import { fullCeremony } from '../../proofs/full-ceremony.js';

const { authority, verifier } = roleKeys;
const { intent } = fullCeremony();
const signed = signIntent(intent, authority);
const issued = Date.parse(intent.issued_at);
const holder = generateHolderKey();

const gateway = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const envelopes = generateKeyPairSync('ed25519');
const publicJwk = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }) });
const receiptKeys: ModelReceiptKey[] = [
  { name: 'gateway', alg: 'ES256', jwk: publicJwk(gateway.publicKey) },
  { name: 'envelopes', alg: 'Ed25519', jwk: publicJwk(envelopes.publicKey) },
];

let now: number;
let deps: ToolDeps;
let entries: EntryPayload[];
/** How often the tool itself ran. */
let ran: number;
let token: string;

function role(carrying: ToolDeps['carrying'] = inForce.carrying): ToolDeps {
  const clock = { now: () => now };
  return {
    role: 'verifier',
    clock,
    sign: (payload) => {
      entries.push(payload);
      return signReceipt(payload, verifier);
    },
    authorityKey: (keyid) => (keyid === authority.keyid ? authority.publicKey : undefined),
    carrying,
    used: new UsedProofs(clock),
    verbs: {
      read: () => Promise.resolve({ ok: true, result: { seen: (ran += 1) }, data: {} }),
      ended: noteEnded,
      receipt: takeModelReceipt(receiptKeys),
    },
    entries: { done: { read: 'tool_read', ended: 'job_ended', receipt: 'model_receipt' }, refused: 'tool_refused' },
  };
}
const inForce = givenInForce(
  () => ({ policy, digest: policyDigest }),
  () => roster,
);

beforeEach(async () => {
  now = issued + 5000;
  entries = [];
  ran = 0;
  deps = role();
  const terms = { holder: holder.holder, tools: [TOOLS.read], confined_by: null };
  const scope = jobScopeOf(signed, { statement_digest: 'cd'.repeat(32), terms, tools: [TOOLS.read] });
  ({ token } = await mintJobToken(scope, authority, { nowMs: now, seconds: 120, notAfterMs: now + 600_000 }));
});

interface Made {
  tool: string;
  body: Record<string, unknown>;
  proof: string;
}
async function made(tool: string = TOOLS.read, body: Record<string, unknown> = {}): Promise<Made> {
  return { tool, body, proof: await proveHolding({ token, tool, body }, holder, now) };
}
const quiet = (info: { activityId?: string; activityType: string }): MockActivityEnvironment =>
  new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
/** One attempt of an activity, as a worker runs it: the gate, and the tool behind it. */
async function attempt(call: Made, activityId = 'one', given = deps): Promise<ToolOutcome> {
  const environment = quiet({ activityId, activityType: 'tool' });
  const input = { event_id: intent.event_id, token, ...call };
  const run = (): Promise<ToolOutcome> =>
    passToolGate(given, Context.current(), input, () => toolTasks(given).tool(input));
  return environment.run(run);
}
const codeOf = (outcome: ToolOutcome): string => (outcome.outcome === 'refused' ? outcome.code : outcome.outcome);

describe('a proof', () => {
  it('is good for one activity, and for each of its attempts', async () => {
    const call = await made();
    expect(codeOf(await attempt(call))).toBe('done');
    expect(codeOf(await attempt(call))).toBe('done');
    expect(codeOf(await attempt(call, 'another'))).toBe('proof_replayed');
    expect(ran).toBe(2);
    expect(entries.map(({ type }) => type)).toEqual(['tool_read', 'tool_read', 'tool_refused']);
    expect(entries[0]?.transition).toBe(entries[1]?.transition);
  });

  it('is not good for a process that began after it was made, which cannot know whether it was used', async () => {
    const call = await made();
    expect(codeOf(await attempt(call))).toBe('done');
    now += 2000;
    expect(codeOf(await attempt(call, 'another', role()))).toBe('proof_stale');
    expect(ran).toBe(1);
  });

  it('is forgotten only when it is over', async () => {
    const call = await made();
    await attempt(call);
    now += 59_000;
    expect(codeOf(await attempt(await made(), 'second'))).toBe('done');
    expect(codeOf(await attempt(call, 'third'))).toBe('proof_replayed');
    now += 62_000;
    expect(codeOf(await attempt(call, 'fourth'))).toBe('token_expired');
  });
});

describe('a call', () => {
  it('needs the contract in force, whatever its token says', async () => {
    const refusing = role(() => ({ ok: false, code: 'contract_revoked', message: 'it was revoked' }));
    expect(codeOf(await attempt(await made(), 'one', refusing))).toBe('contract_revoked');
    expect(ran).toBe(0);
    expect(entries.at(-1)).toMatchObject({ type: 'tool_refused', data: { code: 'contract_revoked' } });
  });

  it('has no tool under an intent of another kind', async () => {
    const { tenant_id, principal_id } = intent.tuple;
    const tuple = { tenant_id, principal_id, policy_id: '6f2a0c1e-4b7d-4e35-9a68-0d1c5e8f7a23' };
    const other = signIntent({ ...intent, kind: 'entra.ca_exclusion', tuple, dead_man: null } as never, authority);
    const terms = { holder: holder.holder, tools: [TOOLS.read], confined_by: null };
    const scope = jobScopeOf(other, { statement_digest: 'cd'.repeat(32), terms, tools: [TOOLS.read] });
    ({ token } = await mintJobToken(scope, authority, { nowMs: now, seconds: 120, notAfterMs: now + 600_000 }));
    expect(codeOf(await attempt(await made()))).toBe('kind_unsupported');
    expect(ran).toBe(0);
  });

  it("has no tool of another kind's ceremonies, whatever its token says", async () => {
    const tools = [GROUP_TOOLS.read, TOOLS.read];
    const terms = { holder: holder.holder, tools, confined_by: null };
    const scope = jobScopeOf(signed, { statement_digest: 'cd'.repeat(32), terms, tools });
    ({ token } = await mintJobToken(scope, authority, { nowMs: now, seconds: 120, notAfterMs: now + 600_000 }));
    expect(codeOf(await attempt(await made(GROUP_TOOLS.read)))).toBe('tool_of_another_kind');
    expect(codeOf(await attempt(await made(), 'two'))).toBe('done');
    expect(ran).toBe(1);
  });

  it('is taken by the role of its own kind alone, which names the kind in what it signs', async () => {
    const role = 'effect:entra.group_membership' as const;
    const verbs = { write: deps.verbs.read } as ToolDeps['verbs'];
    const named = { done: { write: 'tool_wrote' }, refused: 'tool_change_refused' } as const;
    const other: ToolDeps = { ...deps, role, kind: 'entra.group_membership', verbs, entries: named };
    const terms = { holder: holder.holder, tools: [TOOLS.write], confined_by: null };
    const scope = jobScopeOf(signed, { statement_digest: 'cd'.repeat(32), terms, tools: [TOOLS.write] });
    const misled = { ...scope, aud: ['verifier', role] };
    ({ token } = await mintJobToken(misled, authority, { nowMs: now, seconds: 120, notAfterMs: now + 600_000 }));
    expect(codeOf(await attempt(await made(TOOLS.write), 'one', other))).toBe('token_foreign');
    expect(ran).toBe(0);
    const told = entries.at(-1);
    expect(told).toMatchObject({ type: 'tool_change_refused', data: { kind: 'entra.group_membership' } });
    expect(told && makerOf(told)).toBe(role);
  });

  it('does nothing where no gate stands before it', async () => {
    const environment = quiet({ activityType: 'tool' });
    const input = { event_id: intent.event_id, token, ...(await made()) };
    await expect(environment.run(() => toolTasks(deps).tool(input))).rejects.toMatchObject({
      type: 'call_not_admitted',
    });
  });

  it('keeps what was asked short, however much that is', async () => {
    const body = { target: { principal_id: 'x'.repeat(5000) } };
    expect(codeOf(await attempt(await made(TOOLS.read, body)))).toBe('body_malformed');
    const data = entries.at(-1)?.data;
    expect((data?.['asked'] as string).length).toBeLessThanOrEqual(600);
    expect(data?.['request_digest']).toBe(digestOf(body));
  });
});

describe("a job's last word", () => {
  it('is taken after its token is over, and lets it do nothing', async () => {
    now += 180_000;
    const said = { status: null, signal: 'SIGKILL', halted: 'kill' };
    const own = role();
    expect(codeOf(await attempt(await made(JOB_ENDED, said), 'one', own))).toBe('done');
    expect(entries.at(-1)).toMatchObject({ type: 'job_ended', data: said });
    expect(codeOf(await attempt(await made(), 'two', own))).toBe('token_expired');
    expect(codeOf(await attempt(await made(JOB_ENDED, { halted: 'NO SUCH WORD' }), 'three', own))).toBe(
      'body_malformed',
    );
  });
});

describe('a receipt of a model call', () => {
  const jws = (key: KeyObject, alg: string): Promise<string> =>
    new CompactSign(Buffer.from('{"model":"some"}')).setProtectedHeader({ alg }).sign(key);

  it('is kept when a configured gateway signed it, and calls refer to it', async () => {
    const receipt = await jws(gateway.privateKey, 'ES256');
    expect(await attempt(await made(MODEL_RECEIPT, { receipt }))).toMatchObject({
      outcome: 'done',
      result: { digest: sha256Hex(receipt), format: 'jws', signed_by: 'gateway' },
    });
    expect(entries.at(-1)).toMatchObject({ type: 'model_receipt', data: { receipt } });
    const body = { receipts: [sha256Hex(receipt)] };
    await attempt(await made(TOOLS.read, body), 'two');
    expect(entries.at(-1)).toMatchObject({ type: 'tool_read', data: { model_receipts: body.receipts } });
  });

  it('is kept as a DSSE envelope', async () => {
    const key = { keyid: 'ab'.repeat(32), privateKey: envelopes.privateKey };
    const receipt = signDsse({ payloadType: 'application/json', payload: Buffer.from('{}'), key });
    expect(await attempt(await made(MODEL_RECEIPT, { receipt }))).toMatchObject({
      outcome: 'done',
      result: { digest: digestOf(receipt), format: 'dsse', signed_by: 'envelopes' },
    });
  });

  it.each([
    [
      'a stranger',
      () => jws(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'ES256'),
      'receipt_not_signed',
    ],
    ['a key used with another algorithm', () => jws(envelopes.privateKey, 'EdDSA'), 'receipt_not_signed'],
    ['nobody', async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`, 'receipt_not_signed'],
    ['what is no token', async () => 'a b c', 'receipt_malformed'],
    ['nothing', async () => '', 'body_malformed'],
  ])('is refused from %s', async (_, receipt, code) => {
    expect(codeOf(await attempt(await made(MODEL_RECEIPT, { receipt: await receipt() })))).toBe(code);
    expect(entries.at(-1)).toMatchObject({ type: 'tool_refused', data: { code } });
  });
});
