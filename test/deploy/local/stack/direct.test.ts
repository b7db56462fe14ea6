import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CeremonyView } from '../../../../domain/view.js';
import { CeremonyStack } from '../../../support/ceremony-stack.js';
import { ResealProcess } from '../../../support/dev-process.js';

/** Nothing listens there. */
const GATEWAY_THAT_IS_DOWN = 'http://127.0.0.1:9';
const folder = mkdtempSync(join(tmpdir(), 'reseal-direct-'));
let stack: CeremonyStack;

beforeAll(async () => {
  stack = await CeremonyStack.start();
  mkdirSync(join(folder, '.reseal'));
  const dev = { ...stack.stack.dev, gateway_url: GATEWAY_THAT_IS_DOWN };
  writeFileSync(join(folder, '.reseal', 'dev.json'), JSON.stringify(dev));
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const reseal = (...args: string[]) => ResealProcess.run(['--no-input', ...args], folder);
async function check(event: string): Promise<CeremonyView> {
  const { stdout } = await reseal('breakglass', 'check', event, '--direct', '-o', 'json');
  return JSON.parse(stdout) as CeremonyView;
}

describe('when the gateway is down', () => {
  const why = [
    '--profile',
    'p0',
    '--reason-code',
    'incident',
    '--justification',
    'The gateway is down and so is sign-in',
  ];

  it('says so, and names --direct', async () => {
    const asked = await reseal('breakglass', '--as', 'alice', ...why);
    expect(asked.status).toBe(6);
    expect(asked.stderr).toContain('--direct');
  });

  it('a whole ceremony goes through Temporal itself', async () => {
    const asked = await reseal('breakglass', '--as', 'alice', ...why, '--direct', '-o', 'json');
    expect(asked).toMatchObject({ status: 0 });
    const { event_id: event } = JSON.parse(asked.stdout) as { event_id: string };
    expect(await reseal('approve', event, '--as', 'bob', '--direct')).toMatchObject({ status: 0 });
    // Refused directly just as through the gateway: the ceremony itself decides.
    expect(await reseal('approve', event, '--as', 'alice', '--direct')).toMatchObject({ status: 4 });
    expect(await reseal('approve', event, '--as', 'carol', '--direct')).toMatchObject({ status: 0 });
    await expect.poll(async () => (await check(event)).state, { timeout: 60_000, interval: 1_000 }).toBe('active');

    const listed = await reseal('breakglass', 'list', '--direct', '-o', 'json');
    expect(listed).toMatchObject({ status: 0 });
    expect(listed.stdout).toContain(event);

    await stack.advance(event, '6m');
    expect(await reseal('breakglass', 'close', event, '--as', 'alice', '--direct')).toMatchObject({ status: 0 });
    await stack.advanceToEnd(event);
    expect(await check(event)).toMatchObject({ state: 'closed' });
  });
});
