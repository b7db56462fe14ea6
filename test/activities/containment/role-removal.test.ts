import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CONTAINMENT_MIGRATIONS } from '../../../activities/containment/containment-migrations.js';
import { hostTasks } from '../../../activities/containment/host-tasks.js';
import { loopbackAccess } from '../../../activities/graph/wire/graph-access.js';
import type { Database } from '../../../activities/register/database.js';
import { openPglite } from '../../../activities/register/database-pglite.js';
import { startGraphSimulator, type GraphSimulator } from '../../../deploy/local/graph/server.js';
import { leftContained } from '../../../domain/incidents/containment.js';
import { hostsSchema } from '../../../domain/incidents/host.js';
import { GraphControl } from '../../support/graph-control.js';
import { FakeClock } from '../graph/attempts.js';
import { ContainedHost, dataOf, OTHER } from './contained-host.js';

const TENANT = 'c0ffee00-0000-4000-8000-000000000001';
const ALICE = 'a11ce000-0000-4000-8000-000000000001';
const BOB = 'b0b00000-0000-4000-8000-000000000002';
const ROLE = '194ae4cb-b126-40b2-bd5b-6091b380977d';
const ENDS = '2026-06-01T18:00:00.000Z';
const role = (user_id: string) => ({ kind: 'graph_role', tenant_id: TENANT, user_id, role_template_id: ROLE });

describe('a directory role that an incident takes away', () => {
  let simulator: GraphSimulator;
  let database: Database;
  let control: GraphControl;
  let world: ContainedHost;
  beforeAll(async () => {
    [simulator, database] = await Promise.all([startGraphSimulator(), openPglite(null)]);
    await database.migrate(CONTAINMENT_MIGRATIONS);
    control = new GraphControl(simulator.controlUrl);
  });
  afterAll(() => Promise.all([simulator.close(), database.close()]));
  beforeEach(async () => {
    await database.query('DELETE FROM containment.holds');
    await database.query('DELETE FROM containment.targets');
    await control.post('/reset', { tenant: TENANT });
    const clock = new FakeClock();
    // No more than the role has: with this nothing can be given.
    const graph = loopbackAccess({
      application_id: '5e5ea100-0000-4000-8000-0000000000da',
      base_url: simulator.url,
      permissions: ['RoleAssignmentSchedule.Remove.Directory', 'RoleAssignmentSchedule.Read.Directory'],
    });
    const actions = { freeze_agent: { admin: role(ALICE) }, quarantine_model: { kept: role(BOB) } };
    const { hosts } = hostsSchema.parse({ schema: 'reseal.hosts.v1', hosts: { 'edge-1': { actions } } });
    const access = { temporal: null, account: { graph, clock, protectedIds: new Set([BOB]) } };
    world = new ContainedHost({ name: 'edge-1' } as ContainedHost['host'], database, hosts, access);
    Object.defineProperty(world, 'clock', { value: clock });
    await control.post('/time', { tenant: TENANT, now: '2026-06-01T10:00:00.000Z' });
  });
  const given = (over: Record<string, unknown> = {}) =>
    control.assignment({
      ...{ tenant: TENANT, principal_id: ALICE, role_definition_id: ROLE },
      ...{ starts_at: '2026-06-01T09:00:00.000Z', ends_at: ENDS, ...over },
    });
  const stands = async () => (await control.truth(TENANT)).assignments.map(({ ends_at }) => ends_at);
  const only = (outcome: Awaited<ReturnType<ContainedHost['contain']>>) => dataOf(outcome.receipt).targets?.[0];

  it('is gone, the journal says which it was, and a release gives nothing back', async () => {
    await given();
    const contained = await world.contain('freeze_agent');
    expect(contained.success).toBe(true);
    expect(await stands()).toEqual([]);
    expect(only(contained)).toMatchObject({
      ...{ kind: 'graph_role', did: 'contained', now: { state: 'contained' } },
      before: {
        state: 'released',
        revision: expect.stringMatching(/^pim [0-9a-f-]{36} until 2026-06-01T18:00:00/) as string,
      },
    });
    const { data, success, left } = await world.released('freeze_agent');
    expect({ success, left }).toEqual({ success: true, left: true });
    expect(data.targets).toMatchObject([{ did: 'left', why: 'not_given_back' }]);
    expect(leftContained(data.targets ?? [])).toBe(true);
    expect(await stands()).toEqual([]);
    const posts = (await control.truth(TENANT)).calls.filter(({ method }) => method === 'POST');
    expect(posts.map(({ action }) => action)).toEqual(['adminRemove']);
    expect((await world.released('freeze_agent')).data.targets).toMatchObject([{ why: 'not_given_back' }]);
  });

  it('that somebody gave outside PIM, without an end, is taken and not given back either', async () => {
    await given({ via: 'direct', ends_at: undefined });
    expect((await world.contain('freeze_agent')).success).toBe(true);
    expect(only(await world.contain('freeze_agent'))?.before?.revision).toMatch(/^plain .* until removed$/);
    await world.released('freeze_agent');
    expect(await stands()).toEqual([]);
  });

  it('that was not there is nothing of ours, and one that somebody gives meanwhile is left to them', async () => {
    expect(only(await world.contain('freeze_agent'))).toMatchObject({ did: 'was_contained' });
    expect((await world.released('freeze_agent')).data.targets).toMatchObject([{ why: 'contained_before' }]);
    await given();
    await world.contain('freeze_agent', { incident: OTHER });
    await given();
    const { data, left } = await world.released('freeze_agent', { incident: OTHER });
    expect(data.targets).toMatchObject([{ did: 'left', why: 'released_by_another' }]);
    expect(left).toBeUndefined();
    expect(await stands()).toEqual([ENDS]);
  });

  it('of a protected account is never touched', async () => {
    await given({ principal_id: BOB });
    const outcome = await world.contain('quarantine_model');
    expect(outcome).toMatchObject({ success: false, error: expect.stringContaining('protected_target') as string });
    expect(await stands()).toEqual([ENDS]);
  });

  it('is tried again until it is gone: throttled, unanswered, in its first minutes, not shown yet', async () => {
    await given({ starts_at: '2026-06-01T09:58:00.000Z' });
    const early = await world.contain('freeze_agent');
    expect(early).toMatchObject({ success: false, error: expect.stringContaining('first five minutes') as string });
    world.clock.advance(600_000);
    await control.fault({ tenant: TENANT, effect: 'status', status: 429, retry_after: 1 });
    expect((await world.contain('freeze_agent')).success).toBe(false);
    expect(await stands()).toHaveLength(1);
    await control.fault({ tenant: TENANT, effect: 'lost_response' });
    expect((await world.contain('freeze_agent')).success).toBe(false);
    expect(await stands()).toEqual([]);
    const contained = await world.contain('freeze_agent');
    expect(contained.success).toBe(true);
    expect(only(contained)).toMatchObject({ did: 'contained', before: { state: 'released' } });
  });

  it('that reads do not show yet is taken all the same', async () => {
    await control.lag(TENANT, 60_000);
    await given();
    expect((await world.contain('freeze_agent')).success).toBe(true);
    expect(await stands()).toEqual([]);
    await control.lag(TENANT, 0);
  });

  it('counts as gone only when reads say so', async () => {
    await given();
    world.clock.advance(120_000);
    await control.lag(TENANT, 60_000);
    const lagging = await world.contain('freeze_agent');
    expect(lagging).toMatchObject({ success: false, error: expect.stringContaining('not_contained_yet') as string });
    world.clock.advance(120_000);
    expect((await world.contain('freeze_agent')).success).toBe(true);
    await control.lag(TENANT, 0);
  });

  it('is seen by the verifier, and what is left is no release that it sees', async () => {
    await given();
    const input = { incident_id: OTHER, generation: 1, host: 'edge-1', action: 'freeze_agent' as const };
    const seen = hostTasks(world.deps);
    expect((await seen.verifyContained(input)).observed).toBe('released');
    await world.contain('freeze_agent', { incident: OTHER });
    expect((await seen.verifyContained(input)).observed).toBe('contained');
    await world.released('freeze_agent', { incident: OTHER });
    expect((await seen.verifyReleased(input)).observed).toBe('contained');
  });
});
