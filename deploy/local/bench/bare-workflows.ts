import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';
import type { BareActivities } from './bare-world.js';
import { word } from './bare-words.js';

const { empty, begun } = proxyActivities<BareActivities>({ taskQueue: 'bare-activities', startToCloseTimeout: '60s' });

const heardWord = defineSignal(word);

/** The smallest thing that has the shape of a ceremony: two words, four steps elsewhere, ten minutes between. */
export async function bareCeremony(): Promise<void> {
  let words = 0;
  setHandler(heardWord, () => void (words += 1));
  await empty();
  await condition(() => words === 2);
  await empty();
  await sleep('10m');
  await empty();
  await empty();
}

/** A word, and then a step elsewhere that notes when it begins. */
export async function bareReaction(key: string): Promise<void> {
  let heard = false;
  setHandler(heardWord, () => void (heard = true));
  await condition(() => heard);
  await begun(key);
}
