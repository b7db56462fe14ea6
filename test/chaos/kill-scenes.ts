import { setTimeout as sleep } from 'node:timers/promises';
import { LOCAL_APPLICATIONS } from '../../deploy/local/stack/local-world.js';
import type { Database } from '../../activities/register/database.js';
import type { Asked, CeremonyStack } from '../support/ceremony-stack.js';
import { approveExtension, askToExtend, type Extending } from '../support/extending.js';

/** One step in which the worker is killed: how a ceremony gets to it, and how it goes on once a worker is back. */
export interface KillScene {
  name: string;
  /** The state that everybody sees at the moment of the kill. */
  state: string;
  end: 'expired' | 'closed';
  /** Brings the ceremony near; takes as long as it takes. */
  prepare: (at: Scenery) => Promise<Asked>;
  /** Brings it into the step itself, at most some seconds before the kill. */
  enter: (at: Scenery, asked: Asked) => Promise<unknown>;
  goOn?: (at: Scenery, asked: Asked) => Promise<unknown>;
}

/** What a scene is played on. `hold` keeps the authority from answering until it is let go. */
export interface Scenery {
  stack: CeremonyStack;
  database: Database;
  held: Promise<void>;
}

/** Longer than it takes to kill and start a worker: what was under way arrives when somebody else has tried already. */
const LONG_MS = 12_000;

const approveBoth = ({ stack }: Scenery, asked: Asked): Promise<void> => stack.approve(asked);
const byBob = async ({ stack }: Scenery, asked: Asked): Promise<void> => stack.approve(asked, 'bob');
const byCarol = async ({ stack }: Scenery, asked: Asked): Promise<void> => stack.approve(asked, 'carol');

/** Asked for, with bob's approval: carol's is the one that sets things in motion. */
const almostApproved = async (at: Scenery): Promise<Asked> => {
  const asked = await at.stack.ask();
  await at.stack.until(asked.event, (view) => view.state === 'awaiting_approval');
  await byBob(at, asked);
  return asked;
};

/** Granted long enough ago that the provider lets it be removed. */
const removable = async ({ stack }: Scenery): Promise<Asked> => {
  const asked = await stack.activate();
  await stack.advance(asked.event, '6m');
  return asked;
};

const delayGrant = (at: Scenery, { tenant }: Asked, after: boolean): Promise<void> =>
  at.stack.graph.fault({
    tenant,
    action: 'adminAssign',
    validation_only: false,
    effect: 'delay',
    delay_ms: LONG_MS,
    after,
  });

const delayRemoval = (at: Scenery, { tenant }: Asked, after: boolean): Promise<void> =>
  at.stack.graph.fault({ tenant, action: 'adminRemove', effect: 'delay', delay_ms: LONG_MS, after });

/** Until when each is to stand, where that is extended. */
const extending = new Map<string, Extending>();

/** Active, with an extension by twenty minutes that carol's approval sets in motion; the provider's answer takes its time. */
const almostExtended =
  (after: boolean) =>
  async (at: Scenery): Promise<Asked> => {
    const asked = await at.stack.activate();
    const slow = { tenant: asked.tenant, action: 'adminUpdate', effect: 'delay', delay_ms: LONG_MS, after };
    await at.stack.graph.fault(slow);
    const asks = await askToExtend(at.stack, asked, 20);
    await approveExtension(at.stack, asked, asks, 'bob');
    extending.set(asked.event, asks);
    return asked;
  };

const extendByCarol = async ({ stack }: Scenery, asked: Asked): Promise<Extending> => {
  const asks = extending.get(asked.event);
  if (asks === undefined) throw new Error('nothing is being extended');
  await approveExtension(stack, asked, asks, 'carol');
  return asks;
};

/** The extension is in force, once, and the role stands past the deadline that it moved. */
const goOnExtended = async ({ stack }: Scenery, asked: Asked): Promise<void> => {
  const { expires_at } = await stack.until(asked.event, ({ extension }) => extension?.state === 'done');
  const wanted = extending.get(asked.event)?.deadline;
  if (expires_at !== wanted) throw new Error(`it ends at ${expires_at ?? 'no time'} instead of ${wanted ?? 'no time'}`);
  await stack.advance(asked.event, '31m');
  const { state } = await stack.view(asked.event);
  if (state !== 'active') throw new Error(`${state} before its later deadline`);
};

export const KILL_SCENES: readonly KillScene[] = [
  {
    name: 'after admission, while the target is surveyed',
    state: 'awaiting_approval',
    end: 'expired',
    prepare: async ({ stack }) => {
      const asked = stack.prepare();
      const { verifier: app } = LOCAL_APPLICATIONS;
      const slow = { method: 'GET', path: '*', app, effect: 'delay', delay_ms: LONG_MS };
      await stack.graph.fault({ tenant: asked.tenant, ...slow });
      return asked;
    },
    enter: async ({ stack }, asked) => {
      await stack.send(asked);
      await stack.graph.untilMet(asked.tenant);
    },
    goOn: approveBoth,
  },
  {
    name: 'between two approvals',
    state: 'awaiting_approval',
    end: 'expired',
    prepare: almostApproved,
    enter: async () => undefined,
    goOn: byCarol,
  },
  {
    name: 'while the authority decides',
    state: 'issuing',
    end: 'expired',
    prepare: almostApproved,
    enter: async (at, asked) => {
      // The turn that the authority takes for this event, taken by somebody else until the worker is dead.
      let taken = (): void => undefined;
      const isTaken = new Promise<void>((resolve) => (taken = resolve));
      const holding = at.database.transaction(async (tx) => {
        await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`authority/${asked.event}`]);
        taken();
        await at.held;
      });
      holding.catch(() => undefined);
      await isTaken;
      await byCarol(at, asked);
      await at.stack.untilState(asked.event, 'issuing');
    },
  },
  {
    name: 'when the intent is recorded and its answer is not heard',
    state: 'issuing',
    end: 'expired',
    prepare: async (at) => {
      const asked = await almostApproved(at);
      await at.database.query('INSERT INTO slow_commits (event_id) VALUES ($1)', [asked.event]);
      return asked;
    },
    enter: async (at, asked) => {
      await byCarol(at, asked);
      await at.stack.untilState(asked.event, 'issuing');
    },
  },
  {
    name: 'with the grant under way',
    state: 'granting',
    end: 'expired',
    prepare: async (at) => {
      const asked = await almostApproved(at);
      await delayGrant(at, asked, false);
      return asked;
    },
    enter: async (at, asked) => {
      await byCarol(at, asked);
      await at.stack.graph.untilMet(asked.tenant);
    },
  },
  {
    name: 'when the grant has taken effect and its answer is not heard',
    state: 'granting',
    end: 'expired',
    prepare: async (at) => {
      const asked = await almostApproved(at);
      await delayGrant(at, asked, true);
      return asked;
    },
    enter: async (at, asked) => {
      await byCarol(at, asked);
      await at.stack.graph.untilStanding(asked.tenant, 1);
    },
  },
  {
    name: 'while the grant is verified',
    state: 'granting',
    end: 'expired',
    prepare: async (at) => {
      const asked = await almostApproved(at);
      // The second identity sees nothing of it yet.
      await at.stack.graph.lag(asked.tenant, 20_000);
      return asked;
    },
    enter: async (at, asked) => {
      await byCarol(at, asked);
      await at.stack.graph.untilStanding(asked.tenant, 1);
    },
  },
  {
    name: 'while it is active',
    state: 'active',
    end: 'expired',
    prepare: ({ stack }) => stack.activate(),
    enter: async () => undefined,
  },
  {
    name: 'with the call that extends it under way',
    state: 'active',
    end: 'expired',
    prepare: almostExtended(false),
    enter: async (at, asked) => {
      await extendByCarol(at, asked);
      await at.stack.graph.untilMet(asked.tenant);
    },
    goOn: goOnExtended,
  },
  {
    name: 'when it was extended and the answer is not heard',
    state: 'active',
    end: 'expired',
    prepare: almostExtended(true),
    enter: async (at, asked) => {
      const { deadline } = await extendByCarol(at, asked);
      await untilEndsAfter(at, asked, deadline);
    },
    goOn: goOnExtended,
  },
  {
    name: 'with the removal under way',
    state: 'resealing',
    end: 'closed',
    prepare: removable,
    enter: async (at, asked) => {
      await delayRemoval(at, asked, false);
      await at.stack.say(asked, 'alice', 'close');
      await at.stack.graph.untilMet(asked.tenant);
    },
  },
  {
    name: 'when the removal has taken effect and its answer is not heard',
    state: 'resealing',
    end: 'closed',
    prepare: removable,
    enter: async (at, asked) => {
      await delayRemoval(at, asked, true);
      await at.stack.say(asked, 'alice', 'close');
      await at.stack.graph.untilStanding(asked.tenant, 0);
    },
  },
  {
    name: 'between removal and confirmation',
    state: 'resealing',
    end: 'closed',
    prepare: removable,
    enter: async (at, asked) => {
      await at.stack.say(asked, 'alice', 'close');
      await at.stack.until(asked.event, (view) => view.rollback.accepted_at !== null);
    },
  },
];

/** Once what stands is kept by the provider until later than this. */
async function untilEndsAfter({ stack }: Scenery, { tenant }: Asked, time: string): Promise<void> {
  for (const giveUpAt = Date.now() + 30_000; Date.now() < giveUpAt; await sleep(50)) {
    const { assignments } = await stack.graph.truth(tenant);
    if (assignments.some(({ ends_at }) => Date.parse(ends_at ?? '') > Date.parse(time))) return;
  }
  throw new Error(`nothing of ${tenant} ends later than ${time}`);
}

/** A commit of an intent that takes its time for the events listed in `slow_commits`: recorded, and not yet answered. */
export const SLOW_COMMITS: readonly string[] = [
  'CREATE TABLE slow_commits (event_id text PRIMARY KEY)',
  `CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
     IF EXISTS (SELECT 1 FROM slow_commits WHERE event_id = NEW.event_id) THEN PERFORM pg_sleep(10); END IF;
     RETURN NULL;
   END $$`,
  `CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON authority.intents
     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION be_slow()`,
];
