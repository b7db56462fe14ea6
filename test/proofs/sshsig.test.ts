import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseOpenSshPrivateKey } from '../../proofs/openssh-private-key.js';
import { signSshsig, SshsigSignError } from '../../proofs/sshsig-sign.js';
import { verifySshsig } from '../../proofs/sshsig.js';
import { publicKeyOf, SshKeygen } from './ssh-keygen.js';

const NAMESPACE = 'reseal-statement-v1';
const MESSAGE = Buffer.from('{"act":"approve","request":"é"}');

const KEYS = [
  ['ed25519', undefined],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['rsa', 3072],
] as const;

let oracle: SshKeygen;
const paths = new Map<string, string>();

beforeAll(() => {
  oracle = new SshKeygen();
  for (const [type, bits] of KEYS) {
    const name = `${type}${bits ?? ''}`;
    paths.set(name, oracle.generate(name, type, bits === undefined ? {} : { bits }));
  }
}, 60_000);

afterAll(() => {
  oracle.dispose();
});

function pathOf(name: string): string {
  return paths.get(name) ?? '';
}

describe.each(['ed25519', 'ecdsa256', 'ecdsa384', 'rsa3072'])('with a key of type %s', (name) => {
  it.each(['sha256', 'sha512'] as const)('accepts what ssh-keygen -Y sign makes with %s', (hash) => {
    const key = publicKeyOf(oracle.publicLine(pathOf(name)));
    const armored = oracle.sign(pathOf(name), MESSAGE, NAMESPACE, hash);
    const accepted = { ok: true, method: 'software', hash };
    expect(verifySshsig({ armored, message: MESSAGE, namespace: NAMESPACE, key })).toEqual(accepted);
    expect(verifySshsig({ armored: armored.trimEnd(), message: MESSAGE, namespace: NAMESPACE, key })).toEqual(accepted);
  });

  it.each(['sha256', 'sha512'] as const)('signs with %s what ssh-keygen -Y verify accepts', (hash) => {
    const { privateKey, publicKey } = parseOpenSshPrivateKey(oracle.privateText(pathOf(name)));
    const armored = signSshsig({ privateKey, publicKey, message: MESSAGE, namespace: NAMESPACE, hash });
    const line = oracle.publicLine(pathOf(name));
    expect(oracle.verifies(line, armored, MESSAGE, NAMESPACE)).toBe(true);
    expect(oracle.verifies(line, armored, Buffer.from('other'), NAMESPACE)).toBe(false);
    expect(verifySshsig({ armored, message: MESSAGE, namespace: NAMESPACE, key: publicKey }).ok).toBe(true);
  });

  it('refuses another message, another namespace and another key', () => {
    const key = publicKeyOf(oracle.publicLine(pathOf(name)));
    const armored = oracle.sign(pathOf(name), MESSAGE, NAMESPACE);
    const other = publicKeyOf(oracle.publicLine(pathOf(name === 'ed25519' ? 'ecdsa256' : 'ed25519')));
    const input = { armored, message: MESSAGE, namespace: NAMESPACE, key };
    const reason = { ok: false, reason: 'signature_invalid' };
    expect(verifySshsig({ ...input, message: Buffer.from('other') })).toMatchObject(reason);
    expect(verifySshsig({ ...input, namespace: 'file' })).toMatchObject({ reason: 'namespace_mismatch' });
    expect(verifySshsig({ ...input, namespace: '' })).toMatchObject({ reason: 'namespace_mismatch' });
    expect(verifySshsig({ ...input, key: other })).toMatchObject({ reason: 'key_mismatch' });
  });
});

describe('signSshsig', () => {
  it('writes byte for byte what ssh-keygen writes, for the deterministic algorithms', () => {
    for (const name of ['ed25519', 'rsa3072']) {
      const { privateKey, publicKey } = parseOpenSshPrivateKey(oracle.privateText(pathOf(name)));
      const armored = signSshsig({ privateKey, publicKey, message: MESSAGE, namespace: NAMESPACE });
      expect(armored).toBe(oracle.sign(pathOf(name), MESSAGE, NAMESPACE));
    }
  });

  it('refuses a private key of somebody else and an unusable namespace', () => {
    const { privateKey, publicKey } = parseOpenSshPrivateKey(oracle.privateText(pathOf('ed25519')));
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const input = { privateKey, publicKey, message: MESSAGE, namespace: NAMESPACE };
    expect(() => signSshsig({ ...input, privateKey: stranger })).toThrow(SshsigSignError);
    expect(() => signSshsig({ ...input, privateKey: createPublicKey(privateKey) })).toThrow(SshsigSignError);
    for (const namespace of ['', 'a\nb', 'é', 'x'.repeat(256)]) {
      expect(() => signSshsig({ ...input, namespace })).toThrow(/namespace/);
    }
  });
});

describe('verifySshsig', () => {
  it('takes about a millisecond for ed25519, close to what the bare primitive takes', () => {
    const { privateKey, publicKey } = parseOpenSshPrivateKey(oracle.privateText(pathOf('ed25519')));
    const armored = signSshsig({ privateKey, publicKey, message: MESSAGE, namespace: NAMESPACE });
    const time = (run: () => unknown): number => {
      const started = performance.now();
      for (let index = 0; index < 200; index += 1) run();
      return (performance.now() - started) / 200;
    };
    const signature = Buffer.alloc(64);
    const bare = (): boolean => verify(null, MESSAGE, publicKey.key, signature);
    const whole = (): unknown => verifySshsig({ armored, message: MESSAGE, namespace: NAMESPACE, key: publicKey });
    time(bare);
    time(whole);
    const [base, full] = [time(bare), time(whole)];
    console.info(`ed25519: ${full.toFixed(3)} ms a verification, ${base.toFixed(3)} ms the primitive alone`);
    expect(full).toBeLessThan(base * 5 + 1);
  });
});
