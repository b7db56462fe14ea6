import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const RESEAL = fileURLToPath(new URL('../../../bin/reseal.js', import.meta.url));

/** Runs a command whose reader goes away before anything is written. */
async function unread(...argv: string[]): Promise<unknown> {
  const child = spawn(process.execPath, [RESEAL, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  child.stderr.destroy();
  const [status] = (await once(child, 'exit')) as unknown[];
  return status;
}

it('a reader that has gone away changes no exit status: of data, or of what is said on the way', async () => {
  expect(await unread('--help')).toBe(0);
  expect(await unread('breakglass', 'list', '--status', 'none-such')).toBe(2);
  expect(await unread('breakglass', 'list', '--gateway', 'http://127.0.0.1:9')).toBe(6);
});
