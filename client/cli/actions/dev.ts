import { resolve } from 'node:path';
import { parseDuration } from '../../../domain/duration.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { findDevFile } from '../../config/dev-file.js';
import type { Io } from '../io.js';
import type { Session } from '../session.js';
import { checkedEventId } from '../chosen-event.js';

export interface DevOptions {
  ephemeral?: boolean;
  dir?: string;
  portBase?: string;
  gatewayPort?: string;
  temporalPort?: string;
  uiPort?: string;
  graphPort?: string;
  inboxPort?: string;
}

/** What the local stack is asked to do. `dir` is the absolute folder that holds `.reseal/`; ports left out are its own choice. */
export type DevRequest =
  | {
      do: 'start';
      dir: string;
      ephemeral: boolean;
      ports: { base?: number; gateway?: number; temporal?: number; ui?: number; graph?: number; inbox?: number };
    }
  | { do: 'advance'; dir: string; event_id: string; seconds: number };

/** The module that runs it; answers the exit status. `start` resolves when the stack has stopped. */
export interface DevModule {
  readonly devCommand: (request: DevRequest, io: Io) => Promise<number>;
}

// The one place where the client reaches for the local stack; a variable, so that nothing of it is loaded or bundled here.
const DEV_MODULE = '../../../deploy/local/stack/dev-command.js';

/** `reseal dev`. */
export async function startDev(session: Session, options: DevOptions): Promise<number> {
  const { devCommand } = await devModule();
  const given = {
    base: portOf('--port-base', options.portBase),
    gateway: portOf('--gateway-port', options.gatewayPort),
    temporal: portOf('--temporal-port', options.temporalPort),
    ui: portOf('--ui-port', options.uiPort),
    graph: portOf('--graph-port', options.graphPort),
    inbox: portOf('--inbox-port', options.inboxPort),
  };
  const ports = Object.fromEntries(Object.entries(given).filter(([, port]) => port !== undefined));
  const dir = resolve(session.io.cwd, options.dir ?? '.');
  return devCommand({ do: 'start', dir, ephemeral: options.ephemeral === true, ports }, session.io);
}

/** `reseal dev advance EVENT 29m`. */
export async function advanceDev(session: Session, event: string, span: string, options: DevOptions): Promise<number> {
  const event_id = checkedEventId(event);
  const seconds = parseDuration(span);
  if (seconds === undefined) throw new ResealError('usage', `"${span}" is not a duration such as 29m or 4h`);
  const dir = resolve(session.io.cwd, options.dir ?? '.');
  if ((await findDevFile(dir)) === undefined) {
    throw new ResealError('config_invalid', 'no local stack runs for this folder', { hint: 'start one: reseal dev' });
  }
  const { devCommand } = await devModule();
  const status = await devCommand({ do: 'advance', dir, event_id, seconds }, session.io);
  if (status === EXIT.done) session.next(`reseal breakglass check ${event_id}`);
  return status;
}

async function devModule(): Promise<DevModule> {
  try {
    return (await import(DEV_MODULE)) as DevModule;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new ResealError('usage', 'the local stack is not part of this installation', { cause });
  }
}

function portOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new ResealError('usage', `${flag} is a port number, not "${text}"`);
}
