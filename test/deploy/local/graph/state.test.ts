import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startGraphSimulator } from '../../../../deploy/local/graph/server.js';
import { AUDITS, Caller, control, INSTANCES, MINUTE, refusal, REQUESTS, simulator, T0, truth } from './harness.js';

async function stateFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graph-sim-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'deep', 'graph.json');
}

describe('when the simulator restarts on its state file', () => {
  it('knows assignments, requests, audits, faults, settings, calls and the clock', async () => {
    const statePath = await stateFile();
    const first = await simulator({ statePath });
    const before = new Caller(first);
    const { id } = await before.pim();
    await control(first, '/faults', { method: 'POST', effect: 'status', status: 503 });
    await control(first, '/policies', { require_ticket: true });
    await first.close();
    const second = await simulator({ statePath });
    expect((await truth(second)).assignments).toHaveLength(1);
    expect((await truth(second)).calls).toHaveLength(1);
    expect(Date.parse((await truth(second)).now) - T0).toBeLessThan(10_000);
    const after = new Caller(second);
    after.now = T0 + 6 * MINUTE;
    expect(await after.get(`${REQUESTS}/${String(id)}`)).toMatchObject({ status: 'Provisioned' });
    expect(await after.list(AUDITS)).toHaveLength(3);
    expect(await refusal(after.remove())).toBe('503 ServiceUnavailable');
    expect(await after.remove()).toMatchObject({ status: 'Revoked' });
    expect(await refusal(after.pim({ ticketInfo: null }))).toBe('400 RoleAssignmentRequestPolicyValidationFailed');
    expect(await after.list(INSTANCES)).toHaveLength(0);
  });

  it('refuses a file that it cannot read, and leaves it alone', async () => {
    const statePath = await stateFile();
    await (await startGraphSimulator({ statePath })).close();
    const sim = await simulator({ statePath });
    await new Caller(sim).pim();
    await sim.close();
    await writeFile(statePath, '{"version":');
    await expect(startGraphSimulator({ statePath })).rejects.toThrow('is not JSON');
    await writeFile(statePath, '{"version":99}');
    await expect(startGraphSimulator({ statePath })).rejects.toThrow('another version');
    expect(await readFile(statePath, 'utf8')).toBe('{"version":99}');
  });
});
