import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { readReports } from '../../client/api/send-follow-up.js';
import { skipAhead } from '../../deploy/local/stack/time-skipping.js';
import type { Entry, EntryPayload } from '../../domain/entry.js';
import type { FollowUpStanding } from '../../domain/follow-up-tasks.js';
import { followUpWorkflowId } from '../../domain/identifiers.js';
import { STATEMENT_DOMAIN } from '../../domain/statement.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { verifiedBundle } from '../support/good-end.js';
import { PEOPLE, testPolicy } from '../support/people.js';
import { entriesOf } from '../support/records.js';
import { signWith } from '../support/signing.js';

const SECURITY_READER = '5d6b6bb7-de71-4623-b4af-96380a352509';
const [ALICE, BOB] = [PEOPLE[0]!, PEOPLE[1]!];
const JSON_BODY = { 'content-type': 'application/json' };

function policy(): string {
  const read = parse(testPolicy(4)) as { profiles: Record<string, object> };
  const on_kill = { report_granted: true, disable_account: true, restore_account: true };
  return stringify({ ...read, profiles: { ...read.profiles, p0: { ...read.profiles['p0'], on_kill } } });
}

describe('what people have done after a kill', () => {
  let stack: CeremonyStack;
  let asked: Asked;
  const url = (path: string): string => `${stack.stack.dev.gateway_url}/v1/events/${asked.event}/${path}`;

  beforeAll(async () => {
    stack = await CeremonyStack.start({ policyYaml: policy() });
    asked = await stack.activate();
    const given = { principal_id: BOB.object_id, role_definition_id: SECURITY_READER, tenant: asked.tenant };
    const ends_at = new Date(Date.now() + 36_000_000).toISOString();
    await stack.graph.assignment({ ...given, ends_at, created_by_user: ALICE.object_id });
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    await stack.until(asked.event, ({ kill }) => (kill?.granted.length ?? 0) > 0);
  }, 180_000);
  afterAll(() => stack?.stop());

  async function reportOf(type: EntryPayload['type']): Promise<EntryPayload> {
    await entriesOf(stack, asked.event, type);
    const { entries } = (await (await fetch(url('ledger'))).json()) as { entries: Entry[] };
    return readReports(entries).findLast(({ entry }) => entry.type === type)!.entry;
  }

  async function send(person: string, report: EntryPayload, said: object): Promise<string> {
    const statement = {
      domain: STATEMENT_DOMAIN,
      event_id: asked.event,
      request_digest: asked.request_digest,
      policy_digest: (JSON.parse(asked.envelope.payload) as { policy_digest: string }).policy_digest,
      person,
      issued_at: new Date().toISOString(),
      not_after: new Date(Date.now() + 3_600_000).toISOString(),
      report_digest: digestOf(report),
      ...said,
    };
    const body = JSON.stringify(signWith(stack.keyOf(person), statement));
    const answer = await fetch(url('follow-ups'), { method: 'POST', headers: JSON_BODY, body });
    expect(answer.status).toBe(202);
    return ((await answer.json()) as { id: string }).id;
  }

  /** Asks, and moves the follow-up's own time on, until it says something else than that it is at work. */
  async function standing(id: string, wanted = 'done'): Promise<FollowUpStanding> {
    const workflowId = followUpWorkflowId(asked.event, id);
    for (const giveUpAt = Date.now() + 120_000; ;) {
      const told = (await (await fetch(url(`follow-ups/${id}`))).json()) as FollowUpStanding;
      if (told.status === wanted || told.status === 'refused' || Date.now() > giveUpAt) return told;
      await sleep(200);
      if (told.status === 'working') await skipAhead(stack.stack.client, workflowId, 20).catch(() => undefined);
    }
  }

  it('refuses who has no say in it, and records that it did', async () => {
    const report = await reportOf('granted_listed');
    const entries = (report.data.granted as object[]).map((granted) => digestOf(granted));
    expect(entries).toHaveLength(1);
    for (const person of ['alice', 'mallory'])
      expect(await standing(await send(person, report, { act: 'take_back', entries }))).toMatchObject({
        status: 'refused',
        code: 'not_entitled',
      });
    const foreign = await send('bob', report, { act: 'take_back', entries: ['f'.repeat(64)] });
    expect(await standing(foreign)).toMatchObject({ status: 'refused', code: 'not_in_report' });
    expect(await entriesOf(stack, asked.event, 'follow_up_refused', 3)).toHaveLength(3);
    expect((await stack.graph.truth(asked.tenant)).assignments.map(({ principal_id }) => principal_id)).toContain(
      BOB.object_id,
    );
  });

  it('takes back what the principal gave to somebody else, upon the signed order of one who approved', async () => {
    const report = await reportOf('granted_listed');
    const entries = (report.data.granted as object[]).map((granted) => digestOf(granted));
    const id = await send('carol', report, { act: 'take_back', entries });
    expect(await standing(id)).toMatchObject({ status: 'done', steps: [{ result: 'done' }], confirmed: true });
    const { assignments } = await stack.graph.truth(asked.tenant);
    expect(assignments.map(({ principal_id }) => principal_id)).not.toContain(BOB.object_id);
  });

  it('enables the account again once the quorum has signed for the same, and only then', async () => {
    const isDisabled = ({ kill }: { kill?: { actions: { key: string; result: unknown }[] } | undefined }): boolean =>
      kill?.actions.some(({ key, result }) => key === 'disable_account' && result === 'done') ?? false;
    await stack.until(asked.event, isDisabled);
    const report = await reportOf('account_disabled');
    const said = { act: 'restore_account', not_for_compromise: true };
    const id = await send('bob', report, said);
    expect(await standing(id, 'waiting')).toMatchObject({ status: 'waiting', have: 1, want: 2 });
    expect(await send('carol', report, said)).toBe(id);
    expect(await standing(id)).toMatchObject({
      status: 'done',
      steps: [{ what: 'account', result: 'done', code: null }],
      confirmed: true,
    });
    const { accounts } = (await stack.graph.truth(asked.tenant)) as unknown as {
      accounts: { id: string; enabled: boolean }[];
    };
    expect(accounts.find(({ id: one }) => one === ALICE.object_id)?.enabled).toBe(true);
  });

  it('stands in the sealed bundle, each order judged again offline from what people signed', async () => {
    await stack.advanceToEnd(asked.event);
    const { errors, facts } = await verifiedBundle(stack, asked.event);
    expect(errors).toEqual([]);
    expect(facts).toMatchObject({ end: 'revoked', cause: 'kill' });
    const [taken, enabled] = ['take_back', 'restore_account'].map((act) =>
      facts.follow_ups.find((one) => one.act === act),
    );
    expect(taken).toMatchObject({ persons: ['carol'], done: [{ result: 'done' }], confirmed: true });
    expect(enabled).toMatchObject({ persons: ['bob', 'carol'], done: [{ what: ALICE.object_id }], confirmed: true });
    expect((await stack.graph.truth(asked.tenant)).assignments).toEqual([]);
  });
});
