import { setTimeout as sleep } from 'node:timers/promises';
import { LOCAL_APPLICATIONS } from '../stack/local-world.js';
import type { Recording } from './recording.js';
import { CROWD, ROLE } from '../stack/crowd.js';

/** Acts one ceremony out and answers its histories, one a run. */
export type Script = (recording: Recording) => Promise<string[]>;

/** A ceremony of its own for every script, all of them at the same time; the longest takes eleven minutes. */
export const RECORDINGS: Readonly<Record<string, Script>> = {
  denied: async (r) => {
    await r.ask();
    await r.say('bob', 'deny');
    return ended(r);
  },
  cancelled: async (r) => {
    await r.ask();
    await r.stack.client.workflow.getHandle(r.workflowId).cancel();
    return ended(r);
  },
  unapproved: async (r) => {
    await r.ask();
    await r.say('bob', 'approve');
    await r.say('bob', 'withdraw');
    return ended(r);
  },
  'killed-while-awaiting': async (r) => {
    await r.ask();
    await r.say('bob', 'approve');
    await r.say('alice', 'kill');
    return ended(r);
  },
  'refused-at-the-survey': async (r) => {
    const tuple = { principal_id: CROWD[0]!.object_id, role_definition_id: ROLE.template_id };
    await r.control('/assignments', { tenant: r.tenant, ...tuple });
    await r.ask();
    return ended(r);
  },
  'not-granted': async (r) => {
    await r.fault({ effect: 'status', status: 403, times: null, action: 'adminAssign', validation_only: false });
    await r.ask();
    await r.approve();
    return ended(r);
  },
  'killed-while-active': async (r) => {
    await r.activate();
    await r.passTheFloor();
    await r.say('bob', 'kill');
    return ended(r);
  },
  closed: async (r) => {
    await r.fault({ effect: 'lost_response', times: 1, action: 'adminAssign', validation_only: false });
    await r.activate();
    await r.passTheFloor();
    await r.say('alice', 'close');
    return ended(r);
  },
  withdrawn: async (r) => {
    await r.activate();
    await r.passTheFloor();
    await r.say('carol', 'withdraw');
    return ended(r);
  },
  'killed-under-the-floor': async (r) => {
    await r.activate();
    await r.say('bob', 'kill');
    return ended(r);
  },
  'rollback-overdue': async (r) => {
    await r.activate();
    await r.passTheFloor();
    await r.fault({ effect: 'status', status: 503, times: null, action: 'adminRemove' });
    await r.say('bob', 'kill');
    await r.until(({ flags }) => flags.includes('rollback_overdue'));
    await r.clearFaults();
    return ended(r);
  },
  'active-unverified': async (r) => {
    await r.ask();
    await r.control('/lag', { tenant: r.tenant, ms: 900_000 });
    await r.approve();
    await r.untilState('active_unverified');
    await r.control('/lag', { tenant: r.tenant, ms: 0 });
    await r.untilState('active');
    await r.passTheFloor();
    await r.say('alice', 'close');
    return ended(r);
  },
  'unexpected-target': async (r) => {
    await r.ask();
    await r.approve();
    const by = { created_by_app: LOCAL_APPLICATIONS.directory_role };
    const tuple = { principal_id: CROWD[2]!.object_id, role_definition_id: ROLE.template_id };
    await r.untilState('granting', 'active');
    await r.control('/assignments', { tenant: r.tenant, ...tuple, ...by });
    await r.until(({ findings }) => findings.length > 0);
    await r.passTheFloor();
    return ended(r);
  },
  reviewed: async (r) => {
    await r.activate();
    await r.passTheFloor();
    await r.say('alice', 'close');
    await r.finish();
    const reviewId = await r.review('bob');
    return [await r.history(), await r.history(reviewId)];
  },
  extended: async (r) => {
    await r.activate();
    await r.extend(5);
    await r.until(({ extension }) => extension?.state === 'done');
    await r.passTheFloor();
    await r.say('alice', 'close');
    return ended(r);
  },
  'not-extended': async (r) => {
    await r.activate();
    await r.fault({ effect: 'status', status: 400, times: null, action: 'adminUpdate' });
    await r.extend(5);
    await r.until(({ extension }) => extension?.state === 'refused');
    await r.passTheFloor();
    await r.say('carol', 'withdraw');
    return ended(r);
  },
  'killed-and-disabled': async (r) => {
    await r.activate();
    await r.passTheFloor();
    await r.say('bob', 'kill');
    return ended(r);
  },
  expired: async (r) => {
    await r.activate();
    return ended(r);
  },
  terminated: async (r) => {
    await r.activate();
    await r.passTheFloor();
    await r.stack.client.workflow.getHandle(r.workflowId).terminate('recorded');
    while ((await r.history(r.resealId).catch(() => null)) === null) await sleep(500);
    await r.finish(r.resealId);
    return [await r.history(), await r.history(r.resealId)];
  },
  flooded: async (r) => {
    await r.ask();
    await flood(r, 120);
    await r.say('bob', 'kill');
    return ended(r);
  },
  continued: async (r) => {
    await r.ask(60);
    await r.say('bob', 'approve');
    await flood(r, 40);
    await r.say('carol', 'approve');
    await r.untilState('active');
    await flood(r, 40);
    await r.passTheFloor();
    await r.fault({ effect: 'status', status: 503, times: 3, action: 'adminRemove' });
    await r.say('bob', 'kill');
    await flood(r, 40);
    await r.finish();
    return r.runs();
  },
};

/** What single profiles say besides, in a policy's YAML. */
export const BESIDES: Readonly<Record<string, string>> = {
  'killed-and-disabled': 'on_kill: { disable_account: true }',
};

/** Statements whose signature is of other bytes, garbage, and names that nobody speaks under. */
async function flood(r: Recording, count: number): Promise<void> {
  const [good, other] = [await r.act('bob', 'approve'), await r.act('carol', 'deny')];
  for (let index = 0; index < count; index += 1) {
    const payload = good.payload.replace('"round":1', `"round":${index + 2}`);
    if (index % 4 === 3) await r.signal('no-such-act', { index });
    else if (index % 4 === 2) await r.signal('approve', 'not a statement');
    else await r.signal('approve', { payload, signature: other.signature });
  }
}

async function ended(r: Recording): Promise<string[]> {
  await r.finish();
  return [await r.history()];
}
