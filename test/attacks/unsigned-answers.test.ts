import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ceremonyWorkflowId, instant } from '../../domain/identifiers.js';
import type { EntryType } from '../../domain/entry.js';
import type { Role } from '../../domain/roles.js';
import { signReceipt } from '../../proofs/receipt.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { PEOPLE, ROLE } from '../support/people.js';
import { PlayedRoles } from '../support/played-roles.js';
import { failedTasks, RawTemporal } from '../support/raw-temporal.js';
import { hurry, isOver, ledgerOf } from '../support/records.js';

/** The liar has the payload key and a key of their own, and none of any role. */
const liar = generateRoleKey();
const EFFECT: Role = 'effect:entra.directory_role';
const SESSIONS: Role = 'effect:entra.sessions';

let stack: CeremonyStack;
let raw: RawTemporal;
let roles: PlayedRoles;

beforeAll(async () => {
  stack = await CeremonyStack.start({ roles: [] });
  raw = new RawTemporal(stack);
  roles = new PlayedRoles(stack);
});
afterAll(async () => {
  await roles.stop();
  await stack.stop();
});

async function lieAbout({ event }: Asked, activity: string, answer: unknown): Promise<void> {
  const workflowId = ceremonyWorkflowId(event);
  await raw.complete(workflowId, await raw.pendingActivity(workflowId, activity), await raw.value(answer));
}

/** An answer with an entry that nobody but the liar signed. */
const said = (
  { event }: Asked,
  type: EntryType,
  rest: Record<string, unknown> = {},
  data: Record<string, unknown> = {},
  transition: string = type,
) => {
  const at = instant(Date.now());
  const entry = { schema: 'reseal.entry.v1' as const, event_id: event, transition, type, at, data };
  return { ...rest, receipt: signReceipt(entry, liar) };
};

async function disbelieved(asked: Asked): Promise<string[]> {
  const { findings } = await stack.view(asked.event);
  return findings.filter(({ code }) => code === 'answer_not_authentic').map(({ detail }) => detail);
}

/** The end, and the audit log after it. */
async function toAudited(asked: Asked): Promise<void> {
  await stack.advanceToEnd(asked.event);
  await hurry(stack, asked.event, ({ rollback }) => rollback.audited_at !== null, { step: '10m' });
}

async function endsInTruth(asked: Asked, end: string): Promise<void> {
  const types = async () => (await ledgerOf(stack, asked.event)).map(({ type }) => type);
  for (const type of ['intent', 'granted', 'verified', 'sessions_ended', 'end_mark', 'confirmed', 'audited'])
    await expect.poll(types, { timeout: 30_000 }).toContain(type);
  const { errors } = (await aftermath(stack, asked)).bundle;
  expect(errors).toEqual([]);
  expect(await aftermath(stack, asked)).toMatchObject({
    standing: [],
    grants: 1,
    bundle: { ok: true },
    facts: { end },
  });
  expect(failedTasks(await raw.history(ceremonyWorkflowId(asked.event)))).toEqual([]);
}

describe('what somebody answers in the place of a role, without its signature', () => {
  it('`mark`, `endSessions` and `audit`: each is asked for again, and the ceremony says who was not believed', async () => {
    await roles.allBut();
    const asked = await stack.activate();
    await stack.advance(asked.event, '6m');
    await roles.allBut('authority', SESSIONS);
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    await lieAbout(asked, 'mark', said(asked, 'end_mark', { standing: null, standing_receipt: null }));
    await lieAbout(asked, 'endSessions', said(asked, 'sessions_ended', { at: instant(Date.now()) }));
    expect((await stack.graph.truth(asked.tenant)).sessions_revoked).toEqual([]);
    await roles.allBut();
    // In small steps: the audit log is not read in the first minutes after the end.
    const ended = await hurry(stack, asked.event, isOver);
    expect(ended).toMatchObject({ state: 'revoked', ended_by: expect.stringMatching(/^bob/) as string });
    await lieAbout(asked, 'audit', said(asked, 'audited', { outcome: 'audited', at: instant(Date.now()) }));
    await expect.poll(() => disbelieved(asked), { timeout: 30_000 }).toContain('audited');
    await toAudited(asked);
    await endsInTruth(asked, 'revoked');
    expect((await disbelieved(asked)).toSorted()).toEqual(['audited', 'end_mark', 'sessions_ended']);
    expect((await stack.graph.truth(asked.tenant)).sessions_revoked).toHaveLength(1);
    const marks = await stack.stack.database.query('SELECT cause FROM authority.end_marks WHERE event_id = $1', [
      asked.event,
    ]);
    expect(marks).toEqual([{ cause: 'kill' }]);
  }, 240_000);

  it('`watch`: what nobody signed is asked for again, what a liar signed makes nobody known', async () => {
    await roles.allBut();
    const asked = await stack.activate();
    await roles.allBut('verifier');
    const findings = [{ code: 'foreign_change', detail: 'nothing to see here' }];
    await lieAbout(asked, 'watch', { findings, holders: ['everybody'] });
    const data = { findings, added: ['everybody'], removed: [] };
    await lieAbout(asked, 'watch', { findings, holders: [], ...said(asked, 'watched', {}, data, 'watched/1') });
    await expect.poll(() => disbelieved(asked), { timeout: 30_000 }).toEqual(['watched/1']);
    expect((await stack.view(asked.event)).state).toBe('active');
    await roles.allBut();
    const [alice, bob] = PEOPLE;
    const given = { tenant: asked.tenant, principal_id: bob?.object_id, role_definition_id: ROLE.template_id };
    await stack.graph.assignment({ ...given, created_by_user: alice?.object_id });
    await hurry(stack, asked.event, ({ state }) => state !== 'active', { step: '2m' });
    expect(await stack.view(asked.event)).toMatchObject({ cause: 'unexpected_target' });
    await stack.graph.assignment({ ...given, remove: true });
    await stack.advance(asked.event, '6m');
    await toAudited(asked);
    await endsInTruth(asked, 'revoked');
    const watched = (await ledgerOf(stack, asked.event)).filter(({ type }) => type === 'watched');
    expect(watched).toMatchObject([{ data: { findings: [{ code: 'unexpected_target_detected' }] } }]);
  }, 240_000);

  it('`append`: what it kept from the ledger is offered again before anything later, and the bundle verifies', async () => {
    await roles.allBut();
    const asked = await stack.ask();
    await roles.allBut('register');
    await stack.approve(asked);
    await lieAbout(asked, 'append', { count: 7 });
    await stack.untilState(asked.event, 'active');
    expect((await ledgerOf(stack, asked.event)).map(({ type }) => type)).toEqual(['request']);
    await roles.allBut();
    await stack.advance(asked.event, '6m');
    expect(await stack.say(asked, 'alice', 'close')).toMatchObject({ status: 'accepted' });
    await toAudited(asked);
    await endsInTruth(asked, 'closed');
    expect(await disbelieved(asked)).toEqual([]);
  }, 240_000);

  it('`apply` and `verify`: a role that was never given is called active for no longer than an append takes', async () => {
    await roles.allBut();
    const asked = await stack.ask();
    await roles.allBut(EFFECT, 'verifier');
    await stack.approve(asked);
    const granted = { provider_request_id: 'x', provider_status: 'Provisioned', adopted: false };
    const { dead_man_at: ends_at } = await stack.until(asked.event, ({ dead_man_at }) => dead_man_at !== null);
    await lieAbout(asked, 'apply', said(asked, 'granted', { outcome: 'granted', ...granted, ends_at }));
    await lieAbout(asked, 'verify', said(asked, 'verified', { outcome: 'present', ends_at, findings: [] }));
    await stack.untilState(asked.event, 'granting');
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
    await expect.poll(() => disbelieved(asked), { timeout: 30_000 }).toEqual(['granted', 'verified']);
    await roles.allBut();
    await stack.untilState(asked.event, 'active');
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
    await stack.advance(asked.event, '6m');
    expect(await stack.say(asked, 'alice', 'close')).toMatchObject({ status: 'accepted' });
    await toAudited(asked);
    await endsInTruth(asked, 'closed');
  }, 240_000);
});
