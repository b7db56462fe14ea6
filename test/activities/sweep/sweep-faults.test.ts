import { describe, expect, it } from 'vitest';

import { standingOf, type SweepReport } from '../../../domain/sweep.js';
import { instant } from '../../../domain/identifiers.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { HELD, inAWorld } from '../graph/in-a-world.js';
import { ALICE, WRITER, type World } from '../graph/world.js';
import { MINUTE, Sweeping, SWEEPER } from './sweep-world.js';
import { roleTuple } from '../../../activities/graph/pim/pim-wire.js';

let world: World;
let sweeping: Sweeping;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  sweeping = new Sweeping(world);
  signed = world.intent();
});

const PIM = '/roleManagement/directory';
const standing = async (): Promise<number> => (await world.truth()).assignments.length;
const removals = async (): Promise<number> =>
  (await world.posts()).filter(({ action }) => action === 'adminRemove').length;
const due = async (): Promise<void> => {
  await world.assign(signed, WRITER);
  await sweeping.pass(33 * MINUTE);
};
const outcome = ({ found }: SweepReport) => found.find(({ verdict }) => verdict === 'due')?.outcome;

describe('what the sweep cannot read is not absent', () => {
  it.each(['roleAssignmentScheduleRequests', 'roleAssignmentScheduleInstances', 'roleAssignments'])(
    'tells that %s could not be read, and is not clean',
    async (list) => {
      await world.fault({ method: 'GET', path: `*/${list}`, effect: 'status', status: 503, times: 50 });
      const report = await sweeping.run('look');
      expect(standingOf(report)).toBe('unknown');
      expect(report.tenants[0]?.unreadable).toHaveLength(1);
      expect(sweeping.codes()).toEqual(['sweep_unreadable']);
    },
  );

  it('tells it of an identity that may not read, at once', async () => {
    const report = await sweeping.run('sweep', sweeping.deps(['RoleAssignmentSchedule.Remove.Directory']));
    expect(report.tenants[0]?.unreadable.map(({ code }) => code)).toEqual(
      Array.from({ length: 3 }, () => 'graph_denied.Authorization_RequestDenied'),
    );
    expect(sweeping.waited).toEqual([]);
    expect(standingOf(report)).toBe('unknown');
  });

  it('ends what is ours also where instances cannot be read, and does not call it over', async () => {
    await due();
    await world.fault({ method: 'GET', path: `${PIM}/roleAssignmentScheduleInstances`, effect: 'html', times: 90 });
    const report = await sweeping.run();
    expect(outcome(report)).toMatchObject({ end: 'unknown', observed_at: null });
    expect(standingOf(report)).toBe('standing');
    expect(await standing()).toBe(0);
  });

  it('says that an assignment whose request cannot be seen is nobody’s yet', async () => {
    await due();
    await world.fault({
      method: 'GET',
      path: `${PIM}/roleAssignmentScheduleRequests`,
      effect: 'status',
      status: 500,
      times: 9,
    });
    const report = await sweeping.run();
    expect(report.found).toMatchObject([{ verdict: 'unattributed', why: 'requests_unreadable' }]);
    expect([await standing(), await removals()]).toEqual([1, 0]);
  });

  it('goes on with the tenants that it can read', async () => {
    await due();
    const other = '0000ffff-0000-4000-8000-00000000ffff';
    const deps = sweeping.deps();
    await world.fault({ tenant: other, method: 'GET', path: '*', effect: 'status', status: 500, times: null });
    const report = await sweeping.run('sweep', { ...deps, tenantIds: [other, world.tenant] });
    expect(report.tenants.map(({ unreadable }) => unreadable.length).sort()).toEqual([0, 3]);
    expect(await standing()).toBe(0);
  });
});

describe('a provider that is busy', () => {
  it('waits as long as it asks for, and without a word longer each time', async () => {
    await due();
    await world.fault({ method: 'GET', path: `${PIM}/roleAssignments`, effect: 'status', status: 429, retry_after: 9 });
    await world.faultOnRemoval({ effect: 'status', status: 429, times: 2 });
    const report = await sweeping.run();
    expect(outcome(report)).toMatchObject({ end: 'confirmed' });
    expect(sweeping.waited.slice(0, 3)).toEqual([9000, 1000, 2000]);
  });

  it('leaves to the next sweep what it is not let do in this one', async () => {
    await due();
    await world.faultOnRemoval({ effect: 'status', status: 429, retry_after: 60, times: 4 });
    await world.faultOnRemoval({ effect: 'status', status: 503, times: 1 });
    const report = await sweeping.run();
    expect(outcome(report)).toMatchObject({ end: 'standing' });
    expect(standingOf(report)).toBe('standing');
    expect(sweeping.codes()).toEqual(['sweep_unended']);
    expect(await standing()).toBe(1);
    expect(outcome(await sweeping.run())).toMatchObject({ end: 'confirmed' });
  });

  it('is told by code when it may not remove', async () => {
    await due();
    const report = await sweeping.run('sweep', sweeping.deps(['RoleManagement.Read.Directory']));
    expect(outcome(report)).toMatchObject({ end: 'standing', code: 'graph_denied.Authorization_RequestDenied' });
  });
});

describe('the removal', () => {
  it('tells when Graph’s five-minute floor is over, and is made then', async () => {
    const deadline = instant(world.clock.now() + 1 * MINUTE);
    signed = world.intent({ deadline, dead_man: instant(world.clock.now() + 30 * MINUTE) });
    await world.assign(signed, WRITER);
    await sweeping.pass(4 * MINUTE);
    const first = outcome(await sweeping.run());
    expect(first).toMatchObject({ end: 'standing', code: 'too_short' });
    world.clock.ms = Date.parse(first?.retry_at ?? '');
    expect(outcome(await sweeping.run())).toMatchObject({ end: 'confirmed' });
  });

  it('is not made twice when its answer was lost, and reads that lag do not end the sweep too early', async () => {
    await due();
    await world.control('/lag', { ms: 20_000 });
    await world.faultOnRemoval({ effect: 'lost_response' });
    const report = await sweeping.run();
    expect(['confirmed', 'observed', 'ended_otherwise']).toContain(outcome(report)?.end);
    expect(await standing()).toBe(0);
    expect(await removals()).toBeLessThanOrEqual(3);
  });

  it('touches no protected principal', async () => {
    await due();
    sweeping.protectedIds.add(ALICE);
    const report = await sweeping.run();
    expect(outcome(report)).toMatchObject({ end: 'standing', code: 'protected_principal' });
    expect([await standing(), await removals()]).toEqual([1, 0]);
  });

  it('waits for a request of ours that the provider has not decided', async () => {
    await world.control('/statuses', { statuses: [{ status: 'PendingProvisioning', after_seconds: 34 * 60 }] });
    await world.assign(signed, WRITER);
    await sweeping.pass(33 * MINUTE);
    const report = await sweeping.run();
    expect(outcome(report)).toMatchObject({ end: 'standing' });
    expect(standingOf(report)).toBe('standing');
    await sweeping.pass(8 * MINUTE);
    await sweeping.run();
    expect(await standing()).toBe(0);
  });

  it('is the ceremony’s own when that comes first', async () => {
    await due();
    sweeping.inPause = () => Promise.resolve();
    const { tuple } = signed.intent;
    const body = {
      action: 'adminRemove',
      principalId: tuple.principal_id,
      roleDefinitionId: roleTuple(tuple).role_template_id,
      directoryScopeId: '/',
    };
    await world.control('/lag', { ms: 15_000 });
    await world.graph('POST', `${PIM}/roleAssignmentScheduleRequests`, WRITER, body);
    const report = await sweeping.run();
    expect(standingOf(report)).toBe('clean');
    expect(await standing()).toBe(0);
  });

  it('does no harm when two sweeps run side by side, or one after the other', async () => {
    await due();
    const [one, two] = await Promise.all([sweeping.run(), sweeping.run()]);
    const ends = [outcome(one), outcome(two)].map((found) => found?.end);
    expect(ends).toContain('confirmed');
    expect(await standing()).toBe(0);
    expect((await sweeping.run()).found).toEqual([]);
  });

  it('never removes what somebody else put there since it looked', async () => {
    await due();
    await world.fault({ app: SWEEPER, method: 'POST', action: 'adminRemove', effect: 'status', status: 503 });
    sweeping.inPause = async () => {
      sweeping.inPause = () => Promise.resolve();
      await world.control('/assignments', { ...HELD, remove: true });
      await world.control('/assignments', { ...HELD, created_by_app: '33333333-0000-4000-8000-000000000003' });
    };
    const report = await sweeping.run();
    expect(outcome(report)).toMatchObject({ end: 'ended_otherwise' });
    expect(await standing()).toBe(1);
  });
});
