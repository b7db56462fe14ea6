import { describe, expect, it } from 'vitest';

import { T0, bob, entryOf, requestFor } from '../../proofs/ceremony-people.js';
import { sign } from '../../proofs/full-ceremony.js';
import { bothDatabases } from './both-databases.js';
import { inARegister } from './in-a-register.js';
import type { RegisterWorld } from './register-world.js';

describe.each(bothDatabases)('stacking over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the register${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let world: RegisterWorld;
    inARegister(open, (fresh) => {
      world = fresh;
    });

    describe('when another event is open', () => {
      it('refuses a second one of the same invoker and profile, naming the first', async () => {
        const first = requestFor();
        await world.admit(first);
        const second = requestFor({ principal: { object_id: bob.object_id, upn: bob.upn } });
        const answer = await world.admit(second);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'stacking_invoker_profile' });
        expect(answer.outcome === 'refused' && answer.message).toContain(first.event_id);
        await world.append(first, [
          sign(entryOf(first.event_id, 'ended', 'ended', T0, { end: 'denied', cause: null })),
        ]);
        expect(await world.admit(requestFor())).toMatchObject({ outcome: 'admitted' });
        // The same answer as before, though the way would be free now.
        expect(await world.admit(second)).toEqual(answer);
      });

      it('refuses a second one for the same principal, role and scope', async () => {
        const first = requestFor();
        await world.admit(first);
        const answer = await world.admit(requestFor({ by: bob, principal: first.principal }), bob);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'stacking_target' });
        expect(answer.outcome === 'refused' && answer.message).toContain(first.event_id);
      });

      it('admits one for another profile and role', async () => {
        await world.admit(requestFor());
        expect(await world.admit(requestFor({ profile: 'reader' }))).toMatchObject({ outcome: 'admitted' });
      });

      it('lets one of 50 rivals win, and tells the others which', async () => {
        const rivals = Array.from({ length: 50 }, () => requestFor());
        const answers = await Promise.all(rivals.map((request) => world.admit(request)));
        const winners = rivals.filter((__, index) => answers[index]?.outcome === 'admitted');
        expect(winners).toHaveLength(1);
        for (const answer of answers) {
          if (answer.outcome === 'refused') expect(answer.message).toContain(winners[0]?.event_id);
        }
        expect(await world.reader.listEvents({ open: true })).toHaveLength(1);
      });

      it('gives 20 attempts at the same admission the same answer', async () => {
        const request = requestFor();
        const answers = await Promise.all(Array.from({ length: 20 }, () => world.admit(request)));
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
        expect(await world.transitionsOf(request)).toEqual(['request']);
      });
    });
  });
});
