import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal } from '../terminal.js';

const people = makePeople();
const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
const folder = mkdtempSync(join(tmpdir(), 'reseal-attest-agent-'));
writeFileSync(join(folder, 'token'), `${'t'.repeat(40)}\n`);
writeFileSync(join(folder, 'short'), 'secret\n');
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const agent = (argv: string[], signal?: AbortSignal) =>
  reseal(api, ['attest-agent', ...argv], { cwd: folder, ...(signal && { signal }) });
const AK = ['--ak', '0x81010002'];
const WITH_TOKEN = [...AK, '--token-file', 'token'];

describe('when reseal attest-agent is started', () => {
  it('serves until it is asked to stop', async () => {
    const stop = new AbortController();
    const ran = agent([...WITH_TOKEN, '--listen', '127.0.0.1:0', '--tpm', 'unix:/nowhere'], stop.signal);
    stop.abort();
    const { status, err } = await ran;
    expect({ status, err }).toEqual({
      status: 0,
      err: expect.stringMatching(/^answering for unix:\/nowhere on http:/) as string,
    });
  });

  it.each([
    ['no handle', [], '--ak'],
    ['a transient handle', ['--ak', '0x80000001', '--token-file', 'token'], '0x81000000 to 0x81ffffff'],
    ['nobody who may ask', AK, 'who may ask?'],
    ['a token in the clear', [...WITH_TOKEN, '--listen', '0.0.0.0:0'], 'in the clear'],
    ['a token that is too short', [...AK, '--token-file', 'short'], 'short holds no token'],
    ['half a certificate', [...AK, '--tls-key', 'token'], 'belong together'],
    ['an address that is none', [...WITH_TOKEN, '--listen', '8520'], '--listen is HOST:PORT'],
    ['a TPM that is nowhere', [...WITH_TOKEN, '--tpm', 'tpm0'], '--tpm is a device'],
  ])('answers 2 for %s', async (_name, argv, message) => {
    const { status, err } = await agent(argv);
    expect(status).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain('secret');
  });
});
