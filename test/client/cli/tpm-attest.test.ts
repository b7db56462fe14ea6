import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AttestAgent } from '../../../activities/tpm/attest-agent.js';
import { serveAgent, type ServedAgent } from '../../../activities/tpm/serve-agent.js';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import { attestationReportSchema } from '../../../domain/attestation.js';
import { AKS, QuotingHost } from '../../proofs/tpm/quoting-host.js';
import { pcrPolicy } from '../../proofs/tpm/software-quote.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal, type Ran } from '../terminal.js';

const missing = swtpmMissing();
const TOKEN = 'a-token-of-at-least-thirty-two-characters';

/** The whole way: command line, agent, TPM and back. */
describe.skipIf(missing !== null)(
  `when reseal tpm attest asks a host${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const people = makePeople();
    const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
    const folder = mkdtempSync(join(tmpdir(), 'reseal-attest-'));
    let host: QuotingHost;
    let served: ServedAgent;
    beforeAll(async () => {
      host = await QuotingHost.start();
      await host.tpm.tool('tpm2_createek', '-c', '0x81010001', '-G', 'rsa', '-u', 'ek.pub');
      for (const name of ['ecdsa.pub', 'rsassa.pub', 'ek.pub'])
        writeFileSync(join(folder, name), await host.read(name));
      writeFileSync(join(folder, 'token'), TOKEN);
      writeFileSync(join(folder, 'policy.json'), JSON.stringify(pcrPolicy({}, await host.pcrs([0, 7])).policy));
      const agent = new AttestAgent({
        tpm: { socket: host.tpm.socket },
        ak: Number(AKS.ecdsa.handle),
        ek: 0x81010001,
        token: TOKEN,
      });
      served = await serveAgent(agent, { host: '127.0.0.1', port: 0 });
    });
    afterAll(async () => {
      await served?.close();
      await host?.stop();
      people.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    const attest = (...more: string[]): Promise<Ran> =>
      reseal(api, ['tpm', 'attest', served.url, '--ak', 'ecdsa.pub', '--token-file', 'token', ...more], {
        cwd: folder,
      });
    const first = ({ status, out }: Ran): string => `${status} ${out.split('\n')[0] ?? ''}`;

    it('accepts one whose values are allowed and whose keys share a TPM', async () => {
      const { status, out } = await attest('--policy', 'policy.json', '--ek', 'ek.pub', '-o', 'json');
      const report = attestationReportSchema.parse(JSON.parse(out));
      expect({ status, ok: report.ok, selection: report.quoted?.selection }).toEqual({
        status: 0,
        ok: true,
        selection: 'sha256:0,7',
      });
      const activated = report.checks.find(({ code }) => code === 'AK_NOT_CHILD_OF_EK');
      expect(activated?.detail).toContain('has opened a credential');
    });

    it('keeps what it showed, which reseal tpm verify judges alike, and knows a reboot since', async () => {
      expect(first(await attest('--out', 'kept'))).toBe('0 VERIFIED');
      const nonce = readFileSync(join(folder, 'kept', 'nonce.hex'), 'utf8');
      const files = ['--quote', 'kept/quote.msg', '--signature', 'kept/quote.sig', '--pcrs', 'kept/pcrs.json'];
      const verify = ['tpm', 'verify', ...files, '--ak', 'ecdsa.pub', '--nonce', nonce];
      expect(first(await reseal(api, verify, { cwd: folder }))).toBe('0 VERIFIED');
      const since = ['--earlier', 'kept/quote.msg', '--earlier-signature', 'kept/quote.sig', '--rebooted'];
      expect(first(await attest(...since))).toMatch(/^7 NOT VERIFIED: NO_REBOOT_SINCE_CONTAINMENT/);
      await host.boot('reset');
      expect(first(await attest(...since))).toBe('0 VERIFIED');
    });

    it('refuses another key than the one expected, and values that are not allowed', async () => {
      expect(first(await attest('--ak', 'rsassa.pub'))).toMatch(/^7 NOT VERIFIED: SCHEME/);
      await host.extend(7, 'ab'.repeat(32));
      expect(first(await attest('--policy', 'policy.json'))).toMatch(
        /^7 NOT VERIFIED: PCR_NOT_GOLDEN: sha256 PCR 7 is /,
      );
    });

    it('refuses a host that cannot open a credential made for another key', async () => {
      const { status, out } = await attest('--ak', 'rsassa.pub', '--ek', 'ek.pub');
      expect({ status, out: out.split('\n')[0] }).toEqual({
        status: 7,
        out: expect.stringMatching(/^NOT VERIFIED/) as string,
      });
    });

    it('says 6 when nobody answers, and 7 when it is refused', async () => {
      const away = ['tpm', 'attest', 'http://127.0.0.1:1', '--ak', 'ecdsa.pub'];
      const ran = await reseal(api, away, { cwd: folder });
      expect(ran.status).toBe(6);
      expect(ran.err).toContain('nothing was refused: ask again later');
      const stranger = await reseal(api, ['tpm', 'attest', served.url, '--ak', 'ecdsa.pub'], { cwd: folder });
      expect(stranger.status).toBe(7);
      expect(stranger.err).toContain('unauthorized');
    });

    it.each([
      [['http://10.0.0.7:8520'], 'use https://'],
      [['host:8520'], 'https://HOST:PORT'],
      [['https://host:8520', '--tls-key', 'token'], 'belong together'],
      [['https://host:8520', '--select', 'sha1:0'], '--select is such as'],
      [['https://host:8520', '--select', 'sha256:24'], '--select is such as'],
      [['https://host:8520', '--select', 'sha256:0+sha256:1'], '--select is such as'],
    ])('answers 2 for %j', async (argv, message) => {
      const { status, err } = await reseal(api, ['tpm', 'attest', ...argv, '--ak', 'ecdsa.pub'], { cwd: folder });
      expect(status).toBe(2);
      expect(err).toContain(message);
    });
  },
);
