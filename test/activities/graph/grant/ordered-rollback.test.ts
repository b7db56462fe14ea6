import { describe, expect, it } from 'vitest';

import { orderedRollbackOutcomeSchema } from '../../../../domain/outcomes.js';
import { instant } from '../../../../domain/identifiers.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import type { SignedStatement } from '../../../../domain/statement.js';
import { digestOf } from '../../../../proofs/canonical-json.js';
import {
  admissionOf,
  alice,
  bob,
  policyDigest,
  requestFor,
  signAct,
  signRequest,
} from '../../../proofs/ceremony-people.js';
import { runAttempts } from '../attempts.js';
import { grantedIn, inAWorld, MINUTE } from '../in-a-world.js';
import type { World } from '../world.js';

let world: World;
let signed: SignedIntent;
let request: ReturnType<typeof requestFor>;
inAWorld((fresh) => {
  world = fresh;
  const at = world.clock.now();
  request = requestFor({ event_id: '0123456789abcdef', at });
  signed = world.intent({ request_digest: digestOf(request), policy_digest: policyDigest, issued_at: instant(at) });
});

async function remove(order: SignedStatement) {
  const approvals = [signAct(bob, 'approve', request)];
  const evidence = {
    event_id: request.event_id,
    request: signRequest(request),
    approvals,
    admission: admissionOf(request),
  };
  const ran = await runAttempts(world.effects.rollbackOnOrder, { signed, evidence, order }, world.clock);
  expect(orderedRollbackOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran.result;
}
const killBy = (person: typeof alice) => signAct(person, 'kill', request, {}, world.clock.now());
const callsOfOurs = async (): Promise<number> =>
  (await world.truth()).calls.filter(({ client_request_id }) => client_request_id !== null).length;
const standing = async (): Promise<number> => (await world.truth()).assignments.length;

describe('a removal upon an order that the ceremony is still checking', () => {
  it('is carried out where the order verifies here, too', async () => {
    await grantedIn(world, signed, 10 * MINUTE);
    expect(await remove(killBy(alice))).toMatchObject({
      outcome: 'removed',
      word: 'revoked',
    });
    expect(await standing()).toBe(0);
  });

  it('calls nobody for an order that does not', async () => {
    await grantedIn(world, signed, 10 * MINUTE);
    const before = await callsOfOurs();
    const forged = { ...killBy(alice), signature: killBy(bob).signature };
    expect(await remove(forged)).toMatchObject({ outcome: 'not_ordered', reason: 'bad_signature' });
    expect(await callsOfOurs()).toBe(before);
    expect(await standing()).toBe(1);
  });

  it('is refused for an intent of no shape, without an error', async () => {
    signed = { intent: {} } as never;
    expect(await remove(killBy(alice))).toMatchObject({
      outcome: 'not_ordered',
      reason: 'malformed',
    });
  });
});
