import { afterAll, beforeAll, describe, it, type ExpectStatic } from 'vitest';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath, verifiedBundle } from '../support/good-end.js';
import { PEOPLE, ROLE } from '../support/people.js';
import { signWith } from '../support/signing.js';
import { entriesOf, hurry, isOver, ledgerOf, timesOf } from '../support/records.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

interface Expected {
  state: CeremonyView['state'];
  status: CeremonyView['status'];
  cause: string | null;
  by?: string | null;
}

/** Asked and approved, and the five minutes over in which Graph removes nothing. */
async function standing(over: Parameters<CeremonyStack['prepare']>[0] = {}): Promise<Asked> {
  const asked = await stack.ask(over);
  await stack.approve(asked);
  await hurry(stack, asked.event, ({ state }) => state === 'active');
  await stack.advance(asked.event, '6m');
  return asked;
}

/** The end that is expected, nothing stands, and a bundle that verifies and says the same. */
async function endsAs(expect: ExpectStatic, asked: Asked, expected: Expected): Promise<CeremonyView> {
  const view = await hurry(stack, asked.event, isOver);
  const { state, status, cause, ended_by } = view;
  expect({ state, status, cause, by: ended_by }).toEqual({ by: null, ...expected });
  const after = await aftermath(stack, asked);
  expect(after.standing).toEqual([]);
  expect(after.bundle).toEqual({ ok: true, errors: [] });
  expect(after.facts).toMatchObject({ end: expected.state, cause: expected.cause });
  return view;
}

/** An end after the intent: every stage of the rollback has its time, each no earlier than the one before. */
function expectStages(expect: ExpectStatic, view: CeremonyView, stages = 5): void {
  const times = timesOf(view);
  expect(times).toHaveLength(stages);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
}

const grantsAsked = async ({ tenant }: Asked): Promise<number> =>
  (await stack.graph.truth(tenant)).calls.filter(({ action }) => action === 'adminAssign').length;

describe.concurrent('a ceremony that runs to its deadline', () => {
  it('passes through its states, expires, and is audited; both bundles verify', async ({ expect }) => {
    const asked = await stack.ask();
    expect((await stack.view(asked.event)).state).toBe('awaiting_approval');
    await stack.approve(asked, 'bob');
    expect(await stack.view(asked.event)).toMatchObject({ state: 'awaiting_approval', status: null });
    await stack.approve(asked, 'carol');
    expect(await stack.untilState(asked.event, 'granting')).toMatchObject({ status: 'active', activated_at: null });
    const active = await hurry(stack, asked.event, ({ state }) => state === 'active');
    expect(active.status).toBe('active');
    expect(active.approvals.map(({ approver }) => approver)).toEqual(['bob@corp.example', 'carol@corp.example']);
    const { assignments } = await stack.graph.truth(asked.tenant);
    expect(assignments).toMatchObject([
      { principal_id: PEOPLE[0]?.object_id, role_definition_id: ROLE.template_id, directory_scope_id: '/' },
    ]);

    await stack.advance(asked.event, '28m');
    expect((await stack.view(asked.event)).state).toBe('active');
    await stack.advance(asked.event, '2m');
    const ended = await endsAs(expect, asked, { state: 'expired', status: 'expired', cause: 'deadline' });
    expectStages(expect, ended);
    expect(Date.parse(ended.rollback.requested_at ?? '') - Date.parse(ended.expires_at ?? '')).toBeLessThan(5_000);
    expect(Date.parse(ended.rollback.requested_at ?? '')).toBeGreaterThanOrEqual(Date.parse(ended.expires_at ?? ''));
    expect(ended.sessions_ended_at).not.toBeNull();

    await stack.advance(asked.event, '30m');
    const audited = await stack.until(asked.event, ({ rollback }) => rollback.audited_at !== null);
    expect(Date.parse(audited.rollback.audited_at ?? '')).toBeGreaterThan(Date.parse(ended.ended_at ?? ''));
    await entriesOf(stack, asked.event, 'audited');
    const report = await verifiedBundle(stack, asked.event);
    expect(report).toMatchObject({ ok: true, stage: 'audited', facts: { end: 'expired' } });
    const types = (await ledgerOf(stack, asked.event)).map(({ type }) => type);
    for (const type of ['request', 'intent', 'granted', 'verified', 'resealing', 'removal', 'confirmed', 'ended'])
      expect(types).toContain(type);
  });
});

describe.concurrent('a request that admission refuses', () => {
  const refused = async (expect: ExpectStatic, asked: Asked, code: string): Promise<void> => {
    expect((await stack.send(asked)).ok).toBe(true);
    const view = await stack.until(asked.event, isOver);
    expect(view).toMatchObject({ state: 'refused', status: null, refusal: { code } });
    expect(view.rollback.requested_at).toBeNull();
    expect(await grantsAsked(asked)).toBe(0);
    // Kept in a table of its own: it never was an event, and has no ledger to seal.
    const rows = await stack.stack.database.query('SELECT code FROM register.refusals WHERE event_id = $1', [
      asked.event,
    ]);
    // What the open workflow refused by the policy never reached the register.
    expect(rows.length).toBeLessThanOrEqual(1);
    expect((await fetch(`${stack.stack.dev.gateway_url}/v1/events/${asked.event}/bundle`)).ok).toBe(false);
  };

  it('because one of the same invoker and profile is open', async ({ expect }) => {
    const first = await stack.ask();
    const second = stack.prepare({ profile: first.profile });
    await refused(expect, second, 'stacking_invoker_profile');
    await stack.say(first, 'alice', 'close');
    await endsAs(expect, first, { state: 'cancelled', status: null, cause: 'close', by: 'alice' });
  });

  it('because the same privilege of the same principal is open under another profile and invoker', async ({
    expect,
  }) => {
    const first = await stack.ask();
    const second = stack.prepare({ profile: first.profile, invoker: 'mallory', principal: 'alice' });
    await refused(expect, second, 'stacking_target');
    await stack.say(first, 'alice', 'kill');
    await endsAs(expect, first, { state: 'cancelled', status: null, cause: 'kill', by: 'alice' });
  });

  it('because no profile has that name', async ({ expect }) => {
    await refused(expect, stack.prepare({ profile: 'p999' }), 'profile_unknown');
  });

  it('because it was made under another policy', async ({ expect }) => {
    const asked = stack.prepare({ policy_digest: '0'.repeat(64) });
    await refused(expect, asked, 'foreign_policy');
    const { event, request, request_digest } = stack.prepare({ policy_digest: '0'.repeat(64) });
    const statement = { ...stack.common(event, request_digest, 'alice', Date.now()), act: 'request', request };
    const envelope = signWith(stack.keyOf('alice'), { ...statement, policy_digest: request.policy_digest });
    await refused(expect, { ...asked, event, envelope }, 'contract_unknown');
  });
});

describe.concurrent('a ceremony that ends before its intent', () => {
  const cases: [string, Expected, (asked: Asked) => Promise<unknown>][] = [
    ['denied by an approver', expected('denied', 'deny', 'bob'), (asked) => stack.say(asked, 'bob', 'deny')],
    ['closed by its invoker', expected('cancelled', 'close', 'alice'), (asked) => stack.say(asked, 'alice', 'close')],
    ['killed by a responder', expected('cancelled', 'kill', 'erin'), (asked) => stack.say(asked, 'erin', 'kill')],
    ['cancelled from Temporal', expected('cancelled', 'cancel'), cancel],
    ['left without approvals', expected('unapproved', 'window'), (asked) => stack.advance(asked.event, '31m')],
  ];
  it.for(cases)('%s', async ([, wanted, act], { expect }) => {
    const asked = await stack.ask();
    await stack.approve(asked, 'carol');
    await act(asked);
    const view = await endsAs(expect, asked, wanted);
    expect(view.rollback.requested_at).toBeNull();
    expect(await grantsAsked(asked)).toBe(0);
  });
});

describe.concurrent('a grant that the provider refuses without a doubt', () => {
  it.for([
    ['at the dry run', { status: 403, code: 'Authorization_RequestDenied' }],
    [
      'at the call itself',
      { status: 400, code: 'RoleAssignmentRequestPolicyValidationFailed', validation_only: false },
    ],
  ] as const)('is not_granted: %s', async ([, fault], { expect }) => {
    const asked = await stack.ask();
    await stack.graph.fault({ tenant: asked.tenant, action: 'adminAssign', times: null, effect: 'status', ...fault });
    await stack.approve(asked);
    const wanted = { state: 'not_granted', status: null, cause: 'refused_by_provider' } as const;
    const view = await endsAs(expect, asked, wanted);
    expect(view.refusal?.code).toBe(fault.code);
    // The removal was tried all the same, and found nothing: no word of the provider's is accepted then.
    expectStages(expect, view, 4);
    // Nothing could have been granted: five reads are enough, no settle window.
    const [from, to] = [view.rollback.requested_at, view.rollback.confirmed_at].map((at) => Date.parse(at ?? ''));
    expect((to ?? 0) - (from ?? 0)).toBeLessThan(5 * 60_000);
  });
});

describe.concurrent('a ceremony that ends while the privilege stands', () => {
  const cases: [string, Expected, (asked: Asked) => Promise<unknown>][] = [
    ['closed by its invoker', ended('closed', 'close', 'alice'), (asked) => stack.say(asked, 'alice', 'close')],
    ['killed by a responder', ended('revoked', 'kill', 'erin'), (asked) => stack.say(asked, 'erin', 'kill')],
    ['denied by an approver', ended('revoked', 'deny', 'dave'), (asked) => stack.say(asked, 'dave', 'deny')],
    ['an approval withdrawn', ended('revoked', 'withdraw', 'carol'), (asked) => stack.say(asked, 'carol', 'withdraw')],
    ['cancelled from Temporal', ended('revoked', 'cancel'), cancel],
    ['an unexpected target', ended('revoked', 'unexpected_target'), unexpectedTarget],
  ];
  it.for(cases)('%s', async ([, wanted, act], { expect }) => {
    const asked = await standing();
    await act(asked);
    const view = await endsAs(expect, asked, wanted);
    expectStages(expect, view);
    expect(view.mark).toBe('standing');
    expect(view.sessions_ended_at).not.toBeNull();
  });
});

function expected(state: CeremonyView['state'], cause: string, by: string | null = null): Expected {
  return { state, status: null, cause, by };
}

function ended(state: CeremonyView['state'], cause: string, by: string | null = null): Expected {
  return { state, status: 'closed', cause, by };
}

async function cancel(asked: Asked): Promise<void> {
  await stack.stack.client.workflow.getHandle(ceremonyWorkflowId(asked.event)).cancel();
}

/** Reseal's own write application gives somebody the role, and no ceremony explains it; then it is taken back. */
async function unexpectedTarget(asked: Asked): Promise<void> {
  const assignment = {
    tenant: asked.tenant,
    principal_id: PEOPLE.find(({ id }) => id === 'mallory')?.object_id,
    role_definition_id: ROLE.template_id,
    created_by_app: stack.stack.settings.applications.directory_role,
  };
  await stack.graph.assignment(assignment);
  await hurry(stack, asked.event, ({ state }) => state !== 'active', { step: '2m' });
  await stack.graph.assignment({ ...assignment, remove: true });
}
