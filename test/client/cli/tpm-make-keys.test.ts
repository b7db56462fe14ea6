import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { collectQuote } from '../../../activities/tpm/collect-quote.js';
import { activateCredential } from '../../../activities/tpm/endorsement-session.js';
import { TPM_CC } from '../../../activities/tpm/tpm-commands.js';
import { openTpm } from '../../../activities/tpm/tpm-transport.js';
import { startSwtpm, swtpmMissing, type SoftwareTpm } from '../../../deploy/local/tpm/start-swtpm.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { makeCredential } from '../../../proofs/tpm/make-credential.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { parsePublicArea } from '../../../proofs/tpm/public-area.js';
import { hashByName } from '../../../proofs/tpm/tpm-algorithms.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { answerOf, ProxiedTpm } from '../../activities/tpm/proxied-tpm.js';
import { failuresOf } from '../../proofs/tpm/software-quote.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal, type Ran } from '../terminal.js';

const missing = swtpmMissing();
const [EK, AK] = ['0x81010001', '0x81010002'] as const;

interface Said {
  ek: { handle: string; name: string; created: boolean };
  ak: { handle: string; name: string; created: boolean; scheme: string };
  ek_certificate: boolean;
}

describe.skipIf(missing !== null)(
  `when a host's TPM is to make its keys${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    const people = makePeople();
    const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
    const folder = mkdtempSync(join(tmpdir(), 'reseal-make-keys-'));
    let tpm: SoftwareTpm;
    let proxy: ProxiedTpm;
    beforeAll(async () => {
      tpm = await startSwtpm();
      proxy = await ProxiedTpm.start(tpm.socket);
    });
    afterEach(() => {
      proxy.interfere = () => undefined;
    });
    afterAll(async () => {
      await proxy?.stop();
      await tpm?.stop();
      people.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    const make = (...more: string[]): Promise<Ran> =>
      reseal(api, ['tpm', 'make-keys', '--tpm', `unix:${proxy.socket}`, ...more], { cwd: folder });
    const said = (ran: Ran): Said => {
      expect({ status: ran.status, err: ran.err }).toMatchObject({ status: 0 });
      return JSON.parse(ran.out) as Said;
    };
    const evict = (...of: string[]): Promise<string> => tpm.tool('tpm2_evictcontrol', '-C', 'o', ...of);
    const refusal = async (...more: string[]): Promise<string> => {
      const { status, err } = await make(...more);
      return `${status} ${err}`;
    };

    it('both are made, under each other, and nothing is left loaded behind', async () => {
      const made = said(await make('--out', 'keys', '-o', 'json'));
      expect(made).toMatchObject({
        ek: { handle: EK, created: true },
        ak: { handle: AK, created: true, scheme: 'rsassa' },
        ek_certificate: false,
      });
      for (const kind of ['transient', 'loaded-session'])
        expect((await tpm.tool('tpm2_getcap', `handles-${kind}`)).trim()).toBe('');
      // The one key that everybody makes by this template, whoever asks.
      await tpm.tool('tpm2_createek', '-c', 'ek.ctx', '-G', 'rsa', '-u', 'ek.pub');
      await tpm.tool('tpm2_flushcontext', '-t');
      expect(readFileSync(join(folder, 'keys', 'ek.tpm2b_public'))).toEqual(readFileSync(join(tpm.folder, 'ek.pub')));
    });

    it('again, what is there is shown and stays, after a power cut too', async () => {
      const before = said(await make('-o', 'json'));
      expect(before).toMatchObject({ ek: { created: false }, ak: { created: false } });
      await tpm.powerCycle();
      await tpm.tool('tpm2_startup', '-c');
      proxy.seen.length = 0;
      const { status, out, err } = await make('--scheme', 'ecdsa');
      expect({ status, out }).toEqual({
        status: 0,
        out: expect.stringContaining(
          `attestation key  ${AK}  ${before.ak.name}  there already, and left as it is, rsassa`,
        ) as string,
      });
      expect(err).toContain('signs in rsassa, not in ecdsa');
      for (const changes of [TPM_CC.createPrimary, TPM_CC.create, TPM_CC.evictControl])
        expect(proxy.seen).not.toContain(changes);
    });

    it.each([
      ['rsassa', AK],
      ['rsapss', '0x81010003'],
      ['ecdsa', '0x81010004'],
    ])('a key in %s quotes as the verifier demands, and opens a credential made for it', async (scheme, handle) => {
      said(await make('--ak', handle, '--scheme', scheme, '--out', scheme, '-o', 'json'));
      const read = (name: string): Buffer => readFileSync(join(folder, scheme, `${name}.tpm2b_public`));
      const [ek, ak] = [parsePublicArea(read('ek')), readAttestationKey(read('ak'))];
      if (!ek.ok || !ak.ok) throw new Error('no keys');
      const [nonce, secret, bank] = [randomBytes(32), randomBytes(32), hashByName('sha256')];
      const challenge = makeCredential(ek.value, ak.value.area?.name ?? Buffer.alloc(0), secret);
      if (!challenge.ok || bank === undefined) throw new Error('no credential');
      const opened = await openTpm({ socket: proxy.socket });
      const shown = await collectQuote(opened, Number(handle), nonce, [{ bank, indices: [0, 7] }]);
      const activated = (
        await activateCredential(opened, { ak: Number(handle), ek: Number(EK) }, challenge.value)
      ).equals(secret);
      await opened.close();
      const pcrs = readPcrValues(JSON.stringify(shown.pcrs));
      const report = verifyQuote({ ...shown, ak, pcrs }, { nonce, ek: ek.value, activated });
      expect(failuresOf(report)).toEqual([]);
      expect(report.checks.map(({ code }) => code)).toContain('AK_ATTRIBUTES');
      expect(activated).toBe(true);
    });

    it('is gone on with where it was cut off, and waits while the TPM needs time', async () => {
      for (const handle of [EK, AK, '0x81010003', '0x81010004']) await evict('-c', handle);
      proxy.interfere = (code) => (code === TPM_CC.create ? null : undefined);
      expect(await refusal()).toMatch(/^6 .*run it again later/s);
      let left = 2;
      proxy.interfere = (code) => (code === TPM_CC.create && (left -= 1) >= 0 ? answerOf(0x922) : undefined);
      expect(said(await make('-o', 'json'))).toMatchObject({ ek: { created: false }, ak: { created: true } });
      // What was loaded when the line went dead is the one thing that nobody could flush; a power cycle does.
      await tpm.powerCycle();
      await tpm.tool('tpm2_startup', '-c');
    });

    describe('refuses a handle that is taken, and changes nothing:', () => {
      const other = '0x81010009';
      afterEach(async () => {
        await evict('-c', other);
        await tpm.tool('tpm2_flushcontext', '-t');
      });
      const FLAGS = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth';
      const primary = async (hierarchy: string, algorithm: string, attributes: string): Promise<void> => {
        await tpm.tool('tpm2_createprimary', '-C', hierarchy, '-G', algorithm, '-a', attributes, '-c', 'other.ctx');
        await evict('-c', 'other.ctx', other);
        await tpm.tool('tpm2_flushcontext', '-t');
      };
      const STORAGE = `${FLAGS}|restricted|decrypt`;

      it('by a storage key of the owner', async () => {
        await primary('o', 'rsa2048:null:aes128cfb', STORAGE);
        expect(await refusal('--ek', other)).toMatch(
          /^3 .*0x81010009 is taken: by a key that is no primary key of the endorsement hierarchy/s,
        );
        expect(await refusal('--ak', other)).toMatch(/^3 .*0x81010009 is taken: by no key that signs/s);
      });

      it('by a key of the owner that signs', async () => {
        await primary('o', 'ecc256:ecdsa-sha256:null', `${FLAGS}|restricted|sign`);
        expect(await refusal('--ak', other)).toMatch(/^3 .*was not made under the endorsement key/s);
        expect(await refusal('--ek', other)).toMatch(/^3 .*others cannot be made under/s);
        proxy.seen.length = 0;
        expect(await refusal('--ek', '0x8101000a', '--ak', other)).toMatch(
          /^3 .*no endorsement key at the other handle/s,
        );
        expect(proxy.seen).not.toContain(TPM_CC.createPrimary);
      });

      it('by a key that signs whatever it is given', async () => {
        await primary('e', 'ecc256:ecdsa-sha256:null', `${FLAGS}|sign`);
        expect(await refusal('--ak', other)).toMatch(/^3 .*a key that signs what it is given/s);
      });

      it('by an endorsement key of another template', async () => {
        await primary('e', 'ecc256:null:aes128cfb', STORAGE);
        expect(await refusal('--ek', other, '--ak', '0x8101000b')).toMatch(/^3 .*of another template/s);
      });
    });

    it('says so when a hierarchy has a password', async () => {
      await tpm.tool('tpm2_changeauth', '-c', 'o', 'secret');
      const said = await refusal('--ak', '0x8101000c');
      await tpm.tool('tpm2_changeauth', '-c', 'o', '-p', 'secret', '');
      expect(said).toMatch(/^3 .*has a password.*tpm2_createak/s);
    });

    it.each([
      [['--ek', '0x80000001'], '--ek is a persistent handle'],
      [['--ak', '0x81800000'], "is the platform's"],
      [['--ak', EK], 'cannot have one handle'],
      [['--scheme', 'ecdaa'], '--scheme is one of rsassa, rsapss, ecdsa'],
      [['--tpm', 'tpm0'], '--tpm is a device'],
    ])('answers 2 for %j', async (argv, message) => {
      const { status, err } = await make(...argv);
      expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining(message) as string });
    });

    it('answers 6 where no TPM answers', async () => {
      expect(await refusal('--tpm', 'unix:/nowhere/s')).toMatch(/^6 /);
    });
  },
);
