import { describe, expect, it } from 'vitest';
import { CancelledFailure } from '@temporalio/common';

import { instant } from '../../../../domain/identifiers.js';
import { INTENT_PAYLOAD_TYPE } from '../../../../domain/intent.js';
import { signDsse } from '../../../../proofs/dsse.js';
import { environmentOf, runAttempts, type RunOptions } from '../attempts.js';
import { applyIn, grantsIn, inAWorld, MINUTE } from '../in-a-world.js';
import { ALICE, EVIDENCE, type World } from '../world.js';

let world: World;
inAWorld((fresh) => {
  world = fresh;
});

const apply = (signed = world.intent(), options: RunOptions = {}, first = true) =>
  applyIn(world, signed, options, first);
const grants = (): Promise<number> => grantsIn(world);

describe('when nothing goes wrong', () => {
  it('makes a dry run and then one grant that the provider itself ends', async () => {
    const signed = world.intent();
    const { result, attempts } = await apply(signed);
    expect(result).toMatchObject({ outcome: 'granted', provider_status: 'Provisioned', adopted: false });
    expect(attempts).toBe(1);
    const { assignments } = await world.truth();
    expect(assignments).toHaveLength(1);
    expect(assignments[0]).toMatchObject({ principal_id: ALICE, ticket_number: signed.intent.marker.ticket_number });
    expect(Date.parse(assignments[0]?.ends_at ?? '')).toBe(Date.parse(signed.intent.dead_man ?? ''));
    expect((await world.posts()).map(({ validation_only }) => validation_only)).toEqual([true, false]);
  });

  it('gives every call a client-request-id of its own and keeps them in the receipt', async () => {
    await apply();
    const sent = (await world.posts()).map(({ client_request_id }) => client_request_id);
    expect(new Set(sent).size).toBe(2);
    expect(world.entry('granted')['client_request_ids']).toEqual(sent);
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
    expect(result).toMatchObject({ outcome: 'refused', code: 'intent_not_authentic', clean: true });
    expect(await world.posts()).toHaveLength(0);
    // Whoever has it say no of a forged intent is given no word about any.
    const { code, message } = result as { code: string; message: string };
    expect(world.entry('not_granted')).toEqual({ code, message, clean: true });
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
    const deadline = instant(world.clock.now() + 7 * MINUTE);
    const { result } = await apply(world.intent({ deadline }), {
      before: (attempt) => (attempt === 2 ? world.clock.advance(2 * MINUTE - 10_000) : undefined),
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
    const signed = world.intent();
    const input = { signed, evidence: EVIDENCE, warrant: await world.warrant(signed), first: true };
    const running = environment.run(world.effects.apply, input);
    setTimeout(() => environment.cancel(), 50);
    await expect(running).rejects.toBeInstanceOf(CancelledFailure);
    expect(await grants()).toBe(0);
  });

  it('awaits and returns the answer of a grant that was sent', async () => {
    const environment = environmentOf(1, undefined, world.clock);
    await world.faultOnGrant({ effect: 'delay', delay_ms: 300 });
    const signed = world.intent();
    const input = { signed, evidence: EVIDENCE, warrant: await world.warrant(signed), first: true };
    const running = environment.run(world.effects.apply, input);
    setTimeout(() => environment.cancel(), 150);
    expect(await running).toMatchObject({ outcome: 'granted' });
  });
});
