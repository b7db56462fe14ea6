import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type Gateway } from '../../../client/gateway/start-gateway.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';

const RESEAL = fileURLToPath(new URL('../../../bin/reseal.js', import.meta.url));
/** Writes down whatever is imported. What is loaded with `require` is not seen, but only packages do that. */
const HOOKS = `import { appendFileSync } from 'node:fs';
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  appendFileSync(process.env.LOADED_MODULES, found.url + '\\n');
  return found;
}`;

const people = makePeople();
let folder: string;
let gateway: Gateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-loaded-'));
  writeFileSync(join(folder, 'hooks.mjs'), HOOKS);
  const hooks = JSON.stringify(pathToFileURL(join(folder, 'hooks.mjs')).href);
  writeFileSync(join(folder, 'register.mjs'), `import { register } from 'node:module';\nregister(${hooks});`);
  const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  gateway = await startGateway({ api, port: 0 });
});
afterAll(async () => {
  await gateway.close();
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the built command in a process of its own; answers its exit status and all that it imported. */
async function loadedBy(argv: readonly string[]): Promise<{ status: number; loaded: string[] }> {
  const list = join(folder, 'loaded');
  writeFileSync(list, '');
  const child = spawn(process.execPath, ['--import', join(folder, 'register.mjs'), RESEAL, ...argv], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, LOADED_MODULES: list, RESEAL_GATEWAY_URL: gateway.url },
    stdio: 'ignore',
  });
  const [status] = (await once(child, 'exit')) as [number];
  return { status, loaded: readFileSync(list, 'utf8').split('\n') };
}

/** `config show` also reads what `temporal.toml` says, with the reader that Temporal has for it. */
const HEAVY = /\/node_modules\/(@temporalio\/(?!envconfig\/)|@grpc\/|@aws-sdk\/|@azure\/|@electric-sql\/|pg\/|hono\/)/;

describe('what a command waits for before it begins', () => {
  it.each(['breakglass list', 'status', 'doctor', 'policy show', 'config show'])(
    'is no client of Temporal, of a database or of a cloud for reseal %s',
    async (command) => {
      const { status, loaded } = await loadedBy([...command.split(' '), '--no-input']);
      expect([0, 2]).toContain(status);
      expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
      expect(loaded.some((url) => url.endsWith('/client/cli/session.js'))).toBe(true);
    },
  );

  it("is Temporal's client with --direct: the hooks see it", async () => {
    const { loaded } = await loadedBy(['breakglass', 'list', '--direct', '--no-input']);
    expect(loaded.some((url) => HEAVY.test(url))).toBe(true);
  });
});
