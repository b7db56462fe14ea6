import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { TOOLS } from '../../domain/contract.js';
import type { EntryType } from '../../domain/entry.js';
import { jobClaimsSchema, type JobClaims } from '../../domain/job.js';
import { generateHolderKey, proveHolding } from '../../proofs/holder-proof.js';
import { jobScopeHash, signJobToken } from '../../proofs/job-token.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { Attacker, type Got } from '../support/attacker.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { askForJob, callTool, codeOf, jobStatement, letIn, renewed, type Job } from '../support/jobs.js';
import { entriesOf } from '../support/records.js';

/** Somebody else's target, as an injected prompt would name it. */
const ELSEWHERE = 'eeeeeeee-0000-4000-8000-000000000001';
const GLOBAL_ADMINISTRATOR = '62e90394-69f5-4237-9190-012177145e10';

let stack: CeremonyStack;
let attacker: Attacker;
let asked: Asked;
let other: Asked;
let job: Job;

beforeAll(async () => {
  stack = await CeremonyStack.start();
  attacker = new Attacker(stack);
  [asked, other] = await Promise.all([stack.activate(), stack.activate()]);
  job = await letIn(stack, asked);
});
afterAll(() => stack.stop());
// A token lives two minutes: each test has one of its own, however slow the machine is.
beforeEach(async () => {
  job = await renewed(stack, job);
});

const claimsOf = (token: string): JobClaims =>
  jobClaimsSchema.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')));
/** The refusals in the event's ledger, by the role that made them, newest last. */
const refusals = async (type: EntryType, atLeast = 1) => entriesOf(stack, asked.event, type, atLeast);
const changes = async () => {
  const { calls } = await stack.graph.truth(asked.tenant);
  return calls.filter(({ method }) => method === 'POST').length;
};
const outcomeOf = (got: Got): string =>
  'failed' in got ? got.failed : codeOf(got.completed as Parameters<typeof codeOf>[0]);

describe('a job inside the window', () => {
  it("reads what stands for its own event's target", async () => {
    const answer = await callTool(stack, job, TOOLS.read);
    expect(answer).toMatchObject({ outcome: 'done', result: { assignments: [{ through_pim: true }] } });
    const [told] = await entriesOf(stack, asked.event, 'tool_read');
    expect(told).toMatchObject({ job: job.job, tool: TOOLS.read, standing: 1 });
  });

  it('writes what the intent carries, which stands already, and grants nothing more', async () => {
    const before = await changes();
    const answer = await callTool(stack, job, TOOLS.write, {
      body: { target: { principal_id: String(asked.request.principal) } },
    });
    expect(codeOf(answer)).toBe('target_foreign');
    const target = { role_template_id: (asked.request['effect'] as { role_template_id: string }).role_template_id };
    const again = await callTool(stack, job, TOOLS.write, { body: { target } });
    expect(again).toMatchObject({ outcome: 'done', result: { stands: true, adopted: true } });
    expect(await changes()).toBe(before);
    const [told] = await entriesOf(stack, asked.event, 'tool_wrote');
    expect(told).toMatchObject({ job: job.job, adopted: true });
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
  });
});

describe('what an injected prompt would try', () => {
  /** Each is refused by this code, and stands in the ledger under the job's name. */
  const refusedAs = async (code: string, tool: string, body: Record<string, unknown>, type: EntryType) => {
    const before = await changes();
    expect(codeOf(await callTool(stack, job, tool, { body }))).toBe(code);
    const told = await refusals(type);
    expect(told.at(-1)).toMatchObject({ code, job: job.job, tool });
    expect(await changes()).toBe(before);
  };

  it('another target', async () => {
    await refusedAs('target_foreign', TOOLS.read, { target: { principal_id: ELSEWHERE } }, 'tool_refused');
    const target = { role_template_id: GLOBAL_ADMINISTRATOR };
    await refusedAs('target_foreign', TOOLS.write, { target }, 'tool_change_refused');
    await refusedAs('target_foreign', TOOLS.remove, { target }, 'tool_change_refused');
    await refusedAs('body_malformed', TOOLS.write, { role: GLOBAL_ADMINISTRATOR }, 'tool_change_refused');
    await refusedAs('body_malformed', TOOLS.write, { target: { tenant: 'other' } }, 'tool_change_refused');
  });

  it('another tool', async () => {
    await refusedAs('tool_unknown', 'shell.exec', { command: 'id' }, 'tool_refused');
    await refusedAs('tool_unknown', 'breakglass.microsoft_graph.write_everything', {}, 'tool_refused');
  });

  it('a tool that the job was not let in for', async () => {
    const terms = { holder: '', tools: [TOOLS.read], confined_by: 'a container without network' };
    const holder = generateHolderKey();
    const statement = jobStatement(stack, asked, 'alice', holder, { job: { ...terms, holder: holder.holder } });
    const answer = await askForJob(stack, statement);
    if (answer.outcome !== 'given') throw new Error(answer.code);
    const reader = { token: answer.token, holder };
    expect(codeOf(await callTool(stack, reader, TOOLS.read))).toBe('done');
    expect(codeOf(await callTool(stack, reader, TOOLS.remove))).toBe('tool_not_in_scope');
    expect((await refusals('tool_change_refused')).at(-1)).toMatchObject({
      code: 'tool_not_in_scope',
      job: answer.job,
    });
  });

  it('a call that was overheard, once more', async () => {
    const body = {};
    const proof = await proveHolding({ token: job.token, tool: TOOLS.read, body }, job.holder, Date.now());
    expect(codeOf(await callTool(stack, job, TOOLS.read, { proof }))).toBe('done');
    expect(codeOf(await callTool(stack, job, TOOLS.read, { proof }))).toBe('proof_replayed');
    expect((await refusals('tool_refused')).at(-1)).toMatchObject({ code: 'proof_replayed', job: job.job });
  });

  it('an overheard call, changed', async () => {
    const proof = await proveHolding({ token: job.token, tool: TOOLS.read, body: {} }, job.holder, Date.now());
    const body = { target: { principal_id: ELSEWHERE } };
    expect(codeOf(await callTool(stack, job, TOOLS.read, { proof, body }))).toBe('proof_foreign');
    expect(codeOf(await callTool(stack, job, TOOLS.remove, { proof }))).toBe('proof_foreign');
  });

  it('the token without the key, and the token of another job', async () => {
    const thief = { token: job.token, holder: generateHolderKey() };
    expect(codeOf(await callTool(stack, thief, TOOLS.read))).toBe('holder_mismatch');
    const second = await letIn(stack, asked);
    expect(codeOf(await callTool(stack, { token: job.token, holder: second.holder }, TOOLS.write))).toBe(
      'holder_mismatch',
    );
    expect((await refusals('tool_change_refused')).at(-1)).toMatchObject({ code: 'holder_mismatch', job: job.job });
  });

  it("a token of another event's job, on this event's role", async () => {
    const foreign = await letIn(stack, other);
    const { role_template_id } = asked.request['effect'] as { role_template_id: string };
    const target = { tenant_id: asked.tenant, role_template_id };
    expect(codeOf(await callTool(stack, foreign, TOOLS.write, { body: { target } }))).toBe('target_foreign');
    // Scheduled for this event by hand, with the other's token and a proof that is good.
    const proof = await proveHolding({ token: foreign.token, tool: TOOLS.read, body: {} }, foreign.holder, Date.now());
    const call = { event_id: asked.event, tool: TOOLS.read, body: {}, token: foreign.token, proof };
    expect(outcomeOf(await attacker.run('verifier', 'tool', call))).toBe('token_foreign');
  });
});

describe('whoever writes to the namespace', () => {
  const forged = async (over: Partial<JobClaims>, key = generateRoleKey()): Promise<string> => {
    const claims = { ...claimsOf(job.token), ...over };
    return signJobToken({ ...claims, token_scope_hash_b64u: jobScopeHash(claims) }, key);
  };
  const scheduled = async (token: string, tool: string, over: Record<string, unknown> = {}, afterSeconds = 0) => {
    const holder = job.holder;
    const body = {};
    const proof = await proveHolding({ token, tool, body }, holder, Date.now() + afterSeconds * 1000);
    const role = tool === TOOLS.read ? 'verifier' : 'effect:entra.directory_role';
    const input = { event_id: asked.event, tool, body, token, proof, ...over };
    return outcomeOf(await attacker.run(role, 'tool', input, afterSeconds));
  };

  it('cannot mint a token, nor widen one', async () => {
    expect(await scheduled(await forged({}), TOOLS.read)).toBe('token_not_signed');
    const [header, , signature] = job.token.split('.');
    const longer = { ...claimsOf(job.token), exp: claimsOf(job.token).exp + 600 };
    const payload = Buffer.from(JSON.stringify(longer)).toString('base64url');
    expect(await scheduled(`${header}.${payload}.${signature}`, TOOLS.read)).toBe('token_not_signed');
  });

  it('cannot use one that is over', async () => {
    expect(await scheduled(job.token, TOOLS.read, {}, 180)).toBe('token_expired');
    expect(await scheduled(job.token, TOOLS.remove, {}, 180)).toBe('token_expired');
  });

  it('cannot write without the warrant and the evidence that a grant takes', async () => {
    const before = await changes();
    expect(await scheduled(job.token, TOOLS.write)).toBe('warrant_absent');
    const evidence = { event_id: asked.event };
    expect(await scheduled(job.token, TOOLS.write, { evidence, warrant: 'a.b.c' })).not.toBe('done');
    expect(await changes()).toBe(before);
  });

  it('cannot call a tool as an ordinary activity of another role', async () => {
    expect(await attacker.run('effect:entra.directory_role', 'tool', { nothing: true })).toEqual({
      failed: 'input_malformed',
    });
  });
});

describe('who may let a job in', () => {
  it('neither approvers nor strangers, nor under a key of somebody else', async () => {
    const ask = async (person: string, over: Record<string, unknown> = {}) =>
      codeOf(await askForJob(stack, jobStatement(stack, asked, person, generateHolderKey(), over)));
    expect(await ask('bob')).toBe('not_entitled');
    expect(await ask('mallory')).toBe('not_entitled');
    expect(await ask('mallory', { person: 'alice' })).toBe('bad_signature');
    expect(await ask('alice', { request_digest: other.request_digest })).toBe('foreign_request');
    expect(await ask('alice', { not_after: new Date(Date.now() - 1000).toISOString() })).toBe('stale');
    const told = await entriesOf(stack, asked.event, 'job_refused', 5);
    expect(told.map(({ code }) => code)).toContain('not_entitled');
  });

  it('nobody before anything is granted', async () => {
    const early = await stack.ask();
    expect(codeOf(await askForJob(stack, jobStatement(stack, early, 'alice', generateHolderKey())))).toBe(
      'not_granted',
    );
    await stack.say(early, 'bob', 'deny');
  });
});

describe('after a kill', () => {
  it('no token is given, nothing is written, and the bundle proves what the job did', async () => {
    await stack.say(asked, 'erin', 'kill');
    await stack.until(asked.event, ({ mark }) => mark === 'standing');
    expect(codeOf(await askForJob(stack, job.envelope))).toBe('end_mark_stands');
    const written = codeOf(await callTool(stack, job, TOOLS.write));
    expect(['end_mark_stands', 'token_expired']).toContain(written);
    await stack.advance(asked.event, '6m');
    await stack.advanceToEnd(asked.event);
    const report = await verifiedBundle(stack, asked.event);
    expect(report.errors).toEqual([]);
    const [mine] = report.facts.jobs.filter((one) => one.job === job.job);
    expect(mine).toMatchObject({ person: 'alice', tools: Object.values(TOOLS) });
    expect(mine?.calls).toBeGreaterThanOrEqual(3);
    expect(mine?.refused).toBeGreaterThanOrEqual(5);
  });
});
