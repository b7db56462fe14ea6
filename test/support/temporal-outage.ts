import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess } from '../../activities/register/process-identity.js';
import type { Stack } from '../../deploy/local/stack/start-stack.js';
import { findTemporalCli } from '../../deploy/local/temporal/find-temporal.js';
import { startTemporalServer, type TemporalServer } from '../../deploy/local/temporal/start-temporal.js';
import { SEARCH_ATTRIBUTES } from '../../domain/roles.js';

/** Ends the Temporal server of a stack that keeps its database file, and resolves when it is gone. */
export async function endTemporal({ layout }: Stack, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const { pid } = JSON.parse(await readFile(layout.temporalPidFile, 'utf8')) as { pid: number };
  process.kill(pid, signal);
  while ((await identifyProcess(pid)) !== null) await sleep(25);
}

/** Starts the server again on the same database file and ports. */
export async function startTemporalAgain({ layout, dev }: Stack): Promise<TemporalServer> {
  const cli = await findTemporalCli();
  return startTemporalServer({
    cli: cli.path,
    dbPath: layout.temporalDb,
    port: Number(dev.temporal_address.split(':')[1]),
    uiPort: Number(new URL(dev.temporal_ui_url).port),
    searchAttributes: SEARCH_ATTRIBUTES,
    logPath: layout.temporalLog,
    pidFile: layout.temporalPidFile,
  });
}
