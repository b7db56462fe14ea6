import { dirname, join, resolve } from 'node:path';
import { ResealError } from '../api/reseal-error.js';
import { findDevFile } from '../config/dev-file.js';
import type { SweepOptions, ToldSweep } from './told-sweep.js';
import type { Session } from './session.js';

/** A sweep in this very process: Graph and the authority's public keys, and nothing else. */
export async function sweepHere(session: Session, options: SweepOptions, mode: 'sweep' | 'look'): Promise<ToldSweep> {
  const file = await settingsFile(session, options);
  const { standaloneSweep } = await import('../../workers/standalone-sweep.js');
  const { jsonLog } = await import('../../workers/role-context.js');
  const signal = session.io.signal ?? new AbortController().signal;
  const intents = options.intents === undefined ? {} : { intents: resolve(session.io.cwd, options.intents) };
  const swept = await asOurs(() =>
    standaloneSweep(file, { mode, signal, log: jsonLog(session.io.stderr), ...intents }),
  );
  return { ...swept, proven: swept.envelope !== null, schedule: null };
}

/** What the last such sweep left. */
export async function lastHere(session: Session, options: SweepOptions): Promise<ToldSweep> {
  const file = await settingsFile(session, options);
  const { lastStandaloneSweep } = await import('../../workers/standalone-sweep.js');
  return { ...(await asOurs(() => lastStandaloneSweep(file))), schedule: null };
}

/** `--config`, RESEAL_SWEEP_CONFIG, or the file of the local stack of this folder. */
async function settingsFile(session: Session, { config }: SweepOptions): Promise<string> {
  const { env, cwd } = session.io;
  const named = config ?? (env['RESEAL_SWEEP_CONFIG'] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  const dev = await findDevFile(cwd);
  if (dev?.trust_path) return join(dirname(dev.trust_path), 'workers', 'sweeper.json');
  throw new ResealError('usage', 'where is Graph, and whose markers count?', {
    hint: 'name the sweeper’s settings with --config FILE or RESEAL_SWEEP_CONFIG',
  });
}

async function asOurs<T>(work: () => Promise<T>): Promise<T> {
  const { SettingsError } = await import('../../workers/settings-error.js');
  try {
    return await work();
  } catch (error) {
    if (error instanceof SettingsError) throw new ResealError('config_invalid', error.message, { cause: error });
    throw error;
  }
}
