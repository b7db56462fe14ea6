import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Arrivals } from './arrivals.js';
import { BareWorld } from './bare-world.js';
import { word } from './bare-words.js';
import type { bareReaction } from './bare-workflows.js';
import { BenchStack, type Asked } from './bench-stack.js';
import { median, rounded, type Measured } from './measured.js';

const WARM_UP = 5;
const SAMPLES = 25;

/** From the signal that kills to the removal at Graph's door, against a bare signal and the start of an activity. */
export async function kill(progress: (text: string) => void): Promise<Measured> {
  const world = await BenchStack.start({ profiles: WARM_UP + SAMPLES });
  const arrivals = new Arrivals(world.stack);
  try {
    const bare = await BareWorld.start(world.stack);
    try {
      progress(`${WARM_UP + SAMPLES} ceremonies until they are active, in real time`);
      const active = await Promise.all(Array.from({ length: WARM_UP + SAMPLES }, () => world.activate()));
      const kills: number[] = [];
      const reactions: number[] = [];
      for (const [index, asked] of active.entries()) {
        const killed = await killToRemoval(world, arrivals, asked);
        await sleep(100);
        const reacted = await wordToActivity(bare);
        await sleep(100);
        if (index < WARM_UP) continue;
        kills.push(killed);
        reactions.push(reacted);
      }
      return told(kills, reactions);
    } finally {
      await bare.stop();
    }
  } finally {
    arrivals.stop();
    await world.stop();
  }
}

function told(kills: number[], reactions: number[]): Measured {
  const [killed, reacted] = [median(kills), median(reactions)];
  return {
    name: 'kill',
    what: 'kill sent -> removal received by Graph',
    value: `${rounded(killed, 1)} ms`,
    baseline: `signal -> activity on another queue: ${rounded(reacted, 1)} ms`,
    figure: rounded(killed / reacted),
    figure_is: 'ratio',
    required: '<= 2',
    aim: '2',
    notes: [`medians of ${SAMPLES} each in turns, real time, after ${WARM_UP} of each to warm up`],
    details: { kill_ms: kills.map((ms) => rounded(ms, 1)), bare_ms: reactions.map((ms) => rounded(ms, 1)) },
  };
}

async function killToRemoval(world: BenchStack, arrivals: Arrivals, asked: Asked): Promise<number> {
  const sent = performance.now();
  await world.speak(asked, 'bob', 'kill');
  // Asked for late, so that asking costs nothing while the answer is under way.
  await sleep(300);
  return (await arrivals.removalAfter(0, asked.tenant, 30_000)).at - sent;
}

/** Milliseconds from a bare signal to the start of an activity on another queue. */
export async function wordToActivity({ client, begunAt }: BareWorld): Promise<number> {
  const key = randomUUID();
  const handle = await client.workflow.start<typeof bareReaction>('bareReaction', {
    workflowId: `bare/${key}`,
    taskQueue: BareWorld.taskQueue,
    args: [key],
  });
  await sleep(200);
  const sent = performance.now();
  await handle.signal(word);
  await handle.result();
  return (begunAt.get(key) ?? Number.NaN) - sent;
}
