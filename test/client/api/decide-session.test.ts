import { Client, Connection } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEYWORDS } from '../../../client/api/search-keywords.js';
import type { Decision } from '../../../domain/decision.js';
import { instant } from '../../../domain/identifiers.js';
import { policySchema } from '../../../domain/policy.js';
import { TASK_QUEUES } from '../../../domain/roles.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { realTemporalCli } from '../../deploy/local/temporal/real-temporal.js';
import { alice, bob, policy, roster, signRequest } from '../../proofs/ceremony-people.js';
import { ledgerOf, sign } from '../../proofs/full-ceremony.js';
import { down, NOW, registerWith, standingCeremony, ToldWorld } from './told-world.js';

const { cli, reason } = await realTemporalCli();
const skipped = reason === null ? '' : ` (skipped: ${reason})`;
let world: ToldWorld;

const codes = ({ reasons }: Decision): string[] => reasons.map(({ code }) => code);
const forAlice = { person: 'alice', profile: 'admin' };

describe.skipIf(reason !== null)(`a decision over a real Temporal server${skipped}`, () => {
  beforeAll(async () => {
    world = await ToldWorld.start(cli);
  });
  afterAll(() => world.stop());

  it('rests on what the authority signed', async () => {
    const ceremony = standingCeremony();
    await world.run(ceremony);
    expect(await world.over(ceremony).decide(forAlice)).toMatchObject({
      effect: 'allow',
      source: 'approved_request',
      proof: 'ledger',
      break_glass_event_id: ceremony.view.event_id,
      principal_id: alice.object_id,
      at: instant(NOW),
      expires_at: ceremony.intent.deadline,
      session_seconds: 25 * 60,
    });
  });

  it('asks by any name of a person, and by object id for that account alone', async () => {
    const ceremony = standingCeremony();
    await world.run(ceremony);
    const second = 'c0c0c0c0-0000-4000-8000-000000000000';
    const people = roster.people.map((person) =>
      person.id === 'alice' ? { ...person, object_ids: [second, alice.object_id] } : person,
    );
    const api = world.api(registerWith([ceremony.view], ceremony.entries), {
      roster: async () => ({ ...roster, people }),
    });
    const effectFor = async (person: string): Promise<string> => (await api.decide({ ...forAlice, person })).effect;
    expect(await effectFor('alice')).toBe('allow');
    expect(await effectFor(alice.upn.toUpperCase())).toBe('allow');
    expect(await effectFor(alice.object_id.toUpperCase())).toBe('allow');
    expect(await effectFor(second)).toBe('deny');
    expect(await effectFor('bob')).toBe('deny');
    await expect(effectFor('eve')).rejects.toMatchObject({ code: 'unknown_person' });
  });

  describe('when the register is behind', () => {
    it('believes the workflow that resealing has begun', async () => {
      const ceremony = standingCeremony();
      await world.run({ ...ceremony, view: { ...ceremony.view, state: 'resealing' } });
      expect(codes(await world.over(ceremony).decide(forAlice))).toContain('resealing');
    });

    it('waits a moment for the ledger of a grant that was just seen, and asks the workflow again', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      let asked = 0;
      const later = world.over(ceremony, () => ceremony.entries((asked += 1) < 3 ? 1 : undefined));
      expect(await later.decide(forAlice)).toMatchObject({ effect: 'allow', proof: 'ledger' });
      expect(asked).toBe(3);
    });

    it('allows nothing that never gets there', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      expect(codes(await world.over(ceremony, () => ceremony.entries(2)).decide(forAlice))).toContain('not_recorded');
    });
  });

  describe('when the workflow cannot be believed', () => {
    it('allows nothing while a statement is being judged, and then by what became of it', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      const handle = world.handleOf(ceremony);
      await handle.signal('kill', { ...ceremony.view, state: 'resealing' });
      expect(codes(await world.over(ceremony).decide(forAlice))).toContain('statements_unheard');
      const waiting = world.over(ceremony).decide(forAlice);
      world.release();
      expect(codes(await waiting)).toContain('resealing');
    });

    it('allows nothing where no worker answers, though the row says active', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony, 'nobody-serves-this');
      const decision = await world.over(ceremony).decide(forAlice);
      expect(decision.effect).toBe('deny');
      expect(codes(decision)).toContain('not_answering');
    });

    it('allows nothing of one that was terminated, though its history still answers that it is active', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      expect(await world.over(ceremony).decide(forAlice)).toMatchObject({ effect: 'allow' });
      await world.handleOf(ceremony).terminate();
      expect(await world.handleOf(ceremony).query('view')).toMatchObject({ state: 'active' });
      expect(codes(await world.over(ceremony).decide(forAlice))).toContain('workflow_lost');
    });

    it('allows nothing of one that Temporal does not know', async () => {
      expect(codes(await world.over(standingCeremony()).decide(forAlice))).toContain('workflow_lost');
    });

    it.each([
      ['of another event', { event_id: '0000000000000000' }],
      ['without a state', { state: undefined }],
      ['in a state that is none', { state: 'open' }],
      ['with a deadline that is no time', { expires_at: 'never' }],
    ])('allows nothing on a view %s', async (_what, told) => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      await world.handleOf(ceremony).terminate();
      const { request, view } = ceremony;
      await world.client.workflow.start('breakGlass', {
        workflowId: `breakglass/${request.event_id}`,
        taskQueue: TASK_QUEUES.ceremonies,
        args: [{ view: { ...view, ...told } }],
      });
      expect(codes(await world.over(ceremony).decide(forAlice))).toContain('not_answering');
    });
  });

  describe('when somebody who can write to the namespace runs a workflow of their own', () => {
    it('gets no later deadline, and no other kind of quorum, than the authority signed', async () => {
      const ceremony = standingCeremony();
      const told = { quorum: 'immediate', expires_at: instant(NOW + 86_400_000) } as const;
      await world.run({ ...ceremony, view: { ...ceremony.view, ...told } });
      expect(await world.over(ceremony).decide(forAlice)).toMatchObject({
        source: 'approved_request',
        expires_at: ceremony.intent.deadline,
      });
    });

    it('gets nothing for another principal or another profile', async () => {
      const ceremony = standingCeremony();
      await world.run({ ...ceremony, view: { ...ceremony.view, principal_id: bob.object_id, profile: 'reader' } });
      expect((await world.over(ceremony).decide({ person: 'bob', profile: 'reader' })).effect).toBe('deny');
      const row = { ...ceremony.view, principal_id: bob.object_id };
      const forBob = await world.api(registerWith([row], ceremony.entries)).decide({ ...forAlice, person: 'bob' });
      expect(codes(forBob)).toContain('ledger_disagrees');
    });

    it('gets nothing for a ceremony that nobody granted, however active it says it is', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      const asked = world.over(ceremony, () => ceremony.entries(1));
      expect(codes(await asked.decide(forAlice))).toContain('not_recorded');
    });

    it('gets nothing by setting a ceremony back to when it was active: the ledger knows better', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      const all = () => ledgerOf(ceremony.request.event_id, ceremony.payloads.map(sign));
      expect(codes(await world.over(ceremony, all).decide(forAlice))).toContain('ledger_disagrees');
    });
  });

  describe('without the register', () => {
    it('finds the ceremony through Temporal, and says that the word is all there is', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      const request = {
        ...ceremony.request,
        event_id: 'feedfacefeedface',
        principal: { object_id: bob.object_id, upn: bob.upn },
      };
      await world.client.workflow.start('breakGlass', {
        workflowId: 'breakglass/feedfacefeedface',
        taskQueue: TASK_QUEUES.ceremonies,
        args: [
          {
            view: { ...ceremony.view, event_id: 'feedfacefeedface', principal_id: bob.object_id },
            envelope: signRequest(request),
          },
        ],
        typedSearchAttributes: new TypedSearchAttributes([
          { key: KEYWORDS.state, value: 'active' },
          { key: KEYWORDS.profile, value: 'admin' },
        ]),
      });
      for (const register of [null, down]) {
        await expect
          .poll(async () => world.api(register).decide({ ...forAlice, person: 'bob' }), {
            timeout: 20_000,
            interval: 500,
          })
          .toMatchObject({ effect: 'allow', proof: 'workflow', break_glass_event_id: 'feedfacefeedface' });
      }
      expect((await world.api(down).decide({ ...forAlice, person: 'carol' })).effect).toBe('deny');
    });

    it('takes the word where the register has a row and there are no trust roots', async () => {
      const ceremony = standingCeremony();
      await world.run(ceremony);
      const api = world.api(registerWith([ceremony.view], ceremony.entries), { keys: undefined });
      expect(await api.decide(forAlice)).toMatchObject({ effect: 'allow', proof: 'workflow' });
    });

    it('refuses to answer when there is more than it can look through', async () => {
      const crowd = Array.from({ length: 65 }, () => standingCeremony({ profile: 'reader' }));
      for (const one of crowd)
        await world.run({ ...one, request: { ...one.request, profile: 'reader' } }, 'nobody-serves-this');
      const asked = async (): Promise<unknown> =>
        world
          .api(down)
          .decide({ person: 'carol', profile: 'reader' })
          .catch((error: unknown) => error);
      await expect
        .poll(asked, { timeout: 30_000, interval: 1_000 })
        .toMatchObject({ code: 'register_unreachable', exit: 6 });
    });
  });

  it('needs neither register nor Temporal for a standing rule', async () => {
    const standing = [{ name: 'always', allow: ['person:bob'], max_session: '10m' }];
    const withRule = policySchema.parse({ ...policy, standing });
    const unreachable = Connection.lazy({ address: '127.0.0.1:9' });
    const api = world.api(down, {
      client: new Client({ connection: unreachable }),
      policy: async () => ({ policy: withRule, digest: digestOf(withRule) }),
    });
    const allowed = { effect: 'allow', source: 'standing', proof: 'policy', rule: 'always', session_seconds: 600 };
    expect(await api.decide({ ...forAlice, person: 'bob' })).toMatchObject(allowed);
    await expect(api.decide(forAlice)).rejects.toMatchObject({ code: 'temporal_unreachable', exit: 6 });
    await unreachable.close();
  });
});
