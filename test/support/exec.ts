import { spawn } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

import type { Asked, CeremonyStack } from './ceremony-stack.js';

const BIN = fileURLToPath(new URL('../../bin/reseal.js', import.meta.url));
/** The command, as a shell under `reseal exec` starts it. */
export const RESEAL = `"${process.execPath}" "${BIN}"`;

/** How a process ended, and what it printed. */
export interface Ran {
  status: number | null;
  out: string;
  err: string;
}

/** `reseal exec` of a shell's command as alice runs it, in `cwd`. */
export function execUnder(
  stack: CeremonyStack,
  asked: Pick<Asked, 'event'>,
  script: string,
  { options = [], cwd = os.tmpdir() }: { options?: readonly string[]; cwd?: string } = {},
): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'],
    HOME: cwd,
    RESEAL_AS: 'alice@corp.example',
    RESEAL_KEY: stack.keyOf('alice'),
    RESEAL_GATEWAY_URL: stack.stack.dev.gateway_url,
    SSH_AUTH_SOCK: '/nowhere',
  };
  const argv = [BIN, 'exec', asked.event, ...options, '--', 'sh', '-c', script];
  const child = spawn(process.execPath, argv, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, out, err })));
}
