import { describe, expect, it } from 'vitest';
import { accountTasks } from '../../../../activities/graph/people/account.js';
import { loopbackAccess } from '../../../../activities/graph/wire/graph-access.js';
import { killOutcomeSchema } from '../../../../domain/kill-state.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { inAWorld } from '../in-a-world.js';
import { ALICE, READER, type World } from '../world.js';

const DISABLER = '55555555-0000-4000-8000-000000000005';
let world: World;
inAWorld((fresh) => {
  world = fresh;
});

const nothing = { triggers: ['operator_statement' as const], end_sessions: false, report_granted: false, rotate: [] };
const intent = (disable_account = true) => world.intent({ on_kill: { ...nothing, disable_account } });

function disable(signed = intent(), options: RunOptions = {}) {
  const permissions = ['User.EnableDisableAccount.All', 'User.Read.All'];
  const access = loopbackAccess({ application_id: DISABLER, base_url: world.url, permissions });
  const tasks = accountTasks({ ...world.holdings, access });
  return runAttempts(
    (input: { signed: typeof signed }) => tasks.disableAccount(input),
    { signed },
    world.clock,
    options,
  );
}

async function enabled(): Promise<boolean | undefined> {
  const { accounts } = (await world.truth()) as unknown as { accounts: { id: string; enabled: boolean }[] };
  return accounts.find(({ id }) => id === ALICE)?.enabled;
}

describe('disabling an account', () => {
  it('disables it, reads it back, and says that it was enabled', async () => {
    const { result } = await disable();
    expect(killOutcomeSchema.parse(result)).toEqual(result);
    expect(result).toMatchObject({ result: 'done', code: null });
    expect(await enabled()).toBe(false);
    expect(world.entry('account_disabled')).toMatchObject({ was_enabled: true });
  });

  it('says of one that was disabled before that it was, and writes nothing', async () => {
    await world.graph('PATCH', `/users/${ALICE}`, READER, { accountEnabled: false });
    const { result } = await disable();
    expect(result).toMatchObject({ result: 'done', code: 'was_disabled_before' });
    const patches = (await world.truth()).calls.filter(({ method }) => method === 'PATCH');
    expect(patches).toHaveLength(1);
  });

  it('goes on after lost answers, throttling and stale replicas', async () => {
    await world.control('/lag', { ms: 20_000 });
    await world.fault({ method: 'PATCH', path: '/users', effect: 'lost_response' });
    await world.fault({ path: '/users', effect: 'status', status: 429, retry_after: 5 });
    const { result } = await disable();
    expect(result).toMatchObject({ result: 'done', code: null });
    expect(await enabled()).toBe(false);
  });

  it('disables it again where somebody enabled it meanwhile', async () => {
    await disable(intent(), {
      before: async (attempt) => {
        if (attempt === 3) await world.graph('PATCH', `/users/${ALICE}`, READER, { accountEnabled: true });
      },
    });
    expect(await enabled()).toBe(false);
  });

  it('refuses a protected principal', async () => {
    world.protectedIds.add(ALICE);
    expect((await disable()).result).toMatchObject({ result: 'refused', code: 'protected_target' });
    expect(await enabled()).toBe(true);
  });

  it('does nothing where the intent does not say so, or is nobody’s', async () => {
    await expect(disable(intent(false))).rejects.toMatchObject({ type: 'not_in_the_intent', nonRetryable: true });
    await expect(disable(world.intent())).rejects.toMatchObject({ type: 'not_in_the_intent' });
    const forged = { ...intent(), envelope: world.intent().envelope };
    await expect(disable(forged, { maxAttempts: 1 })).rejects.toThrow('intent_not_authentic');
    expect(await enabled()).toBe(true);
  });
});
