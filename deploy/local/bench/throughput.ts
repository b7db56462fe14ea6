import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ceremonyWorkflowId } from '../../../domain/identifiers.js';
import { BareWorld } from './bare-world.js';
import type { bareCeremony } from './bare-workflows.js';
import { word } from './bare-words.js';
import { BenchStack } from './bench-stack.js';
import { countEvents, type EventCount } from './histories.js';
import { processorTimes, sharedOut } from './cpu-time.js';
import { letTimePass } from './let-time-pass.js';
import { median, rounded, type Measured } from './measured.js';

/** As many at once as it takes to keep two processors busy: most of a full ceremony is waiting to be skipped. */
const FULL = 150;
const BARE = 200;
const ROUNDS = 2;
const WARM_UP = 10;

interface Batch {
  per_second: number;
  seconds: number;
  events: number;
  ends: Record<string, number>;
  /** Processor time of one ceremony by program, milliseconds. */
  cpu_ms: Record<string, number>;
}

/** Whole ceremonies against bare ones, in turns on one server, all of a batch at once. */
export async function throughput(progress: (text: string) => void): Promise<Measured> {
  const world = await BenchStack.start({ profiles: WARM_UP + ROUNDS * FULL });
  try {
    const bare = await BareWorld.start(world.stack);
    try {
      await fullBatch(world, WARM_UP);
      await bareBatch(bare, WARM_UP);
      const full: Batch[] = [];
      const plain: Batch[] = [];
      for (let round = 1; round <= ROUNDS; round += 1) {
        full.push(await fullBatch(world, FULL));
        plain.push(await bareBatch(bare, BARE));
        const rates = [full, plain].map((batches) => rounded(batches.at(-1)?.per_second ?? Number.NaN));
        progress(`round ${round} of ${ROUNDS}: ${rates[0]} full, ${rates[1]} bare a second`);
      }
      return told(world, full, plain);
    } finally {
      await bare.stop();
    }
  } finally {
    await world.stop();
  }
}

function told(world: BenchStack, full: Batch[], bare: Batch[]): Measured {
  const rate = (batches: Batch[]): number => median(batches.map(({ per_second }) => per_second));
  const events = (batches: Batch[]): number => rounded(median(batches.map((batch) => batch.events)), 1);
  const ratio = rounded(rate(full) / rate(bare));
  const unended = full.flatMap(({ ends }) => Object.keys(ends)).filter((end) => end !== 'expired');
  const notes = [
    `mean of ${ROUNDS} batches each in turns, ${FULL} full and ${BARE} bare ceremonies at once, register on ${world.register}`,
    `events a ceremony without skipping: ${events(full)} full, ${events(bare)} bare`,
  ];
  notes.push(`processor time of one ceremony: ${spent(full)} full, ${spent(bare)} bare`);
  if (unended.length > 0) notes.push(`NOT every ceremony ended as expired: ${[...new Set(unended)].join(', ')}`);
  return {
    name: 'throughput',
    what: 'full ceremonies',
    value: `${rounded(rate(full))}/s`,
    baseline: `bare ceremonies: ${rounded(rate(bare))}/s`,
    figure: ratio,
    figure_is: 'ratio',
    required: '>= 0.4',
    aim: '0.5',
    notes,
    details: { register: world.register, full, bare },
  };
}

/** The last batch's: the first ones warm up. */
const spent = (batches: readonly Batch[]): string =>
  Object.entries(batches.at(-1)?.cpu_ms ?? {})
    .filter(([, ms]) => ms > 0)
    .map(([name, ms]) => `${name} ${ms} ms`)
    .join(', ');

async function fullBatch(world: BenchStack, count: number): Promise<Batch> {
  const { client } = world.stack;
  const asked = Array.from({ length: count }, () => world.prepare());
  const ids = asked.map(({ event }) => ceremonyWorkflowId(event));
  const before = await processorTimes();
  const began = performance.now();
  await Promise.all(asked.map((one) => world.open(one)));
  await untilAwaitingApproval(client, count);
  const ends = await Promise.all(
    asked.map(async (one) => {
      await world.speak(one, 'bob', 'approve');
      await world.speak(one, 'carol', 'approve');
      const handle = client.workflow.getHandle(ceremonyWorkflowId(one.event));
      await letTimePass(client, handle.workflowId);
      return (await handle.result()) as { end: string };
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const cpu = sharedOut(before, await processorTimes(), count);
  return batch(seconds, cpu, await eventsOf(client, ids), tally(ends.map(({ end }) => end)));
}

async function bareBatch({ client }: BareWorld, count: number): Promise<Batch> {
  const ids = Array.from({ length: count }, () => `bare/${randomUUID()}`);
  const before = await processorTimes();
  const began = performance.now();
  const handles = await Promise.all(
    ids.map((workflowId) =>
      client.workflow.start<typeof bareCeremony>('bareCeremony', { workflowId, taskQueue: BareWorld.taskQueue }),
    ),
  );
  await Promise.all(
    handles.map(async (handle) => {
      await handle.signal(word);
      await handle.signal(word);
      await letTimePass(client, handle.workflowId);
      await handle.result();
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const cpu = sharedOut(before, await processorTimes(), count);
  return batch(seconds, cpu, await eventsOf(client, ids), { completed: count });
}

/** Nobody can approve what is not admitted yet. One question for all of them, so that asking weighs nothing. */
async function untilAwaitingApproval(client: Client, count: number): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt; await sleep(100)) {
    const { count: waiting } = await client.workflow.count("ResealState = 'awaiting_approval'");
    if (waiting >= count) return;
  }
  throw new Error(`${count} ceremonies do not await approval within a minute`);
}

/** The events of a few of them: reading all would take longer than running them. */
const eventsOf = (client: Client, ids: readonly string[]): Promise<EventCount[]> =>
  Promise.all(ids.slice(0, 10).map((id) => countEvents(client, id)));

function batch(
  seconds: number,
  cpu_ms: Record<string, number>,
  counts: readonly EventCount[],
  ends: Record<string, number>,
): Batch {
  const events = counts.reduce((sum, one) => sum + one.events, 0) / counts.length;
  const finished = Object.values(ends).reduce((sum, one) => sum + one, 0);
  return { per_second: finished / seconds, seconds, events, ends, cpu_ms };
}

function tally(words: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const one of words) counted[one] = (counted[one] ?? 0) + 1;
  return counted;
}
