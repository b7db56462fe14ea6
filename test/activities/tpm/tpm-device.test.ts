import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { collectQuote } from '../../../activities/tpm/collect-quote.js';
import { TPM_CC } from '../../../activities/tpm/tpm-commands.js';
import { activateCredential } from '../../../activities/tpm/endorsement-session.js';
import { quotePcrs, readClock, readPcrs, readPublic } from '../../../activities/tpm/tpm-device.js';
import type { TpmError } from '../../../activities/tpm/tpm-error.js';
import { openTpm, parseTpmAddress, type TpmTransport } from '../../../activities/tpm/tpm-transport.js';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { makeCredential } from '../../../proofs/tpm/make-credential.js';
import type { PcrSelection } from '../../../proofs/tpm/pcr-selection.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { hashByName } from '../../../proofs/tpm/tpm-algorithms.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { AKS, QuotingHost, type AkName } from '../../proofs/tpm/quoting-host.js';
import { failuresOf } from '../../proofs/tpm/software-quote.js';
import { answerOf, ProxiedTpm } from './proxied-tpm.js';

const missing = swtpmMissing();
const bank = hashByName('sha256');
const select = (...indices: number[]): PcrSelection[] => (bank === undefined ? [] : [{ bank, indices }]);
const ALL = Array.from({ length: 24 }, (_, index) => index);
const handleOf = (ak: AkName): number => Number(AKS[ak].handle);
const EK = 0x81010001;
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: TpmError) => `${error.code}${error.rc === undefined ? '' : ` ${error.rc.toString(16)}`}`,
  );

describe.skipIf(missing !== null)(`commands to a TPM${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let host: QuotingHost;
  let proxy: ProxiedTpm;
  const opened: TpmTransport[] = [];
  /** It takes one connection at a time: each test has its own, and none while tpm2-tools speak. */
  const open = async (): Promise<TpmTransport> => {
    const tpm = await openTpm({ socket: proxy.socket });
    opened.push(tpm);
    return tpm;
  };
  beforeAll(async () => {
    host = await QuotingHost.start();
    await host.tpm.tool('tpm2_createek', '-c', `0x${EK.toString(16)}`, '-G', 'rsa', '-u', 'ek.pub');
    proxy = await ProxiedTpm.start(host.tpm.socket);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((tpm) => tpm.close()));
    proxy.interfere = () => undefined;
    proxy.seen.length = 0;
  });
  afterAll(async () => {
    await proxy?.stop();
    await host?.stop();
  });

  it('read what tpm2-tools read: a key, all PCRs, the clock', async () => {
    const values = await host.pcrs(ALL);
    const tpm = await open();
    expect(await readPublic(tpm, handleOf('rsassa'))).toEqual(await host.read('rsassa.pub'));
    expect((await readPcrs(tpm, select(...ALL))).values).toEqual(values);
    expect(await readClock(tpm)).toMatchObject({ resetCount: 1, restartCount: 0, safe: true });
  });

  it.each(['rsassa', 'rsapss', 'ecdsa'] as const)('quote in %s, and the verifier accepts it', async (ak) => {
    const tpm = await open();
    const nonce = randomBytes(32);
    const { quote, signature, pcrs } = await collectQuote(tpm, handleOf(ak), nonce, select(...ALL));
    const area = readAttestationKey(await readPublic(tpm, handleOf(ak)));
    const evidence = { quote, signature, ak: area, pcrs: readPcrValues(JSON.stringify(pcrs)) };
    expect(failuresOf(verifyQuote(evidence, { nonce }))).toEqual([]);
  });

  it('are sent again while the TPM says that it needs time', async () => {
    let left = 3;
    proxy.interfere = (code) =>
      code === TPM_CC.quote && (left -= 1) >= 0 ? answerOf([0x922, 0x90a, 0x908][left] ?? 0) : undefined;
    await quotePcrs(await open(), handleOf('ecdsa'), randomBytes(32), select(0));
    expect(proxy.seen).toEqual([TPM_CC.quote, TPM_CC.quote, TPM_CC.quote, TPM_CC.quote]);
  });

  it('say that the TPM is busy when it never finds the time, and do not insist when it locks out or refuses', async () => {
    const rc = { now: 0x922 };
    proxy.interfere = () => answerOf(rc.now);
    const tpm = await open();
    expect(await codeOf(readClock(tpm))).toBe('busy 922');
    const asked = proxy.seen.length;
    rc.now = 0x921;
    expect(await codeOf(readClock(tpm))).toBe('lockout 921');
    rc.now = 0x101;
    expect(await codeOf(readClock(tpm))).toBe('refused 101');
    expect(proxy.seen.length).toBe(asked + 2);
  });

  it('quote again when a PCR moved between reading and quoting', async () => {
    const extend = (upstream: (command: Buffer) => Promise<Buffer>): Promise<Buffer> =>
      upstream(
        Buffer.from(
          `80020000004100000182${'00000010'}00000009400000090000010000${'00000001000b'}${'ab'.repeat(32)}`,
          'hex',
        ),
      );
    let moves = 2;
    proxy.interfere = async (code, upstream) => {
      if (code === TPM_CC.quote && (moves -= 1) >= 0) expect((await extend(upstream)).readUInt32BE(6)).toBe(0);
      return undefined;
    };
    const tpm = await open();
    const nonce = randomBytes(32);
    const { quote, signature, pcrs } = await collectQuote(tpm, handleOf('ecdsa'), nonce, select(0, 16));
    expect(proxy.seen.filter((code) => code === TPM_CC.quote)).toHaveLength(3);
    const ak = readAttestationKey(await readPublic(tpm, handleOf('ecdsa')));
    expect(
      failuresOf(verifyQuote({ quote, signature, ak, pcrs: readPcrValues(JSON.stringify(pcrs)) }, { nonce })),
    ).toEqual([]);

    moves = Infinity;
    expect(await codeOf(collectQuote(tpm, handleOf('ecdsa'), nonce, select(0, 16)))).toBe('torn_read');
  });

  it('activate a credential made for this AK, at the first use after a boot too, and no other', async () => {
    await host.boot('reset');
    const ek = await host.endorsementKey();
    const secret = randomBytes(32);
    const [name, foreign] = [await host.read('rsassa.name'), await host.read('ecdsa.name')];
    const keys = { ak: handleOf('rsassa'), ek: EK };
    const tpm = await open();
    const challenge = makeCredential(ek, name, secret);
    const wrong = makeCredential(ek, foreign, secret);
    if (!challenge.ok || !wrong.ok) throw new Error('no credential was made');
    expect(await activateCredential(tpm, keys, challenge.value)).toEqual(secret);
    // A TPM without a resource manager holds three sessions: one that is left open shows here.
    for (let tries = 0; tries < 5; tries += 1)
      expect(await codeOf(activateCredential(tpm, keys, wrong.value))).toBe('refused 1df');
    expect(await activateCredential(tpm, keys, challenge.value)).toEqual(secret);
    const count = (code: number): number => proxy.seen.filter((one) => one === code).length;
    expect(count(TPM_CC.flushContext)).toBe(count(TPM_CC.startAuthSession));
  });

  it('fail as unreachable when the connection goes, and as malformed when what answers is no TPM', async () => {
    const tpm = await open();
    proxy.interfere = () => null;
    expect(await codeOf(readClock(tpm))).toBe('unreachable');
    expect(await codeOf(readClock(tpm))).toBe('unreachable');
    for (const answer of [
      'HTTP/1.1 400 Bad Request\r\n',
      '\0\0\0\0\0\x0a\0\0\0\0\0',
      '\x80\x01\0\0\0\x0b\0\0\0\0\x01',
    ]) {
      proxy.interfere = () => Buffer.from(answer, 'latin1');
      expect(await codeOf(readClock(await open()))).toBe('malformed');
    }
  });

  it('refuse a key that is not there, and a bank that the TPM does not have', async () => {
    const tpm = await open();
    expect(await codeOf(readPublic(tpm, 0x81010099))).toBe('refused 18b');
    const sm3 = hashByName('sm3_256');
    expect(await codeOf(readPcrs(tpm, sm3 === undefined ? [] : [{ bank: sm3, indices: [0] }]))).toMatch(/^refused/);
  });
});

describe('where a TPM is', () => {
  it('is a device, a UNIX socket or a TCP port', () => {
    expect(parseTpmAddress('/dev/tpmrm0')).toEqual({ device: '/dev/tpmrm0' });
    expect(parseTpmAddress('unix:/run/swtpm')).toEqual({ socket: '/run/swtpm' });
    expect(parseTpmAddress('tcp:127.0.0.1:2321')).toEqual({ host: '127.0.0.1', port: 2321 });
    for (const text of ['', 'tpm0', 'tcp:host', 'unix:']) expect(parseTpmAddress(text)).toBeUndefined();
  });

  it('is told when nothing answers there', async () => {
    for (const address of [{ socket: '/nowhere/s' }, { device: '/nowhere/tpm' }])
      expect(await codeOf(openTpm(address))).toBe('unreachable');
  });
});
