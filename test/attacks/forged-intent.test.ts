import { afterAll, beforeAll, describe, it } from 'vitest';
import { ceremonyWorkflowId, instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import { ROLES } from '../../domain/roles.js';
import type { SignedStatement } from '../../domain/statement.js';
import { eventReader } from '../../activities/register/events.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { makeMarker } from '../../proofs/marker.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { readRoleContext } from '../../workers/role-context.js';
import { TASKS_OF_ROLE } from '../../workers/role-tasks.js';
import { startRoles } from '../../workers/start-roles.js';
import type { AuthorityTasks } from '../../domain/tasks.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { countOf, failedTasks, RawTemporal } from '../support/raw-temporal.js';
import { ledgerOf } from '../support/records.js';

/** The liar has the payload key and a key of their own, and none of any role. */
const liar = generateRoleKey();
let stack: CeremonyStack;
let raw: RawTemporal;
beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: ROLES.filter((role) => role !== 'authority') });
  raw = new RawTemporal(stack);
});
afterAll(() => stack.stop());

/** What the authority would have recorded, signed with the liar's key. */
function forgedIntent(asked: Asked, now: number): Intent {
  const { effect, principal } = asked.request as unknown as {
    effect: { tenant_id: string; role_template_id: string; directory_scope_id: string };
    principal: { object_id: string };
  };
  const { tenant_id, role_template_id, directory_scope_id } = effect;
  const tuple = { tenant_id, principal_id: principal.object_id, role_template_id, directory_scope_id };
  const deadline = instant(now + 1_800_000);
  return {
    schema: 'reseal.intent.v1',
    event_id: asked.event,
    round: 1,
    kind: 'entra.directory_role',
    tuple,
    end_sessions: true,
    request_digest: asked.request_digest,
    policy_digest: asked.request['policy_digest'] as string,
    evidence_digest: digestOf({}),
    quorum: 'full',
    issued_at: instant(now),
    deadline,
    dead_man: instant(now + 2_400_000),
    marker: makeMarker({ event_id: asked.event, deadline, tuple }, liar.privateKey),
  };
}

/** A ceremony that asks for an intent, and nobody answers. */
async function waiting(): Promise<{ asked: Asked; approvals: SignedStatement[] }> {
  const asked = await stack.ask();
  const approvals: SignedStatement[] = [];
  for (const person of ['bob', 'carol']) {
    const approval = await stack.act(asked, person, 'approve');
    const answer = await stack.deliver(asked.event, approval);
    if (answer.status !== 'accepted') throw new Error(JSON.stringify(answer));
    approvals.push(approval);
  }
  await raw.pendingActivity(ceremonyWorkflowId(asked.event), 'issue');
  return { asked, approvals };
}

/** Somebody answers in the authority's place. */
async function lie(asked: Asked): Promise<void> {
  const workflowId = ceremonyWorkflowId(asked.event);
  const now = await stack.now(asked.event);
  const { event } = asked;
  const payload = { schema: 'reseal.entry.v1', event_id: event, transition: 'intent', type: 'intent' } as const;
  const answer = {
    outcome: 'issued',
    signed: signIntent(forgedIntent(asked, now), liar),
    reissued: false,
    receipt: signReceipt({ ...payload, at: instant(now), data: {} }, liar),
  };
  await raw.complete(workflowId, await raw.pendingActivity(workflowId, 'issue'), await raw.value(answer));
}

async function withAuthority<T>(during: () => Promise<T>): Promise<T> {
  const { settings, database } = stack.stack;
  const context = await readRoleContext({ ...settings, roles: ['authority'] }, database, () => undefined);
  const roles = await startRoles(context);
  return during().finally(() => roles.stop());
}

/** The true authority records the intent, and its answer is lost. */
async function recorded({ event, envelope: request }: Asked, approvals: SignedStatement[]): Promise<void> {
  const { settings, database } = stack.stack;
  const context = await readRoleContext({ ...settings, roles: ['authority'] }, database, () => undefined);
  const authority = TASKS_OF_ROLE.authority(context) as unknown as AuthorityTasks;
  const [first] = await eventReader(database).ledgerOf(event);
  if (first === undefined) throw new Error('the ledger is empty');
  const admission = { transition: 'request', envelope: first.body };
  const answer = await authority.issue({ event_id: event, request, approvals, admission });
  if (answer.outcome !== 'issued') throw new Error(`${answer.code}: ${answer.message}`);
}

describe('"issued" by somebody else', () => {
  it('is refused by the effect: nothing is ever granted', async ({ expect }) => {
    const { asked } = await waiting();
    await lie(asked);
    const view = await stack.until(asked.event, ({ refusal }) => refusal !== null);
    expect(view.refusal).toMatchObject({ code: 'intent_not_authentic' });
    expect(view).toMatchObject({ state: 'resealing', mark: 'pending' });
    const { assignments, calls, sessions_revoked } = await stack.graph.truth(asked.tenant);
    expect(assignments).toEqual([]);
    expect(sessions_revoked).toEqual([]);
    expect(calls.filter(({ method, path }) => method === 'POST' && path.includes('ScheduleRequests'))).toEqual([]);
    const events = await raw.history(ceremonyWorkflowId(asked.event));
    expect(countOf(events, 'EVENT_TYPE_ACTIVITY_TASK_COMPLETED')).toBeGreaterThan(0);
    expect(failedTasks(events)).toEqual([]);
  });

  it('where the authority recorded nothing: it ends as never issued, with a proof', async ({ expect }) => {
    const { asked } = await waiting();
    await lie(asked);
    await stack.until(asked.event, ({ refusal }) => refusal !== null);
    const ended = await withAuthority(() => stack.advanceToEnd(asked.event));
    expect(ended).toMatchObject({
      state: 'cancelled',
      cause: 'not_issued',
      status: null,
      refusal: { code: 'intent_not_authentic' },
      mark: 'standing',
    });
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    const { ok, errors, facts } = await verifiedBundle(stack, asked.event);
    expect({ ok, errors }).toEqual({ ok: true, errors: [] });
    expect(facts).toMatchObject({ end: 'cancelled', cause: 'not_issued' });
    const types = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['not_granted', 'end_mark', 'ended']) as unknown);
    expect(types).not.toContain('intent');
  });

  it('where the authority had recorded one: that one is resealed, with a proof', async ({ expect }) => {
    const { asked, approvals } = await waiting();
    await recorded(asked, approvals);
    await lie(asked);
    await stack.until(asked.event, ({ refusal }) => refusal !== null);
    const ended = await withAuthority(() => stack.advanceToEnd(asked.event, '75m'));
    expect(ended).toMatchObject({ state: 'not_granted', rollback: { confirmed_at: expect.any(String) as string } });
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    const { ok, errors } = await verifiedBundle(stack, asked.event);
    expect({ ok, errors }).toEqual({ ok: true, errors: [] });
    expect((await ledgerOf(stack, asked.event)).map(({ type }) => type)).toContain('intent');
  });
});
