import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { IncidentReader } from '../../../activities/register/incidents/incident-reader.js';
import { INCIDENT_CLASSES, type IncidentClass } from '../../../domain/incidents/classes.js';
import { incidentWorkflowId } from '../../../domain/incidents/incident-id.js';
import type { bareCeremony } from './bare-workflows.js';
import { ChildWorker } from './child-worker.js';
import { Fleet } from './fleet.js';
import { countEvents, type EventCount } from './histories.js';
import { median, rounded, timeOf, type Measured } from './measured.js';

const OPEN = 1000;
const BATCH = 100;
const SAMPLES = 25;
const LISTS = 25;
/** What most of them are: two actions, no latch. The first nine are one of each class. */
const USUAL: IncidentClass = 'prompt_injection';
const BARE_QUEUE = 'bare-held';
/** What the list shows, asked for as plainly as one can; `incidents_by_state` has them in this order. */
const SAME_ROWS = `SELECT incident_id, class, severity, state, host, source, description, evidence, events, created_at,
    resolved_at, view FROM register.incidents WHERE state = 'contained' ORDER BY created_at DESC LIMIT $1`;

interface Memory {
  /** Bytes, before the first and after each batch. */
  resident: number[];
}

/** A thousand incidents open at once: what each costs the server and the worker, and how long the list of them takes. */
export async function incidents(progress: (text: string) => void): Promise<Measured> {
  const fleet = await Fleet.start(OPEN);
  try {
    const ids: string[] = [];
    const held: Memory = { resident: [await fleet.worker.resident()] };
    while (ids.length < OPEN) {
      ids.push(...(await fleet.open(BATCH, (index) => INCIDENT_CLASSES[index] ?? USUAL)));
      await untilContained(fleet, ids.length);
      held.resident.push(await settled(fleet.worker));
      progress(`${ids.length} of ${OPEN} incidents are contained`);
    }
    const events = await eventsOf(fleet, ids.slice(INCIDENT_CLASSES.length, INCIDENT_CLASSES.length + SAMPLES));
    const byClass = await eventsByClass(fleet, ids);
    const bare = await bareMemory(fleet);
    const times = await listTimes(fleet);
    return told({ events, byClass, held, bare, times, database: fleet.world.register });
  } finally {
    await fleet.stop();
  }
}

interface Found {
  events: { count: EventCount; bytes: number }[];
  byClass: Record<string, number>;
  held: Memory;
  bare: Memory;
  times: ListTimes;
  database: string;
}

function told({ events, byClass, held, bare, times, database }: Found): Measured {
  const [route, sql, reader] = [median(times.route), median(times.sql), median(times.reader)];
  const each = median(events.map(({ count }) => count.events));
  const kept = median(events.map(({ bytes }) => bytes));
  const [incident, plain] = [perOne(held), perOne(bare)];
  const worst = Object.entries(byClass).map(([name, count]) => `${name} ${count}`);
  const mib = (bytes: number | undefined): string => `${rounded((bytes ?? Number.NaN) / 2 ** 20, 0)} MiB`;
  return {
    name: 'incidents',
    what: `GET /api/v1/incidents?state=contained, ${OPEN.toLocaleString('en')} of them open`,
    value: `${rounded(route, 1)} ms`,
    baseline: `one indexed SQL query of the same rows: ${rounded(sql, 1)} ms`,
    figure: rounded(route / sql),
    figure_is: 'ratio',
    required: '-',
    aim: '-',
    notes: [
      `medians of ${LISTS} in turns, ${rounded(times.bytes / 1024, 0)} KiB of JSON, register on ${database}; read and parsed without HTTP: ${rounded(reader, 1)} ms`,
      `events of one ${USUAL} while it is contained: ${each} (${rounded(kept / 1024, 0)} KiB of history), median of ${SAMPLES}`,
      `of each class: ${worst.join(', ')}`,
      `memory of the ceremonies worker (resident, a process of its own) from none to ${OPEN} open: ${rounded(incident / 1024, 0)} KiB an incident (${mib(held.resident[0])} with none, ${mib(held.resident.at(-1))} with ${OPEN}); of a plain worker that holds bare workflows: ${rounded(plain / 1024, 0)} KiB each (${mib(bare.resident[0])}, ${mib(bare.resident.at(-1))})`,
    ],
    details: { events_each: each, by_class: byClass, history_bytes: kept, held, bare, times },
  };
}

/** With what the program takes to warm up, so rather too much; between batches the collector makes it anything. */
const perOne = ({ resident }: Memory): number => ((resident.at(-1) ?? Number.NaN) - (resident[0] ?? Number.NaN)) / OPEN;

/** Contained by their workflows, and the register has heard of it. A task that is lost on the way is tried again after 90 s. */
async function untilContained({ world }: Fleet, count: number): Promise<void> {
  for (const giveUpAt = Date.now() + 600_000; Date.now() < giveUpAt; await sleep(500)) {
    // A machine that is kept this busy may not answer in time: it is asked again.
    const rows = await world.stack.database
      .query<{ count: number }>(`SELECT count(*) AS count FROM register.incidents WHERE state = 'contained'`)
      .catch(() => []);
    if (Number(rows[0]?.count) >= count) return;
  }
  throw new Error(`${count} incidents are not contained within ten minutes`);
}

/** Memory once nothing is under way any more. */
async function settled(worker: ChildWorker): Promise<number> {
  await sleep(2000);
  return worker.resident();
}

const eventsOf = ({ world: { stack } }: Fleet, ids: readonly string[]): Promise<Found['events']> =>
  Promise.all(
    ids.map(async (id) => {
      const workflowId = incidentWorkflowId(id);
      const { raw } = await stack.client.workflow.getHandle(workflowId).describe();
      const bytes = Number(raw.workflowExecutionInfo?.historySizeBytes ?? Number.NaN);
      return { count: await countEvents(stack.client, workflowId), bytes };
    }),
  );

async function eventsByClass(fleet: Fleet, ids: readonly string[]): Promise<Record<string, number>> {
  const counted = await eventsOf(fleet, ids.slice(0, INCIDENT_CLASSES.length));
  return Object.fromEntries(INCIDENT_CLASSES.map((name, index) => [name, counted[index]?.count.events ?? Number.NaN]));
}

/** The same with workflows that have done one step and wait for a word. */
async function bareMemory({ world: { stack } }: Fleet): Promise<Memory> {
  const { temporal_address: address, temporal_namespace: namespace } = stack.dev;
  const worker = await ChildWorker.start('deploy/local/bench/bare-process.js', [address, namespace, BARE_QUEUE]);
  try {
    const memory: Memory = { resident: [await worker.resident()] };
    for (let open = 0; open < OPEN; open += BATCH) {
      const handles = await Promise.all(
        Array.from({ length: BATCH }, () =>
          stack.client.workflow.start<typeof bareCeremony>('bareCeremony', {
            workflowId: `bare/${randomUUID()}`,
            taskQueue: BARE_QUEUE,
          }),
        ),
      );
      await Promise.all(handles.map((handle) => untilHeld(() => handle.describe())));
      memory.resident.push(await settled(worker));
    }
    return memory;
  } finally {
    await worker.end();
  }
}

/** Ten events: started, its one step done, and the task after it. */
async function untilHeld(describe: () => Promise<{ historyLength: number }>): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt; await sleep(200))
    if ((await describe()).historyLength >= 10) return;
  throw new Error('a bare workflow does not wait within a minute');
}

interface ListTimes {
  route: number[];
  sql: number[];
  /** The register's reader alone. */
  reader: number[];
  bytes: number;
}

async function listTimes({ world: { stack } }: Fleet): Promise<ListTimes> {
  const url = `${stack.dev.gateway_url}/api/v1/incidents?state=contained`;
  const reader = new IncidentReader(stack.database);
  const times: ListTimes = { route: [], sql: [], reader: [], bytes: 0 };
  for (let run = 0; run <= LISTS; run += 1) {
    const sql = await timeOf(() => stack.database.query(SAME_ROWS, [OPEN]));
    const route = await timeOf(async () => {
      const answer = await fetch(url);
      const body = await answer.text();
      times.bytes = body.length;
      const listed = (JSON.parse(body) as unknown[]).length;
      if (listed !== OPEN) throw new Error(`${listed} incidents are listed, not ${OPEN}`);
    });
    const read = await timeOf(() => reader.list({ state: 'contained' }));
    if (run === 0) continue;
    times.sql.push(sql);
    times.route.push(route);
    times.reader.push(read);
  }
  return times;
}
