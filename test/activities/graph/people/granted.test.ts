import { describe, expect, it } from 'vitest';
import { instant } from '../../../../domain/identifiers.js';
import { killOutcomeSchema } from '../../../../domain/kill-state.js';
import { runAttempts } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ADMIN, ALICE, BOB, SECURITY_READER, USER_ADMINISTRATOR, type World } from '../world.js';

let world: World;
inAWorld((fresh) => {
  world = fresh;
});

/** A role that somebody gives to Bob, through PIM or past it. */
async function give(who: string, via: 'pim' | 'direct', role = SECURITY_READER): Promise<void> {
  const body = { principal_id: BOB, role_definition_id: role, created_by_user: who, via };
  await world.control('/assignments', {
    ...body,
    ends_at: via === 'pim' ? instant(world.clock.now() + 600 * MINUTE) : null,
  });
}

async function list(signed = world.intent(), settled = true) {
  const until = instant(world.clock.now());
  const input = { signed, until, settled };
  const { result, failures } = await runAttempts(world.verifier.listGranted, input, world.clock);
  expect(killOutcomeSchema.parse(result)).toEqual(result);
  return { granted: result.granted ?? [], failures };
}

describe('listing what the principal granted to others', () => {
  it('names what went through PIM, at once', async () => {
    const signed = world.intent();
    world.clock.advance(10 * MINUTE);
    await give(ALICE, 'pim');
    expect((await list(signed, false)).granted).toMatchObject([
      { via: 'pim', principal_id: BOB, role_template_id: SECURITY_READER, directory_scope_id: '/', standing: true },
    ]);
  });

  it('names what went past PIM once the log has settled, with the id that it is removed by', async () => {
    const signed = world.intent();
    world.clock.advance(10 * MINUTE);
    await give(ALICE, 'direct');
    const { granted, failures } = await list(signed);
    expect(failures.map(({ type }) => type)).toContain('audit_not_due');
    const [found] = granted;
    expect(found).toMatchObject({ via: 'direct', principal_id: BOB, standing: true, directory_scope_id: '/' });
    const removed = await world.graph(
      'DELETE',
      `/roleManagement/directory/roleAssignments/${found?.assignment_id}`,
      ADMIN,
    );
    expect(removed.status).toBe(204);
    expect((await list(signed)).granted).toMatchObject([{ via: 'direct', standing: false, assignment_id: null }]);
  });

  it('leaves out what others gave, what was given before, and what the principal gave itself', async () => {
    await give(ALICE, 'pim');
    world.clock.advance(20 * MINUTE);
    const signed = world.intent();
    world.clock.advance(10 * MINUTE);
    await give(ADMIN, 'pim', USER_ADMINISTRATOR);
    const own = { principal_id: ALICE, role_definition_id: SECURITY_READER, created_by_user: ALICE };
    await world.control('/assignments', { ...own, ends_at: instant(world.clock.now() + 600 * MINUTE) });
    expect((await list(signed)).granted).toEqual([]);
    expect(world.entry('granted_listed')).toMatchObject({ settled: true, total: 0 });
  });

  it('tells what else the log names, and reads on where it is throttled', async () => {
    const signed = world.intent();
    world.clock.advance(MINUTE);
    await world.graph('PATCH', `/users/${BOB}`, `user:${ALICE}`, { passwordProfile: { password: 'Correct-Horse-9' } });
    await world.fault({ path: '/auditLogs', effect: 'status', status: 429, retry_after: 10 });
    const { granted, failures } = await list(signed);
    expect(failures.map(({ type }) => type)).toContain('graph_throttled');
    expect(granted).toMatchObject([
      { via: 'other', activity: 'Reset user password', principal_id: BOB, standing: null },
    ]);
    expect(JSON.stringify(granted)).not.toContain('Correct-Horse-9');
  });
});
