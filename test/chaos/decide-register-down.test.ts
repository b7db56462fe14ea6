import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import { decisionSchema, type Decision } from '../../domain/decision.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { TemporaryPostgres } from '../support/temporary-postgres.js';

const missing = await available();

/** A decision needs the register to prove a grant, and Temporal alone to know of one. */
describe.skipIf(missing !== null)(
  `a decision while PostgreSQL is gone${missing === null ? '' : ` (${missing})`}`,
  () => {
    let postgres: TemporaryPostgres | undefined;
    let stack: CeremonyStack;
    let asked: Asked;

    beforeAll(async () => {
      postgres = await TemporaryPostgres.start();
      stack = await CeremonyStack.start({ databaseUrl: postgres.url });
      asked = await stack.activate();
      expect(await decided('alice')).toMatchObject({ effect: 'allow', proof: 'ledger' });
      await postgres.kill();
    });
    afterAll(async () => {
      await stack?.stop();
      await postgres?.remove();
    });

    async function decided(person: string): Promise<Decision> {
      const answer = await fetch(`${stack.stack.dev.gateway_url}/v1/decide`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ person, profile: asked.profile }),
      });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return decisionSchema.parse(await answer.json());
    }

    it('asks Temporal, says so, and hears of a kill at once', async () => {
      await expect
        .poll(() => decided('alice'), { timeout: 30_000, interval: 1_000 })
        .toMatchObject({ effect: 'allow', proof: 'workflow', break_glass_event_id: asked.event });
      expect(await decided('bob')).toMatchObject({ effect: 'deny' });
      expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
      const killed = await decided('alice');
      expect(killed.effect).toBe('deny');
      expect(killed.reasons.map(({ code }) => code)).toContain('resealing');
    });
  },
);
