import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import type { CeremonyView } from '../../domain/view.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath, type Aftermath } from '../support/good-end.js';
import { TemporaryPostgres } from '../support/temporary-postgres.js';

const missing = await available();

interface Played {
  /** As everybody saw it at its end, with the database still gone. */
  ended: CeremonyView;
  standing: unknown[];
  after: Aftermath;
}

/**
 * Three ceremonies whose database dies while their grants are under way, and comes back when they are over; and one that
 * is asked for meanwhile. Every entry waits in the ceremony's own state.
 */
describe.skipIf(missing !== null)(`when PostgreSQL is gone${missing === null ? '' : ` (${missing})`}`, () => {
  let postgres: TemporaryPostgres | undefined;
  let stack: CeremonyStack | undefined;
  let ends: Record<'expires' | 'closes' | 'killed' | 'waits', Promise<Played>>;

  beforeAll(async () => {
    postgres = await TemporaryPostgres.start();
    stack = await CeremonyStack.start({ databaseUrl: postgres.url });
    const here = stack;
    const underWay = await Promise.all([grantUnderWay(here, '10m'), grantUnderWay(here), grantUnderWay(here)]);
    await postgres.kill();

    const [short, closing, killing] = underWay.map(async (asked) => {
      await here.untilState(asked.event, 'active');
      return asked;
    });
    const waiting = here.prepare();
    const overs = [
      endWithout(here, short!, (asked) => here.advance(asked.event, '10m')),
      endWithout(here, closing!, async (asked) => {
        await here.advance(asked.event, '6m');
        await here.say(asked, 'alice', 'close');
      }),
      endWithout(here, killing!, async (asked) => {
        await here.advance(asked.event, '6m');
        await here.say(asked, 'bob', 'kill');
      }),
      endWithout(here, askWithout(here, waiting), () => Promise.resolve(), false),
    ];
    await Promise.allSettled(overs);
    await postgres.startAgain();
    const [expires, closes, killed, waits] = overs.map((over) => proof(here, over));
    ends = { expires: expires!, closes: closes!, killed: killed!, waits: waits! };
    for (const end of Object.values(ends)) end.catch(() => undefined);
  }, 180_000);

  afterAll(async () => {
    await stack?.stop();
    await postgres?.remove();
  });

  const whole = (end: string) => ({
    ended: { state: end },
    standing: [],
    after: { standing: [], grants: 1, bundle: { ok: true, errors: [] }, facts: { end } },
  });

  it.concurrent('ends at its deadline, and tells the register when it is back', async ({ expect }) => {
    const played = await ends.expires;
    expect(played).toMatchObject(whole('expired'));
    const { rollback, expires_at } = played.ended;
    expect(Date.parse(rollback.requested_at ?? '') - Date.parse(expires_at ?? '')).toBeLessThan(3_000);
  });

  it.concurrent('is closed by its invoker', async ({ expect }) => {
    expect(await ends.closes).toMatchObject(whole('closed'));
  });

  it.concurrent('is killed, and the end mark follows', async ({ expect }) => {
    const played = await ends.killed;
    expect(played).toMatchObject(whole('revoked'));
    expect(played.ended.mark).toBe('pending');
  });

  it.concurrent('keeps a new request waiting, and admits it afterwards', async ({ expect }) => {
    const { ended, after } = await ends.waits;
    expect(ended.state).toBe('requested');
    expect(after).toMatchObject({ standing: [], grants: 1, bundle: { ok: true }, facts: { end: 'expired' } });
  });
});

/** Approved, with the call that grants it on its way. */
async function grantUnderWay(stack: CeremonyStack, duration = '30m'): Promise<Asked> {
  const asked = await stack.ask({ duration });
  const slow = { action: 'adminAssign', validation_only: false, effect: 'delay', delay_ms: 4_000 };
  await stack.graph.fault({ tenant: asked.tenant, ...slow });
  await stack.approve(asked);
  await stack.graph.untilMet(asked.tenant);
  return asked;
}

async function askWithout(stack: CeremonyStack, asked: Asked): Promise<Asked> {
  const answer = await stack.send(asked);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  await sleep(5_000);
  return asked;
}

async function endWithout(
  stack: CeremonyStack,
  active: Promise<Asked>,
  end: (asked: Asked) => Promise<unknown>,
  over = true,
): Promise<{ asked: Asked; ended: CeremonyView; standing: unknown[] }> {
  const asked = await active;
  await end(asked);
  const ended = over ? await stack.advanceToEnd(asked.event, '10m', '2m') : await stack.view(asked.event);
  return { asked, ended, standing: (await stack.graph.truth(asked.tenant)).assignments };
}

async function proof(stack: CeremonyStack, over: ReturnType<typeof endWithout>): Promise<Played> {
  const { asked, ended, standing } = await over;
  if (ended.state === 'requested') {
    await stack.untilState(asked.event, 'awaiting_approval');
    await stack.approve(asked);
    await stack.untilState(asked.event, 'active');
    await stack.advanceToEnd(asked.event);
  }
  return { ended, standing, after: await aftermath(stack, asked, 60_000) };
}
