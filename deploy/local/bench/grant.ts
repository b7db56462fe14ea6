import { setTimeout as sleep } from 'node:timers/promises';
import { Arrivals } from './arrivals.js';
import { BareWorld } from './bare-world.js';
import { BenchStack } from './bench-stack.js';
import { wordToActivity } from './kill.js';
import { median, rounded, type Measured } from './measured.js';

const WARM_UP = 5;
const SAMPLES = 25;

/**
 * From the approval that completes the quorum, through the authority's intent and warrant, to the grant at Graph's door,
 * against a bare signal and the start of an activity on another queue.
 */
export async function grant(progress: (text: string) => void): Promise<Measured> {
  const world = await BenchStack.start({ profiles: WARM_UP + SAMPLES });
  const arrivals = new Arrivals(world.stack);
  try {
    const bare = await BareWorld.start(world.stack);
    try {
      progress(`${WARM_UP + SAMPLES} ceremonies that wait for their last approval, in real time`);
      const grants: number[] = [];
      const reactions: number[] = [];
      for (let index = 0; index < WARM_UP + SAMPLES; index += 1) {
        const granted = await approvalToGrant(world, arrivals);
        await sleep(100);
        const reacted = await wordToActivity(bare);
        await sleep(100);
        if (index < WARM_UP) continue;
        grants.push(granted);
        reactions.push(reacted);
      }
      return told(grants, reactions);
    } finally {
      await bare.stop();
    }
  } finally {
    arrivals.stop();
    await world.stop();
  }
}

async function approvalToGrant(world: BenchStack, arrivals: Arrivals): Promise<number> {
  const asked = world.prepare();
  await world.open(asked);
  await world.until(asked, ({ state }) => state === 'awaiting_approval');
  await world.speak(asked, 'bob', 'approve');
  await world.until(asked, ({ approvals }) => approvals.length === 1);
  await sleep(200);
  const sent = performance.now();
  await world.speak(asked, 'carol', 'approve');
  // Asked for late, so that asking costs nothing while the grant is under way.
  await sleep(300);
  return (await arrivals.grantAt(asked.tenant, 30_000)) - sent;
}

function told(grants: number[], reactions: number[]): Measured {
  const [granted, reacted] = [median(grants), median(reactions)];
  return {
    name: 'grant',
    what: 'last approval sent -> issued -> grant received by Graph',
    value: `${rounded(granted, 1)} ms`,
    baseline: `signal -> activity on another queue: ${rounded(reacted, 1)} ms`,
    figure: rounded(granted / reacted),
    figure_is: 'ratio',
    required: '<= 3',
    aim: '3',
    notes: [`medians of ${SAMPLES} each in turns, real time, after ${WARM_UP} of each to warm up`],
    details: { grant_ms: grants.map((ms) => rounded(ms, 1)), bare_ms: reactions.map((ms) => rounded(ms, 1)) },
  };
}
