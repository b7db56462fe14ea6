import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { descendantsOf, FREE_PORTS, isAlive, ResealProcess } from '../../../support/dev-process.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-interrupted-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const LOCKS = ['dev.json', 'dev.pid', 'temporal.pid', 'register.lock'];

interface Interrupted {
  cwd: string;
  dev: ResealProcess;
  status: number | null;
  /** Every process it had when the signal came. */
  children: number[];
}

/** `reseal dev` in a new folder, and the signal once it says that it is at this step. */
async function interrupted(
  step: string,
  signal: NodeJS.Signals,
  given: { args?: string[]; variables?: Record<string, string>; first?: () => Promise<unknown> } = {},
): Promise<Interrupted> {
  const cwd = mkdtempSync(join(folder, 'dev-'));
  const dev = ResealProcess.spawn(['dev', ...FREE_PORTS, ...(given.args ?? [])], cwd, given.variables);
  await expect.poll(() => dev.stderr, { timeout: 60_000, interval: 5 }).toContain(`starting: ${step}\n`);
  await given.first?.();
  const children = descendantsOf(dev.pid);
  const status = await dev.end(signal);
  return { cwd, dev, status, children };
}

function expectNothingLeft({ cwd, dev, status, children }: Interrupted): void {
  expect({ status, ready: dev.stdout }).toEqual({ status: 130, ready: '' });
  expect(dev.stderr).toContain('stopped before it was ready');
  expect([...children, dev.pid].filter(isAlive)).toEqual([]);
  expect(LOCKS.filter((file) => existsSync(join(cwd, '.reseal', file)))).toEqual([]);
}

describe('a signal while reseal dev starts', () => {
  it.each([
    ['the database', 'SIGINT', 'the roles'],
    ["Temporal's server", 'SIGTERM', 'the roles'],
    ['the roles', 'SIGINT', undefined],
  ] as const)('stops at %s, and leaves nothing (%s)', async (step, signal, notReached) => {
    const left = await interrupted(step, signal);
    expectNothingLeft(left);
    if (notReached !== undefined) expect(left.dev.stderr).not.toContain(`starting: ${notReached}`);
  });

  it('removes what an ephemeral stack had made', async () => {
    const left = await interrupted('the roles', 'SIGINT', { args: ['--ephemeral'] });
    expectNothingLeft(left);
    expect(existsSync(join(left.cwd, '.reseal'))).toBe(false);
  });

  it('does not wait for a Temporal server that never answers', async () => {
    const cli = join(folder, 'deaf-temporal');
    const pidFile = join(folder, 'deaf.pid');
    const version = 'temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)';
    const script = `[ "$1" = --version ] && echo '${version}' && exit\necho $$ > '${pidFile}'\nexec sleep 600`;
    writeFileSync(cli, `#!/bin/sh\n${script}\n`);
    chmodSync(cli, 0o755);
    const pidOf = (): number => Number(existsSync(pidFile) ? readFileSync(pidFile, 'utf8') : 0);
    const left = await interrupted("Temporal's server", 'SIGINT', {
      variables: { RESEAL_TEMPORAL_CLI: cli },
      first: () => expect.poll(pidOf, { timeout: 30_000 }).toBeGreaterThan(0),
    });
    expectNothingLeft(left);
    expect(isAlive(pidOf())).toBe(false);
  });
});
