import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askForQuote } from '../../../../activities/tpm/agent-client.js';
import { identifyProcess } from '../../../../activities/register/process-identity.js';
import { startSimulatedHost, type SimulatedHost } from '../../../../deploy/local/host/start-host.js';
import { swtpmMissing } from '../../../../deploy/local/tpm/start-swtpm.js';

const missing = swtpmMissing();

describe('the simulated host', () => {
  const dir = mkdtempSync(join(tmpdir(), 'reseal-simulated-'));
  const pidFile = join(dir, 'tpm.pid');
  let host: SimulatedHost;
  beforeAll(async () => {
    host = await startSimulatedHost({ dir, pidFile });
  });
  afterAll(async () => {
    await host?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const control = async (path: string, body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${host.controlUrl}${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('answers the runbook as it is written, without a token', async () => {
    for (const url of [host.urls.attestor, host.urls.integrity]) {
      expect(await (await fetch(`${url}/api/v1/state`)).json()).toMatchObject({ state: 'trusted' });
    }
    expect((await fetch(`${host.urls.agent}/api/v1/state`)).status).toBe(401);
  });

  it('is changed and broken by its control API, and refuses what makes no sense', async () => {
    await control('/state', { part: 'integrity', state: 'degraded' });
    expect(await (await fetch(`${host.urls.integrity}/api/v1/state`)).json()).toMatchObject({ state: 'degraded' });
    await control('/faults', { part: 'integrity', kind: 'error', status: 503, times: 1 });
    expect((await fetch(`${host.urls.integrity}/api/v1/state`)).status).toBe(503);
    expect((await fetch(`${host.urls.integrity}/api/v1/state`)).status).toBe(200);
    expect(await control('/faults', { part: 'kettle', kind: 'error' })).toMatchObject({ status: 400 });
    await control('/reset', {});
    expect(await (await fetch(`${host.urls.integrity}/api/v1/state`)).json()).toMatchObject({ state: 'trusted' });
  });

  it.skipIf(missing !== null)(
    `starts its TPM when it is first asked, and leaves nothing of it${missing === null ? '' : ` (skipped: ${missing})`}`,
    async () => {
      expect(existsSync(pidFile)).toBe(false);
      const token = readFileSync(host.files.attestToken, 'utf8').trim();
      const pcr = async (): Promise<string | undefined> => {
        const question = { nonce: randomBytes(32).toString('hex'), pcrs: { sha256: [23] } };
        const answer = await askForQuote({ url: host.urls.attest_agent, token }, question);
        if (!answer.ok) throw new Error(answer.message);
        return answer.value.pcrs['sha256']?.['23'];
      };
      const zero = '0'.repeat(64);
      expect(await pcr()).toBe(zero);
      const { pid } = JSON.parse(readFileSync(pidFile, 'utf8')) as { pid: number };
      expect((await control('/tpm/extend', { index: 23 })).status).toBe(200);
      expect(await pcr()).not.toBe(zero);
      expect((await control('/tpm/boot', { how: 'reset' })).status).toBe(200);
      expect(await pcr()).toBe(zero);
      await control('/faults', { part: 'attest_agent', kind: 'unreachable', times: 1 });
      await expect(pcr()).rejects.toThrow('a fault that was asked for');
      await host.close();
      expect(await identifyProcess(pid)).toBeNull();
      expect(existsSync(pidFile)).toBe(false);
    },
  );
});
