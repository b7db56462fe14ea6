import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { devCommand } from '../../../../deploy/local/stack/dev-command.js';
import { CeremonyStack } from '../../../support/ceremony-stack.js';
import { sweepStack } from '../../../support/sweeping.js';

let stack: CeremonyStack;
beforeAll(async () => {
  stack = await CeremonyStack.start();
});
afterAll(() => stack.stop());

describe('reseal dev advance', () => {
  it('brings the Graph simulator to the ceremony’s time, by which the sweep judges deadlines', async () => {
    const asked = await stack.ask();
    const before = Date.now();
    let said = '';
    const io = { stdout: { write: (text: string) => (said += text) }, stderr: { write: () => true }, env: {} };
    const dir = path.dirname(stack.stack.layout.root);
    expect(await devCommand({ do: 'advance', dir, event_id: asked.event, seconds: 600 }, io)).toBe(0);
    expect(said).toContain('is 10m further');
    const told = await sweepStack(stack);
    const swept = told.report.tenants.find(({ tenant_id }) => tenant_id === asked.tenant);
    expect(swept).toMatchObject({ clock: 'graph' });
    expect(Date.parse(swept?.now ?? '')).toBeGreaterThanOrEqual(before + 599_000);
  }, 120_000);
});
