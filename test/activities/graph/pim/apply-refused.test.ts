import { describe, expect, it } from 'vitest';

import { generateRoleKey } from '../../../../proofs/role-key.js';
import { CRASH, type RunOptions } from '../attempts.js';
import { applyIn, grantsIn, inAWorld } from '../in-a-world.js';
import { ALICE, STRANGER, USER_ADMINISTRATOR, WRITER, type World } from '../world.js';

let world: World;
inAWorld((fresh) => {
  world = fresh;
});

const apply = (signed = world.intent(), options: RunOptions = {}, first = true) =>
  applyIn(world, signed, options, first);
const grants = (): Promise<number> => grantsIn(world);

describe('when the grant is refused', () => {
  it('is clean: a dry run refused it before anything was asked for', async () => {
    await world.control('/policies', { max_active_duration: 'PT10M' });
    const { result, attempts } = await apply();
    expect(result).toMatchObject({ code: 'RoleAssignmentRequestPolicyValidationFailed', clean: true });
    expect(attempts).toBe(1);
    expect(await grants()).toBe(0);
  });

  it('is not clean when an earlier run or activity may have called', async () => {
    await world.control('/policies', { max_active_duration: 'PT10M' });
    const { result } = await apply(world.intent(), {}, false);
    expect(result).toMatchObject({ outcome: 'refused', clean: false });
  });

  it('is not clean when a worker died between two attempts', async () => {
    await world.faultOnGrant({ effect: 'status', status: 429 });
    const { result, failures } = await apply(world.intent(), {
      before: async (attempt) => {
        if (attempt === 2) throw CRASH;
        if (attempt === 3) await world.control('/policies', { require_mfa: true });
      },
    });
    expect(failures.map(({ type }) => type)).toEqual(['graph_throttled', 'crashed']);
    expect(result).toMatchObject({ outcome: 'refused', clean: false });
  });

  it('is not clean when the first attempt finds details: somebody started the activity anew', async () => {
    await world.control('/policies', { require_mfa: true });
    const details = {
      clean_through: 0,
      posted: true,
      taken_reads: 0,
      unknown_reads: 0,
      client_request_ids: [],
    };
    const { result } = await apply(world.intent(), { from: { attempt: 1, details } });
    expect(result).toMatchObject({ outcome: 'refused', clean: false });
  });

  it('names a status that means refused, though the request was taken', async () => {
    await world.control('/statuses', { statuses: ['Failed'] });
    const { result } = await apply();
    expect(result).toMatchObject({ outcome: 'refused', code: 'request_failed', clean: true });
    expect((await world.truth()).assignments).toHaveLength(0);
  });

  it('tries a role that is not known yet a few times, and then gives up cleanly', async () => {
    const tuple = {
      tenant_id: world.tenant,
      principal_id: ALICE,
      role_template_id: STRANGER,
      directory_scope_id: '/',
    };
    const { result, attempts } = await apply(world.intent({ tuple }));
    expect(result).toMatchObject({ outcome: 'refused', code: 'RoleNotFound', clean: true });
    expect(attempts).toBe(5);
  });
});

describe("when somebody else's assignment stands", () => {
  it('refuses cleanly at once if nothing of ours was ever asked for', async () => {
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR });
    const { result, attempts } = await apply();
    expect(result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment', clean: true });
    expect(attempts).toBe(1);
  });

  it('looks twelve times before it says so after an unanswered call, and is not clean', async () => {
    await world.faultOnGrant({ effect: 'status', status: 503 });
    const { result, failures } = await apply(world.intent(), {
      before: async (attempt) => {
        const tuple = { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR };
        if (attempt === 2) await world.control('/assignments', tuple);
      },
    });
    expect(result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment', clean: false });
    expect(failures.length).toBe(13);
    expect(Math.max(...failures.map(({ delayMs }) => delayMs))).toBe(15_000);
    expect(await grants()).toBe(1);
  });
});

describe('when a marker is not ours', () => {
  it('does not adopt our very marker on a request of another application', async () => {
    const signed = world.intent();
    await world.assign(signed, STRANGER);
    const { result } = await apply(signed, {}, false);
    expect(result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment', clean: false });
  });

  it('does not adopt a marker that somebody else signed, though our application made the request', async () => {
    const signed = world.intent();
    const forged = world.intent({}, generateRoleKey());
    await world.assign(forged, WRITER);
    const { result } = await apply(signed, {}, false);
    expect(result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment' });
  });

  it('does not adopt the grant of another event', async () => {
    await world.assign(world.intent({ event_id: 'ffffffffffffffff' }), WRITER);
    const { result } = await apply(world.intent(), {}, false);
    expect(result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment' });
  });
});

describe('when our grant ends later than intended', () => {
  it('does not adopt it', async () => {
    const signed = world.intent();
    const endDateTime = new Date(Date.parse(signed.intent.dead_man ?? '') + 1000).toISOString();
    await world.assign(signed, WRITER, { scheduleInfo: { expiration: { type: 'afterDateTime', endDateTime } } });
    const { result } = await apply(signed, {}, false);
    expect(result).toMatchObject({ outcome: 'refused', code: 'ends_later_than_intended', clean: false });
  });
});
