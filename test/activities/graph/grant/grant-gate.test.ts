import { describe, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Context } from '@temporalio/activity';

import { directoryRoleTasks } from '../../../../activities/graph/pim/directory-role.js';
import { grantGate } from '../../../../activities/graph/grant/grant-gate.js';
import { instant } from '../../../../domain/identifiers.js';
import { generateRoleKey } from '../../../../proofs/role-key.js';
import { scopeHashOf, warrantScopeOf } from '../../../../proofs/warrant.js';
import { environmentOf, runAttempts, type RunOptions } from '../attempts.js';
import { applyIn, grantsIn, inAWorld, MINUTE } from '../in-a-world.js';
import { BOB, EVIDENCE, type World } from '../world.js';

let world: World;
const freshWorld = inAWorld((fresh) => {
  world = fresh;
});

const SECOND = 1000;
const apply = (options: RunOptions & { warrant?: string | null } = {}, signed = world.intent(), first = true) =>
  applyIn(world, signed, options, first);
const nothingGranted = async (): Promise<void> => {
  expect(await world.posts()).toHaveLength(0);
  expect((await world.truth()).assignments).toHaveLength(0);
};

describe('a grant under its warrant', () => {
  it('tells each call that came to it, with digests and both request ids, and the contract', async () => {
    const signed = world.intent();
    await apply({}, signed);
    const entry = world.entry('granted');
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;
    expect(entry).toMatchObject({
      policy_digest: signed.intent.policy_digest,
      tool: 'breakglass.microsoft_graph.write_role_assignment',
    });
    const calls = entry['calls'] as Record<string, unknown>[];
    const post = { method: 'POST', path: '/roleManagement/directory/roleAssignmentScheduleRequests', status: 201 };
    expect(calls).toHaveLength(2);
    for (const call of calls) expect(call).toMatchObject({ ...post, request_digest: digest, response_digest: digest });
    expect(calls.map(({ client_request_id }) => client_request_id)).toEqual(entry['client_request_ids']);
    expect(calls[0]?.['request_digest']).not.toBe(calls[1]?.['request_digest']);
    for (const { graph_request_id } of calls) expect(graph_request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('names the warrant and its scope in the receipt', async () => {
    const signed = world.intent();
    const { result } = await apply({}, signed);
    expect(result.outcome).toBe('granted');
    expect(world.entry('granted')).toMatchObject({
      warrant_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      warrant_scope_hash_b64u: scopeHashOf(warrantScopeOf(signed.intent)),
      warrant: expect.stringMatching(/^[\w-]+[.][\w-]+[.][\w-]+$/) as unknown,
      warrant_judged_at: instant(world.clock.ms),
    });
  });

  it('names it where the provider refuses, too', async () => {
    await world.control('/policies', { require_mfa: true });
    await apply();
    expect(world.entry('not_granted')).toHaveProperty('warrant_id');
  });

  it('is tried no longer than the warrant lives, and says so without calling', async () => {
    const signed = world.intent();
    await world.faultOnGrant({ effect: 'status', status: 429, retry_after: 50, times: 10 });
    const { result, failures } = await apply({ warrant: await world.warrant(signed, 120) }, signed);
    expect(result).toEqual({ outcome: 'warrant_expired', at: new Date(world.clock.ms).toISOString() });
    expect(failures).toHaveLength(3);
    expect(await grantsIn(world)).toBe(3);
    expect(world.entries).toEqual([]);
  });

  it('goes on with another: what an unanswered call left is adopted, not made again', async () => {
    const signed = world.intent();
    await world.faultOnGrant({ effect: 'lost_response' });
    const { result } = await apply({ warrant: await world.warrant(signed, 4) }, signed);
    expect(result.outcome).toBe('warrant_expired');
    const again = await apply({}, signed, false);
    expect(again.result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(await grantsIn(world)).toBe(1);
  });

  it('is not sent when its process stood still for so long that the warrant is over', async () => {
    const signed = world.intent();
    const warrant = await world.warrant(signed, 120);
    await world.fault({ method: 'POST', validation_only: true, effect: 'delay', delay_ms: 300 });
    const standing = setTimeout(() => world.clock.advance(120 * SECOND), 100);
    const { result } = await apply({ warrant }, signed);
    clearTimeout(standing);
    expect(result).toMatchObject({ outcome: 'warrant_expired' });
    expect(await grantsIn(world)).toBe(0);
  });
});

describe('a grant that was made and removed', () => {
  it('cannot be made again under the same warrant, however long that says it lives', async () => {
    const signed = world.intent();
    const warrant = await world.warrant(signed);
    const { result } = await apply({ warrant }, signed);
    expect(result.outcome).toBe('granted');
    world.clock.advance(5 * MINUTE + 5 * SECOND);
    const removed = await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
    expect(removed.result.outcome).toBe('removed');
    expect((await apply({ warrant }, signed)).result.outcome).toBe('warrant_expired');
    expect((await world.truth()).assignments).toHaveLength(0);
  });

  it('is over after four minutes', async () => {
    const signed = world.intent();
    const warrant = await world.warrant(signed);
    world.clock.advance(240 * SECOND - 1);
    await world.control('/policies', { require_mfa: true });
    expect((await apply({ warrant }, signed)).result.outcome).toBe('refused');
    world.clock.advance(1);
    expect((await apply({ warrant }, signed)).result.outcome).toBe('warrant_expired');
  });
});

describe('without a warrant that holds', () => {
  it('says of a missing one and of one that is over that another is to be asked for', async () => {
    const signed = world.intent();
    expect((await apply({ warrant: null }, signed)).result.outcome).toBe('warrant_expired');
    const warrant = await world.warrant(signed, 120);
    world.clock.advance(2 * MINUTE);
    expect((await apply({ warrant }, signed)).result.outcome).toBe('warrant_expired');
    await nothingGranted();
    expect(world.entries).toEqual([]);
  });

  it('refuses one of another event, of another tuple, by another key, or none at all', async () => {
    const signed = world.intent();
    const tuple = { ...signed.intent.tuple, principal_id: BOB };
    const others = [
      [await world.warrant(world.intent({ event_id: 'ffffffffffffffff' })), 'warrant_foreign'],
      [await world.warrant(world.intent({ tuple })), 'warrant_foreign'],
      [await world.warrant(signed, 120, generateRoleKey()), 'warrant_not_signed'],
      [await world.warrant(signed, 120, world.role), 'warrant_not_signed'],
      ['', 'warrant_malformed'],
    ] as const;
    for (const [warrant, code] of others) {
      const { result } = await apply({ warrant }, signed);
      expect(result).toMatchObject({ outcome: 'refused', code, clean: true });
      expect(world.entry('not_granted')).not.toHaveProperty('warrant_id');
    }
    await nothingGranted();
  });

  it('refuses evidence before it looks at the warrant: only a quorum is worth another one', async () => {
    world.verdict = { ok: false, code: 'quorum_not_met', message: '1 of 2 approvals' };
    const { result } = await apply({ warrant: null });
    expect(result).toMatchObject({ outcome: 'refused', code: 'quorum_not_met', clean: true });
  });

  it('is not clean when an earlier attempt may have left something', async () => {
    const signed = world.intent();
    await world.faultOnGrant({ effect: 'status', status: 503 });
    const { result } = await apply(
      {
        before: (attempt) => {
          if (attempt === 2) world.verdict = { ok: false, code: 'quorum_not_met', message: 'somebody left' };
        },
      },
      signed,
    );
    expect(result).toMatchObject({ outcome: 'refused', code: 'quorum_not_met', clean: false });
    expect(world.entry('not_granted')['client_request_ids']).toHaveLength(2);
  });

  it('fails for good on what is not even an input', async () => {
    for (const input of [null, {}, { signed: {} }, { signed: world.intent(), first: true }]) {
      const run = runAttempts(world.effects.apply, input as never, world.clock);
      await expect(run).rejects.toMatchObject({ type: 'input_malformed', nonRetryable: true });
    }
  });
});

describe('a removal', () => {
  it('needs no warrant, whatever has passed since', async () => {
    const signed = world.intent();
    await apply({}, signed);
    world.clock.advance(60 * MINUTE);
    const { result } = await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
    expect(result.outcome).not.toBe('not_authentic');
  });

  it('runs with a clock that is an hour off', async () => {
    const signed = world.intent();
    await apply({}, signed);
    world.clock.advance(6 * MINUTE);
    await world.control('/clock', { advance_seconds: 3600 });
    const { result } = await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
    expect(result.outcome).toBe('removed');
  });
});

describe("a clock that is off Graph's", () => {
  it.each([
    ['ahead', -61],
    ['behind', 62],
  ])('refuses to grant by name when it is more than a minute %s', async (_, seconds) => {
    await world.control('/clock', { advance_seconds: seconds });
    const { result } = await apply();
    expect(result).toMatchObject({ outcome: 'refused', code: 'clock_off', clean: true });
    expect(await grantsIn(world)).toBe(0);
  });

  it.each([-58, 59])('grants at %d seconds', async (seconds) => {
    await world.control('/clock', { advance_seconds: seconds });
    expect((await apply()).result.outcome).toBe('granted');
  });

  it('refuses when Graph answers without its time', async () => {
    const real = globalThis.fetch;
    globalThis.fetch = async (input, init) => {
      const answer = await real(input, init);
      const headers = new Headers(answer.headers);
      headers.delete('date');
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers });
    };
    try {
      const { result } = await apply();
      expect(result).toMatchObject({ outcome: 'refused', code: 'clock_unchecked' });
    } finally {
      globalThis.fetch = real;
    }
    expect(await grantsIn(world)).toBe(0);
  });
});

describe('the gate', () => {
  it('must stand before the activity: without it nothing is granted', async () => {
    const bare = directoryRoleTasks(world.holdings);
    const signed = world.intent();
    const input = { signed, evidence: EVIDENCE, warrant: await world.warrant(signed), first: true };
    const ran = environmentOf(1, undefined, world.clock).run(() => bare.apply(input));
    await expect(ran).rejects.toMatchObject({ type: 'grant_not_admitted' });
    await nothingGranted();
  });

  it('admits one attempt and not the next', async () => {
    const other = freshWorld();
    const signed = other.intent();
    await other.faultOnGrant({ effect: 'status', status: 429, retry_after: 1 });
    const { attempts } = await applyIn(other, signed, {
      before: (attempt) => {
        if (attempt === 2) other.verdict = { ok: false, code: 'quorum_not_met', message: 'somebody left' };
      },
    });
    expect(attempts).toBe(2);
    expect(await grantsIn(other)).toBe(1);
  });

  it.each([
    ['rollback', 'ran'],
    ['rollbackOnOrder', 'ran'],
    ['takeBack', 'ran'],
    ['tool', 'ran'],
    ['anything else', undefined],
  ])('lets %s through by a rule, or not at all', async (activityType, expected) => {
    const gate = grantGate({ ...world.holdings, role: 'effect:entra.directory_role', judge: () => world.verdict });
    const environment = new MockActivityEnvironment({ activityType });
    const run = environment.run(async () => {
      const { inbound } = gate(Context.current());
      return inbound?.execute?.({ args: [{}], headers: {} }, () => Promise.resolve('ran'));
    });
    if (expected === undefined) await expect(run).rejects.toBeInstanceOf(ApplicationFailure);
    else expect(await run).toBe(expected);
  });

  it('lets through no activity that it has no rule for', async () => {
    const gate = grantGate({ ...world.holdings, role: 'effect:entra.directory_role', judge: () => world.verdict });
    const environment = environmentOf(1, undefined, world.clock);
    const run = environment.run(async () => {
      const { inbound } = gate(Context.current());
      return inbound?.execute?.({ args: [{}], headers: {} }, () => Promise.resolve('ran'));
    });
    await expect(run).rejects.toBeInstanceOf(ApplicationFailure);
  });
});
