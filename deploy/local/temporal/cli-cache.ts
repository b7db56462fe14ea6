import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { platformKey, requireDigest, sha256OfFile, type CliRelease } from './cli-release.js';
import { TemporalError } from './temporal-error.js';

/** Where a release is cached: `${XDG_CACHE_HOME:-~/.cache}/reseal/temporal-VERSION/temporal`. */
export function cachedCliPath(release: CliRelease, env: NodeJS.ProcessEnv): string {
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return join(base, 'reseal', `temporal-${release.version}`, 'temporal');
}

/**
 * The cached binary, its digest checked again, or null when nothing is cached. On a platform without a pinned digest
 * it must match what was recorded when it was installed, which finds damage but not an intruder.
 * Throws `temporal_cli_wrong_digest`.
 */
export async function readCache(release: CliRelease, env: NodeJS.ProcessEnv): Promise<string | null> {
  const path = cachedCliPath(release, env);
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) return null;
  const recorded = await readFile(`${path}.sha256`, 'utf8').catch(() => '');
  await requireDigest(path, release.binarySha256[platformKey()] ?? recorded.trim(), 'the cached temporal binary');
  return path;
}

/** A new directory beside the cache, on the same file system, so that installing is one rename. */
export async function makeStagingDirectory(release: CliRelease, env: NodeJS.ProcessEnv): Promise<string> {
  const base = dirname(dirname(cachedCliPath(release, env)));
  await mkdir(base, { recursive: true });
  return mkdtemp(join(base, 'staging-'));
}

/**
 * Moves a downloaded binary into the cache, mode 0755, whole or not at all; returns its place there. Where a digest is
 * pinned for this platform it must match, before the file is ever run. Throws `temporal_cli_wrong_digest`.
 */
export async function installIntoCache(staged: string, release: CliRelease, env: NodeJS.ProcessEnv): Promise<string> {
  const pinned = release.binarySha256[platformKey()];
  if (pinned !== undefined) await requireDigest(staged, pinned, 'the downloaded temporal binary');
  const path = cachedCliPath(release, env);
  const note = `${staged}.sha256`;
  await writeFile(note, `${pinned ?? (await sha256OfFile(staged))}\n`);
  await chmod(staged, 0o755);
  await mkdir(dirname(path), { recursive: true });
  await rename(note, `${path}.sha256`);
  await rename(staged, path);
  return path;
}

/** Runs `fetchBinary` with a staging directory and installs the file it returns; the directory is always removed. */
export async function installFrom(
  release: CliRelease,
  env: NodeJS.ProcessEnv,
  fetchBinary: (directory: string) => Promise<string>,
): Promise<string> {
  const directory = await makeStagingDirectory(release, env).catch((error: unknown) => {
    throw new TemporalError('temporal_cli_unavailable', `the cache folder cannot be written: ${String(error)}`);
  });
  try {
    return await installIntoCache(await fetchBinary(directory), release, env);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
