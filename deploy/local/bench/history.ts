import { randomUUID } from 'node:crypto';
import { ceremonyWorkflowId } from '../../../domain/identifiers.js';
import { BareWorld } from './bare-world.js';
import { word } from './bare-words.js';
import type { bareCeremony } from './bare-workflows.js';
import { BenchStack } from './bench-stack.js';
import { countEvents, listed, type EventCount } from './histories.js';
import { letTimePass } from './let-time-pass.js';
import type { Measured } from './measured.js';

/** What one ceremony with two approvers writes, its words seconds apart as in life, against a bare one. */
export async function history(): Promise<Measured> {
  const world = await BenchStack.start({ profiles: 1 });
  try {
    const bare = await BareWorld.start(world.stack);
    try {
      return told(await full(world), await plain(bare));
    } finally {
      await bare.stop();
    }
  } finally {
    await world.stop();
  }
}

function told(ceremony: EventCount, bare: EventCount): Measured {
  return {
    name: 'history',
    what: 'events of a two-approver ceremony',
    value: `${ceremony.events} events`,
    baseline: `bare ceremony: ${bare.events} events`,
    figure: ceremony.events,
    figure_is: 'events',
    required: '<= 120',
    aim: '90',
    notes: [
      `without ${ceremony.skipping} that time skipping wrote; full: ${listed(ceremony)}`,
      `bare: ${listed(bare)}`,
    ],
    details: { full: ceremony, bare },
  };
}

async function full(world: BenchStack): Promise<EventCount> {
  const { client } = world.stack;
  const { event } = await world.activate();
  const workflowId = ceremonyWorkflowId(event);
  await letTimePass(client, workflowId);
  await client.workflow.getHandle(workflowId).result();
  return countEvents(client, workflowId);
}

async function plain({ client }: BareWorld): Promise<EventCount> {
  const workflowId = `bare/${randomUUID()}`;
  const handle = await client.workflow.start<typeof bareCeremony>('bareCeremony', {
    workflowId,
    taskQueue: BareWorld.taskQueue,
  });
  for (let words = 0; words < 2; words += 1) {
    await settle();
    await handle.signal(word);
  }
  await settle();
  await letTimePass(client, workflowId);
  await handle.result();
  return countEvents(client, workflowId);
}

/** Lets what was started so far be done. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));
