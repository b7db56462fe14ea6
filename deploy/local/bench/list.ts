import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { eventReader } from '../../../activities/register/events.js';
import { listQuery, type EventFilter } from '../../../activities/register/list-events.js';
import { DirectApi } from '../../../client/api/direct-api.js';
import { DEFAULT_LIMIT } from '../../../client/api/reseal-api.js';
import { startGateway } from '../../../client/gateway/start-gateway.js';
import { compiledPath } from '../../../workers/compiled.js';
import { clientDataConverter } from '../../../workers/codec/data-converter.js';
import { makeKeyring } from '../../../workers/codec/keyring.js';
import { available } from '../postgres/start-postgres.js';
import { median, notMeasured, rounded, timeOf, type Measured } from './measured.js';
import { PastEvents } from './past-events.js';

const EVENTS = 1_000_000;
const RUNS = 15;
const RESEAL = fileURLToPath(new URL('../bin/reseal.js', `file://${compiledPath('')}`));
const WHAT = { name: 'list', what: `reseal breakglass list at ${EVENTS.toLocaleString('en')} past events` };

/** What is listed: as it is typed, and as the register is asked. */
const LISTS: readonly { argv: string[]; filter: EventFilter }[] = [
  { argv: [], filter: {} },
  { argv: ['--invoker', 'alice@corp.example'], filter: { invoker: 'alice@corp.example' } },
  { argv: ['--status', 'expired'], filter: { status: 'expired' } },
  { argv: ['--overdue'], filter: { overdue: true } },
];

interface Times {
  command: number[];
  sql: number[];
}

/** The command with its process, over a real gateway, against the very SQL that the register is asked for it. */
export async function list(progress: (text: string) => void): Promise<Measured> {
  const missing = await available();
  if (missing !== null) return notMeasured(WHAT, missing);
  const world = await PastEvents.start();
  try {
    await world.fill(EVENTS);
    progress(`${EVENTS} events are there`);
    const gateway = await startGateway({ api: apiOver(world), port: 0 });
    try {
      const help = await helpTime();
      const times: Times[] = [];
      for (const { argv, filter } of LISTS) times.push(await inTurns(world, gateway.url, argv, filter));
      return told(times, help);
    } finally {
      await gateway.close();
    }
  } finally {
    await world.stop();
  }
}

function told(times: readonly Times[], help: number): Measured {
  const [first] = times;
  const [command, sql] = [median(first?.command ?? []), median(first?.sql ?? [])];
  const each = times.map((one, index) => {
    const flags = LISTS[index]?.argv.join(' ') || 'without a filter';
    return `${flags}: ${rounded(median(one.command), 0)} ms, its SQL ${rounded(median(one.sql))} ms`;
  });
  return {
    ...WHAT,
    value: `${rounded(command, 0)} ms`,
    baseline: `its SQL: ${rounded(sql)} ms`,
    figure: rounded(command / sql),
    figure_is: 'ratio',
    required: '-',
    aim: '-',
    notes: [
      `medians of ${RUNS} in turns; the command is a process of its own: reseal --help alone takes ${rounded(help, 0)} ms`,
      ...each,
    ],
    details: { help_ms: help, lists: LISTS.map(({ argv }, index) => ({ argv, ...times[index] })) },
  };
}

async function inTurns(world: PastEvents, url: string, argv: string[], filter: EventFilter): Promise<Times> {
  const times: Times = { command: [], sql: [] };
  for (let run = 0; run <= RUNS; run += 1) {
    const { text, params } = listQuery(filter, DEFAULT_LIMIT, Date.now());
    const sql = await timeOf(() => world.database.query(text, params));
    const command = await timeOf(() =>
      reseal(['breakglass', 'list', '--quiet', '-o', 'json', '--gateway', url, ...argv]),
    );
    // The first of each reads its files from the disk.
    if (run === 0) continue;
    times.sql.push(sql);
    times.command.push(command);
  }
  return times;
}

async function helpTime(): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) times.push(await timeOf(() => reseal(['--help'])));
  return median(times);
}

/** Not waited for in step: the gateway that answers is in this very process. */
async function reseal(argv: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [RESEAL, ...argv], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: os.tmpdir(),
  });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`reseal ${argv.join(' ')} ended with ${status}`);
}

/** A list from the register asks Temporal nothing: its connection is never made. */
function apiOver(world: PastEvents): DirectApi {
  const keyring = makeKeyring('bench', [['bench', randomBytes(32)]]);
  const client = new Client({ connection: Connection.lazy(), dataConverter: clientDataConverter(keyring) });
  return new DirectApi({
    client,
    uiUrl: null,
    register: eventReader(world.database),
    policy: () => Promise.resolve(world.inForce),
    roster: () => Promise.resolve(world.roster),
  });
}
