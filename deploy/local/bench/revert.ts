import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ceremonyWorkflowId } from '../../../domain/identifiers.js';
import { ROLES } from '../../../domain/roles.js';
import { compiledPath } from '../../../workers/compiled.js';
import { advanceCeremony } from '../stack/time-skipping.js';
import { workerFile } from '../stack/worker-settings.js';
import { Arrivals } from './arrivals.js';
import { BenchStack, type Asked } from './bench-stack.js';
import { rounded, type Measured } from './measured.js';

const RUNS = 3;
const EFFECT = 'effect:entra.directory_role';
/** Longer than a killed process takes to be replaced: its removal never arrives. */
const IN_FLIGHT_MS = 30_000;
/** What a Temporal peer took, measured once and not here. */
const PEER_SECONDS = 31;

/** The process that removes is killed with its removal in flight and started again: how long until one reaches Graph. */
export async function revert(progress: (text: string) => void): Promise<Measured> {
  const world = await BenchStack.start({ profiles: RUNS, roles: ROLES.filter((role) => role !== EFFECT) });
  const arrivals = new Arrivals(world.stack);
  let worker: ChildProcess | undefined;
  try {
    const settings = workerFile(world.stack.layout, EFFECT);
    worker = startWorker(settings);
    progress(`${RUNS} ceremonies until they can be removed`);
    const active = await Promise.all(Array.from({ length: RUNS }, () => removable(world)));
    const seconds: number[] = [];
    for (const asked of active) {
      await holdRemoval(world, asked);
      await world.speak(asked, 'bob', 'kill');
      await untilHeld(world, asked);
      const killed = performance.now();
      await end(worker);
      worker = startWorker(settings);
      const next = await arrivals.removalAfter(0, asked.tenant, IN_FLIGHT_MS + 10_000);
      seconds.push((next.at - killed) / 1000);
      progress(`${rounded(seconds.at(-1) ?? Number.NaN)} s`);
    }
    return told(seconds);
  } finally {
    arrivals.stop();
    if (worker !== undefined) await end(worker);
    await world.stop();
  }
}

function told(seconds: number[]): Measured {
  const longest = rounded(Math.max(...seconds));
  return {
    name: 'revert',
    what: 'SIGKILL with the removal in flight -> next removal',
    value: `${longest} s`,
    baseline: `a Temporal peer, measured before: ${PEER_SECONDS} s`,
    figure: longest,
    figure_is: 'seconds',
    required: '<= 10',
    aim: '10',
    notes: [`longest of ${RUNS}; the peer's ${PEER_SECONDS} s are of another run and not measured in this one`],
    details: { seconds: seconds.map((one) => rounded(one)), peer_seconds: PEER_SECONDS },
  };
}

/** Active, and long enough ago that Graph lets it be removed. */
async function removable(world: BenchStack): Promise<Asked> {
  const asked = await world.activate();
  await advanceCeremony(world.stack.client, ceremonyWorkflowId(asked.event), 360);
  return asked;
}

async function holdRemoval({ stack }: BenchStack, { tenant }: Asked): Promise<void> {
  const fault = { tenant, method: 'POST', action: 'adminRemove', times: 1, effect: 'delay', delay_ms: IN_FLIGHT_MS };
  const answer = await fetch(`${stack.dev.graph_control_url}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: '/roleManagement/directory/roleAssignmentScheduleRequests', ...fault }),
  });
  if (!answer.ok) throw new Error(`the simulator refused the fault: ${await answer.text()}`);
}

/** A fault is gone from the list once a request has met it. */
async function untilHeld({ stack }: BenchStack, { tenant }: Asked): Promise<void> {
  for (const giveUpAt = Date.now() + 30_000; Date.now() < giveUpAt; await sleep(20)) {
    const answer = await fetch(`${stack.dev.graph_control_url}/faults`);
    const { faults } = (await answer.json()) as { faults: { tenant: string | null }[] };
    if (!faults.some((fault) => fault.tenant === tenant)) return;
  }
  throw new Error('no removal met the fault within 30 s');
}

/** The effect role in a process of its own, as in production. */
function startWorker(settings: string): ChildProcess {
  const line = [compiledPath('client/cli/main.js'), 'worker', '--roles', EFFECT, '--config', settings];
  return spawn(process.execPath, line, { stdio: 'ignore' });
}

async function end(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = once(worker, 'exit');
  worker.kill('SIGKILL');
  await gone;
}
