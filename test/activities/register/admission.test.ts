import { describe, expect, it } from 'vitest';

import { instant } from '../../../domain/identifiers.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { verifyLedger } from '../../../proofs/ledger.js';
import { readEntry } from '../../../proofs/receipt.js';
import {
  T0,
  admissionOf,
  keyOf,
  newEventId,
  policyDigest,
  requestFor,
  signRequest,
} from '../../proofs/ceremony-people.js';
import { bothDatabases } from './both-databases.js';
import { inARegister } from './in-a-register.js';
import { MIN, type RegisterWorld } from './register-world.js';

describe.each(bothDatabases)('admission over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the register${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let world: RegisterWorld;
    inARegister(open, (fresh) => {
      world = fresh;
    });

    describe('when a request is admitted', () => {
      it('keeps the event, and the signed request as the first entry', async () => {
        const request = requestFor();
        expect(await world.admit(request)).toMatchObject({ outcome: 'admitted', at: instant(T0) });
        const view = await world.reader.getEvent(request.event_id);
        expect(view).toMatchObject({
          state: 'awaiting_approval',
          invoker_person: 'alice',
          run_id: 'run-1',
          policy_digest: policyDigest,
        });
        const [first] = await world.reader.ledgerOf(request.event_id);
        const read = readEntry(first?.body, request.event_id, keyOf);
        expect(read.ok && read.entry.data).toMatchObject({ request_digest: digestOf(request), person: 'alice' });
        expect(verifyLedger(request.event_id, [first])).toMatchObject({ ok: true, count: 1 });
      });

      it('answers the same again, whatever has changed since', async () => {
        const request = requestFor();
        const first = await world.admit(request);
        expect(first).toMatchObject({ outcome: 'admitted', at: instant(T0), receipt: admissionOf(request) });
        world.now = T0 + 24 * 60 * MIN;
        expect(await world.admit(request)).toEqual(first);
        expect(await world.transitionsOf(request)).toEqual(['request']);
      });

      it('refuses another request under the same event id, for ever', async () => {
        const request = requestFor();
        await world.admit(request);
        const other = requestFor({ event_id: request.event_id, profile: 'reader' });
        expect(await world.admit(other)).toMatchObject({ outcome: 'refused', code: 'event_id_taken' });
        expect(await world.admit(other)).toMatchObject({ outcome: 'refused', code: 'event_id_taken' });
        expect((await world.reader.getEvent(request.event_id))?.profile).toBe('admin');
      });
    });

    describe('when a request is refused', () => {
      it.each([
        ['too old', () => requestFor({ at: T0 - 40 * MIN, requested_at: instant(T0 - 40 * MIN) }), 'request_stale'],
        ['of a profile nobody knows', () => requestFor({ profile: 'nobody' }), 'profile_unknown'],
        ['under another policy', () => requestFor({ policy_digest: 'a'.repeat(64) }), 'policy_changed'],
        ['too long', () => requestFor({ duration_seconds: 5 * 3600 }), 'duration_too_long'],
      ])('keeps and repeats the refusal of one %s', async (__, make, code) => {
        const request = make();
        const first = await world.admit(request);
        expect(first).toMatchObject({ outcome: 'refused', code });
        world.now += MIN;
        expect(await world.admit(request)).toEqual(first);
        expect(await world.reader.refusalOf(request.event_id)).toMatchObject({ code, at: instant(T0) });
        expect(await world.reader.getEvent(request.event_id)).toBeUndefined();
      });

      it('does not let a forged request spend an event id', async () => {
        const request = requestFor();
        const forged = { ...signRequest(request), signature: signRequest(requestFor()).signature };
        const answer = await world.register.admit({ event_id: request.event_id, run_id: 'r', envelope: forged });
        expect(answer).toMatchObject({ outcome: 'refused', code: 'bad_signature' });
        expect(await world.admit(request)).toMatchObject({ outcome: 'admitted' });
      });

      it('refuses an envelope that asks for another event', async () => {
        const answer = await world.register.admit({
          event_id: newEventId(),
          run_id: 'r',
          envelope: signRequest(requestFor()),
        });
        expect(answer).toMatchObject({ outcome: 'refused', code: 'foreign_event' });
      });
    });
  });
});
