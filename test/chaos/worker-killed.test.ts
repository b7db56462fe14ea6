import { afterAll, beforeAll, describe, it } from 'vitest';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import { ROLES } from '../../domain/roles.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { aftermath, type Aftermath } from '../support/good-end.js';
import { roleFiles } from '../support/role-files.js';
import { RoleProcess } from '../support/role-process.js';
import { TemporaryPostgres } from '../support/temporary-postgres.js';
import { KILL_SCENES, SLOW_COMMITS, type KillScene, type Scenery } from './kill-scenes.js';

const missing = await available();

interface Played {
  stateAtKill: string;
  end: string;
  after: Aftermath;
}

/**
 * All ceremonies are brought into their steps side by side, and one SIGKILL hits every one of them: the roles' process
 * holds nothing that a new one would need.
 */
describe.skipIf(missing !== null)(`when the worker process is killed${missing === null ? '' : ` (${missing})`}`, () => {
  let postgres: TemporaryPostgres | undefined;
  let stack: CeremonyStack | undefined;
  let roles: RoleProcess | undefined;
  const played = new Map<KillScene, Promise<Played>>();

  beforeAll(async () => {
    postgres = await TemporaryPostgres.start();
    stack = await CeremonyStack.start({ roles: [], databaseUrl: postgres.url });
    const { database } = stack.stack;
    for (const statement of SLOW_COMMITS) await database.query(statement);
    const started = await (await roleFiles(stack.stack, postgres.url))(ROLES);
    roles = await RoleProcess.start(started);

    let letGo = (): void => undefined;
    const at: Scenery = { stack, database, held: new Promise((resolve) => (letGo = resolve)) };
    const near = KILL_SCENES.map((scene) => ({ scene, asked: scene.prepare(at) }));
    await Promise.allSettled(near.map(({ asked }) => asked));
    const there = near.map(({ scene, asked }) => ({ scene, entered: enter(scene, at, asked) }));
    await Promise.allSettled(there.map(({ entered }) => entered));
    await roles.end('SIGKILL');
    letGo();
    roles = await RoleProcess.start(started);
    for (const { scene, entered } of there) {
      const end = goOn(scene, at, entered);
      // Each is told by the test of its name.
      end.catch(() => undefined);
      played.set(scene, end);
    }
  }, 180_000);

  afterAll(async () => {
    await roles?.end('SIGTERM');
    await stack?.stop();
    await postgres?.remove();
  });

  it.concurrent.for(KILL_SCENES)('ends in time and proves it: $name', async (scene, { expect }) => {
    expect(await played.get(scene)).toMatchObject({
      stateAtKill: scene.state,
      end: scene.end,
      after: { standing: [], grants: 1, bundle: { ok: true, errors: [] }, facts: { end: scene.end } },
    });
  });
});

async function enter(scene: KillScene, at: Scenery, near: Promise<Asked>) {
  const asked = await near;
  await scene.enter(at, asked);
  return { asked, stateAtKill: (await at.stack.view(asked.event)).state };
}

async function goOn(scene: KillScene, at: Scenery, entered: ReturnType<typeof enter>): Promise<Played> {
  const { asked, stateAtKill } = await entered;
  await at.stack.until(asked.event, ({ flags }) => !flags.includes('worker_not_answering'));
  await scene.goOn?.(at, asked);
  if (scene.end === 'expired') await at.stack.untilState(asked.event, 'active');
  const { state } = await at.stack.advanceToEnd(asked.event);
  return { stateAtKill, end: state, after: await aftermath(at.stack, asked) };
}
