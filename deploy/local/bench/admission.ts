import { LAST_OF_PAIR } from '../../../activities/register/lookups.js';
import { available } from '../postgres/start-postgres.js';
import { median, notMeasured, rounded, timeOf, type Measured } from './measured.js';
import { PastEvents } from './past-events.js';

const EVENTS = 1_000_000;
const WARM_UP = 20;
const ROUNDS = 200;

const WHAT = { name: 'admission', what: `admission at ${EVENTS.toLocaleString('en')} past events` };

interface Times {
  admission_ms: number[];
  query_ms: number[];
}

/** Whole admissions, from the signed bytes to the commit, against one indexed query; in turns, and on an empty register first. */
export async function admission(progress: (text: string) => void): Promise<Measured> {
  const missing = await available();
  if (missing !== null) return notMeasured(WHAT, missing);
  const world = await PastEvents.start();
  try {
    const empty = await inTurns(world);
    progress(`empty: ${shown(empty.admission_ms)}, one query ${shown(empty.query_ms)}`);
    const began = performance.now();
    await world.fill(EVENTS);
    const fill_s = rounded((performance.now() - began) / 1000, 0);
    progress(`${EVENTS} events in ${fill_s} s`);
    const full = await inTurns(world);
    const [admitted, queried] = [median(full.admission_ms), median(full.query_ms)];
    const growth = rounded(admitted / median(empty.admission_ms));
    return {
      ...WHAT,
      value: shown(full.admission_ms),
      baseline: `one indexed query: ${shown(full.query_ms)}`,
      figure: rounded(admitted / queried),
      figure_is: 'ratio',
      required: '-',
      aim: '-',
      notes: [
        `medians of ${ROUNDS} in turns on PostgreSQL; the query is the last grant of an invoker and profile`,
        `on an empty register: ${shown(empty.admission_ms)}, and one query ${shown(empty.query_ms)}; admission takes ${growth} times that at ${EVENTS.toLocaleString('en')}`,
      ],
      details: { growth, fill_s, empty, full },
    };
  } finally {
    await world.stop();
  }
}

async function inTurns(world: PastEvents): Promise<Times> {
  const times: Times = { admission_ms: [], query_ms: [] };
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const prepared = world.prepare();
    const admission_ms = await timeOf(() => world.admit(prepared));
    const { person } = prepared.request.invoker;
    const query_ms = await timeOf(() => world.database.query(LAST_OF_PAIR, [person, prepared.request.profile]));
    if (round < WARM_UP) continue;
    times.admission_ms.push(admission_ms);
    times.query_ms.push(query_ms);
  }
  return times;
}

const shown = (times: readonly number[]): string => `${rounded(median(times))} ms`;
