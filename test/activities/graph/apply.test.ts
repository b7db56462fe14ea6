import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CancelledFailure } from '@temporalio/common';

import type { GraphSimulator } from '../../../deploy/local/graph/server.js';
import { INTENT_PAYLOAD_TYPE } from '../../../domain/intent.js';
import { applyOutcomeSchema } from '../../../domain/outcomes.js';
import { signDsse } from '../../../proofs/dsse.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { CRASH, environmentOf, runAttempts, type RunOptions } from './attempts.js';
import { ALICE, EVIDENCE, startSimulator, STRANGER, USER_ADMINISTRATOR, World, WRITER } from './world.js';

let simulator: GraphSimulator;
let world: World;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());
beforeEach(() => {
  world = new World(simulator);
});

const MINUTE = 60_000;

async function apply(signed = world.intent(), options: RunOptions = {}, first = true) {
  const ran = await runAttempts(world.effects.apply, { signed, evidence: EVIDENCE, first }, world.clock, options);
  expect(applyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}

const grants = async (): Promise<number> =>
  (await world.posts()).filter(({ action, validation_only }) => action === 'adminAssign' && !validation_only).length;

describe('when nothing goes wrong', () => {
  it('makes a dry run and then one grant that the provider itself ends', async () => {
    const signed = world.intent();
    const { result, attempts } = await apply(signed);
    expect(result).toMatchObject({ outcome: 'granted', provider_status: 'Provisioned', adopted: false });
    expect(attempts).toBe(1);
    const { assignments } = await world.truth();
    expect(assignments).toHaveLength(1);
    expect(assignments[0]).toMatchObject({ principal_id: ALICE, ticket_number: signed.intent.marker.ticket_number });
    expect(Date.parse(assignments[0]?.ends_at ?? '')).toBe(Date.parse(signed.intent.dead_man));
    expect((await world.posts()).map(({ validation_only }) => validation_only)).toEqual([true, false]);
  });

  it('gives every call a client-request-id of its own and keeps them in the receipt', async () => {
    await apply();
    const sent = (await world.posts()).map(({ client_request_id }) => client_request_id);
    expect(new Set(sent).size).toBe(2);
    expect(world.entry('granted')['client_request_ids']).toEqual(sent);
  });
});

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

describe('when the status decides, not 201', () => {
  it.each(['PendingProvisioning', 'Granted', 'ProvisioningStarted'])('waits while it says %s', async (status) => {
    await world.control('/statuses', { statuses: [{ status, after_seconds: 12 }] });
    const { result, failures } = await apply();
    expect(result).toMatchObject({ outcome: 'granted', provider_status: 'Provisioned', adopted: true });
    expect(failures[0]).toMatchObject({ type: 'request_undecided', delayMs: 5000 });
    expect(await grants()).toBe(1);
  });

  it('does not take a word that it does not know for granted', async () => {
    await world.control('/statuses', { statuses: ['Wonderful'] });
    await expect(apply(world.intent(), { maxAttempts: 4 })).rejects.toThrow('request_undecided');
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
    const endDateTime = new Date(Date.parse(signed.intent.dead_man) + 1000).toISOString();
    await world.assign(signed, WRITER, { scheduleInfo: { expiration: { type: 'afterDateTime', endDateTime } } });
    const { result } = await apply(signed, {}, false);
    expect(result).toMatchObject({ outcome: 'refused', code: 'ends_later_than_intended', clean: false });
  });
});

describe('when it must not call at all', () => {
  it('refuses a protected principal', async () => {
    world.protectedIds.add(ALICE);
    const { result } = await apply();
    expect(result).toMatchObject({ outcome: 'refused', code: 'protected_principal', clean: true });
    expect(await world.posts()).toHaveLength(0);
  });

  it('refuses evidence that does not carry it', async () => {
    world.verdict = { ok: false, code: 'quorum_not_met', message: '1 of 2 approvals' };
    const { result } = await apply();
    expect(result).toMatchObject({ outcome: 'refused', code: 'quorum_not_met', clean: true });
    expect(await world.posts()).toHaveLength(0);
  });

  it('refuses an intent that the authority did not sign', async () => {
    const signed = world.intent();
    const { result } = await apply({
      ...signed,
      intent: { ...signed.intent, dead_man: '2030-01-01T00:00:00.000Z' },
    });
    expect(result).toMatchObject({ outcome: 'refused', code: 'intent_not_authentic' });
    expect(await world.posts()).toHaveLength(0);
  });

  it("refuses the authority's signature over bytes that are no canonical intent", async () => {
    const { intent } = world.intent();
    const payload = Buffer.from(JSON.stringify(intent, null, 2));
    const envelope = signDsse({ payloadType: INTENT_PAYLOAD_TYPE, payload, key: world.authority });
    const { result } = await apply({ intent, envelope });
    expect(result).toMatchObject({ outcome: 'refused', code: 'intent_not_authentic' });
    expect(await world.posts()).toHaveLength(0);
  });

  it('refuses in the last five minutes, on a later attempt too', async () => {
    await world.faultOnGrant({ effect: 'status', status: 429, retry_after: 20 });
    const { result } = await apply(world.intent(), {
      before: (attempt) => (attempt === 2 ? world.clock.advance(25 * MINUTE - 10_000) : undefined),
    });
    expect(result).toMatchObject({ outcome: 'refused', code: 'too_late', clean: true });
    expect(await grants()).toBe(1);
  });

  it('does not grant again what was removed', async () => {
    const signed = world.intent();
    await apply(signed);
    world.clock.advance(6 * MINUTE);
    await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
    const { result } = await apply(signed, {}, false);
    expect(result).toMatchObject({ outcome: 'refused', code: 'already_removed', clean: false });
    expect((await world.truth()).assignments).toHaveLength(0);
  });
});

describe('when it is cancelled', () => {
  it('stops before the grant is sent', async () => {
    const environment = environmentOf(1, undefined, world.clock);
    await world.fault({ method: 'POST', validation_only: true, effect: 'delay', delay_ms: 200 });
    const running = environment.run(world.effects.apply, {
      signed: world.intent(),
      evidence: EVIDENCE,
      first: true,
    });
    setTimeout(() => environment.cancel(), 50);
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(await grants()).toBe(0);
  });

  it('awaits and returns the answer of a grant that was sent', async () => {
    const environment = environmentOf(1, undefined, world.clock);
    await world.faultOnGrant({ effect: 'delay', delay_ms: 300 });
    const running = environment.run(world.effects.apply, {
      signed: world.intent(),
      evidence: EVIDENCE,
      first: true,
    });
    setTimeout(() => environment.cancel(), 150);
    expect(await running).toMatchObject({ outcome: 'granted' });
  });
});
