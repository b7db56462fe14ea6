import { describe, expect, it } from 'vitest';

import { type RunOptions } from '../attempts.js';
import { applyIn, grantsIn, inAWorld } from '../in-a-world.js';
import type { World } from '../world.js';

let world: World;
inAWorld((fresh) => {
  world = fresh;
});

const apply = (signed = world.intent(), options: RunOptions = {}, first = true) =>
  applyIn(world, signed, options, first);
const grants = (): Promise<number> => grantsIn(world);

describe('when the answer to the grant is lost', () => {
  it('adopts its own grant and does not make another', async () => {
    await world.faultOnGrant({ effect: 'lost_response' });
    const { result, failures } = await apply();
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(failures).toMatchObject([{ type: 'graph_ambiguous', delayMs: 5000 }]);
    expect(await grants()).toBe(1);
  });

  it('finds it behind stale reads: the refused second grant is answered by looking longer', async () => {
    await world.control('/lag', { ms: 20_000 });
    await world.faultOnGrant({ effect: 'lost_response' });
    const { result, failures } = await apply();
    expect(failures.map(({ type }) => type)).toContain('graph_assignment_exists');
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect((await world.truth()).assignments).toHaveLength(1);
  });

  it('adopts what a server error and an html page hid', async () => {
    await world.faultOnGrant({ effect: 'html', status: 502, after: true });
    const { result, failures } = await apply();
    expect(result).toMatchObject({ outcome: 'granted', adopted: true });
    expect(failures[0]).toMatchObject({ type: 'graph_ambiguous' });
    expect(await grants()).toBe(1);
  });
});

describe('when the answer is ambiguous and nothing had happened', () => {
  it.each([500, 502, 503, 504])('tries again after %d', async (status) => {
    await world.faultOnGrant({ effect: 'status', status });
    const { result } = await apply();
    expect(result).toMatchObject({ outcome: 'granted', adopted: false });
    expect((await world.truth()).assignments).toHaveLength(1);
  });

  it('is never clean again, though the next answer is a plain refusal', async () => {
    await world.faultOnGrant({ effect: 'status', status: 503 });
    const { result } = await apply(world.intent(), {
      before: async (attempt) => {
        if (attempt === 2) await world.control('/policies', { require_mfa: true });
      },
    });
    expect(result).toMatchObject({
      outcome: 'refused',
      code: 'RoleAssignmentRequestPolicyValidationFailed',
      clean: false,
    });
  });
});

describe('when Graph throttles', () => {
  it('waits as long as Retry-After says and stays clean', async () => {
    await world.faultOnGrant({ effect: 'status', status: 429, retry_after: 17 });
    await world.control('/policies', { require_mfa: false });
    const { result, failures } = await apply(world.intent(), {
      before: async (attempt) => {
        if (attempt === 2) await world.control('/policies', { require_mfa: true });
      },
    });
    expect(failures).toMatchObject([{ type: 'graph_throttled', delayMs: 17_000 }]);
    expect(result).toMatchObject({ outcome: 'refused', clean: true });
  });

  it('backs off by itself without Retry-After, and never longer than a minute', async () => {
    await world.faultOnGrant({ effect: 'status', status: 429, times: 2 });
    await world.faultOnGrant({ effect: 'status', status: 429, retry_after: 3600 });
    const { result, failures } = await apply();
    expect(failures.map(({ delayMs }) => delayMs)).toEqual([1000, 2000, 60_000]);
    expect(result.outcome).toBe('granted');
  });
});
