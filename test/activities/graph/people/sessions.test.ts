import { describe, expect, it } from 'vitest';

import { sessionsOutcomeSchema } from '../../../../domain/outcomes.js';
import { runAttempts } from '../attempts.js';
import { inAWorld } from '../in-a-world.js';
import { ALICE, READER, USER_ADMINISTRATOR, type World } from '../world.js';

let world: World;
const freshWorld = inAWorld((fresh) => {
  world = fresh;
});

const end = (signed = world.intent()) => runAttempts(world.sessions.endSessions, { signed }, world.clock);

describe('ending sessions', () => {
  it('revokes them, reads it back, and states the tail', async () => {
    const { result } = await end();
    expect(sessionsOutcomeSchema.parse(result)).toEqual(result);
    expect((await world.truth()).sessions_revoked).toMatchObject([{ principal_id: ALICE }]);
    expect(world.entry('sessions_ended')).toMatchObject({ principal_found: true });
    expect(String(world.entry('sessions_ended')['tail'])).toContain('about an hour');
    expect(world.entry('sessions_ended')['client_request_ids']).toHaveLength(2);
  });

  it('reads until the replica shows it, without revoking again', async () => {
    const types: string[] = [];
    // Which replica answers depends on how many reads came before: one of these begins with a stale one.
    for (let earlier = 0; earlier < 4; earlier += 1) {
      world = freshWorld();
      await world.control('/lag', { ms: 60_000 });
      for (let read = 0; read < earlier; read += 1) await world.graph('GET', `/users/${ALICE}`, READER);
      types.push(...(await end()).failures.map(({ type }) => type));
      expect((await world.truth()).sessions_revoked).toHaveLength(1);
    }
    expect(types).toContain('sessions_not_ended_yet');
  });

  it('goes on after throttling and server errors', async () => {
    await world.fault({ method: 'POST', path: '/users', effect: 'status', status: 429, retry_after: 9 });
    await world.fault({ method: 'POST', path: '/users', effect: 'status', status: 503 });
    const { failures } = await end();
    expect(failures.map(({ type }) => type)).toEqual(['graph_throttled', 'graph_ambiguous']);
    expect(failures[0]?.delayMs).toBe(9000);
  });

  it('does not hang for ever on a principal that was deleted', async () => {
    const tuple = {
      tenant_id: world.tenant,
      principal_id: 'dead0000-0000-4000-8000-00000000dead',
      role_template_id: USER_ADMINISTRATOR,
      directory_scope_id: '/',
    };
    const { attempts } = await end(world.intent({ tuple }));
    expect(attempts).toBe(12);
    expect(world.entry('sessions_ended')).toMatchObject({ principal_found: false, posted_at: null });
  });

  it('touches no protected principal', async () => {
    world.protectedIds.add(ALICE);
    await expect(end()).rejects.toMatchObject({ type: 'protected_principal', nonRetryable: true });
    expect((await world.truth()).sessions_revoked).toHaveLength(0);
  });

  it('ends nobody’s sessions for an intent that the authority did not sign', async () => {
    const signed = world.intent();
    const forged = { ...signed, intent: { ...signed.intent, event_id: 'ffffffffffffffff' } };
    const running = runAttempts(world.sessions.endSessions, { signed: forged }, world.clock, { maxAttempts: 1 });
    await expect(running).rejects.toThrow('intent_not_authentic');
    expect((await world.truth()).sessions_revoked).toHaveLength(0);
  });
});
