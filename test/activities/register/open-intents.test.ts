import { describe, expect, it } from 'vitest';

import { openIntents } from '../../../activities/register/open-intents.js';
import type { Request } from '../../../domain/request.js';
import { verifyBundle } from '../../../proofs/bundle-verify.js';
import {
  T0,
  admissionOf,
  bob,
  carol,
  entryOf,
  requestFor,
  signAct,
  signRequest,
} from '../../proofs/ceremony-people.js';
import { sign, testTrust } from '../../proofs/full-ceremony.js';
import { bothDatabases } from './both-databases.js';
import { inARegister } from './in-a-register.js';
import { MIN, type RegisterWorld } from './register-world.js';

describe.each(bothDatabases)('what is not over over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the register${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let world: RegisterWorld;
    inARegister(open, (fresh) => {
      world = fresh;
    });

    describe('the reconciler', () => {
      it('sees what is not over, and closes only what never had an intent', async () => {
        const lost = requestFor();
        const granted = requestFor({ profile: 'reader' });
        await world.admit(lost);
        await world.admit(granted);
        world.now = T0 + 2 * MIN;
        const approvals = [signAct(bob, 'approve', granted), signAct(carol, 'approve', granted)];
        const issued = await world.authority.issue({
          event_id: granted.event_id,
          request: signRequest(granted),
          approvals,
          admission: admissionOf(granted),
        });
        expect(issued.outcome).toBe('issued');
        const reconciler = openIntents(world.holdings);
        const found = async (request: Request) =>
          (await reconciler.unended()).find(({ event_id }) => event_id === request.event_id);
        expect(await found(lost)).toEqual({ event_id: lost.event_id, intent: false, unproven: false });
        expect(await found(granted)).toEqual({ event_id: granted.event_id, intent: true, unproven: false });
        for (const request of [lost, lost, granted]) await reconciler.closeRow(request.event_id, 'workflow_lost');
        expect(await found(lost)).toBeUndefined();
        expect(await found(granted)).toEqual({ event_id: granted.event_id, intent: true, unproven: false });
        expect(await world.reader.getEvent(lost.event_id)).toMatchObject({
          state: 'cancelled',
          cause: 'workflow_lost',
        });
        const sealedBundle = await world.reader.bundleOf(lost.event_id);
        expect(verifyBundle(Buffer.from(sealedBundle?.bundle ?? ''), testTrust()).errors).toEqual([]);
        // A run that was reset knows of no intent: what it says of the end is not kept, and the row stays open.
        const untrue = sign(
          entryOf(granted.event_id, 'ended', 'ended', world.now, { end: 'cancelled', cause: 'kill' }),
        );
        await world.append(granted, [untrue], { state: 'cancelled' });
        expect(world.logged).toContainEqual(['receipt_refused', { event_id: granted.event_id, code: 'intent_stands' }]);
        expect(await world.transitionsOf(granted)).not.toContain('ended');
        expect(await world.reader.getEvent(granted.event_id)).toMatchObject({ state: 'awaiting_approval' });
        expect(await found(granted)).toMatchObject({ intent: true, unproven: false });
        // Ended, says the ceremony; gone, says nobody.
        await world.append(granted, [sign(entryOf(granted.event_id, 'ended', 'ended', world.now))], {
          state: 'revoked',
        });
        expect(await found(granted)).toEqual({ event_id: granted.event_id, intent: true, unproven: true });
        const { event_id } = granted;
        const marked = await world.authority.mark({ event_id, cause: 'kill', by: null });
        const confirmed = sign(entryOf(event_id, 'confirmed', 'confirmed', world.now));
        await world.append(granted, [marked.receipt, confirmed], { state: 'revoked' });
        expect(await found(granted)).toBeUndefined();
      });

      it('sees what ended before its deadline without an end mark, until that is there or the deadline has passed', async () => {
        const reconciler = openIntents(world.holdings);
        const seen = async () => (await reconciler.unended()).map(({ event_id }) => event_id);
        const endedAfter = async (minutes: number, requested: Request) => {
          const intent = await world.issue(requested);
          const asked = world.now;
          world.now += minutes * MIN;
          await world.end(requested, intent);
          world.now = asked;
          return requested.event_id;
        };
        const early = world.request();
        const closed = await endedAfter(10, early);
        await endedAfter(60, world.request({ profile: 'reader' }));
        world.now += 10 * MIN;
        expect(await reconciler.unended()).toEqual([{ event_id: closed, intent: true, unproven: false }]);
        world.now += 19 * MIN;
        expect(await seen()).toEqual([closed]);
        world.now += MIN;
        expect(await seen()).toEqual([]);
        world.now -= MIN;
        const mark = await world.authority.mark({ event_id: closed, cause: 'kill', by: null });
        await world.append(early, [mark.receipt]);
        expect(await seen()).toEqual([]);
      });
    });
  });
});
