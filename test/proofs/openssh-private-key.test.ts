import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { encodeOpenSshEd25519 } from '../../proofs/openssh-ed25519.js';
import { OpenSshKeyError, parseOpenSshPrivateKey } from '../../proofs/openssh-private-key.js';
import { sshPublicKeyLine } from '../../proofs/ssh-public-key.js';
import { sshString, sshUint32 } from '../../proofs/ssh-wire.js';
import { ed25519Authenticator } from './authenticator.js';
import { publicKeyOf, SshKeygen } from './ssh-keygen.js';

let oracle: SshKeygen;

beforeAll(() => {
  oracle = new SshKeygen();
});

afterAll(() => {
  oracle.dispose();
});

function refusal(text: string): OpenSshKeyError {
  try {
    parseOpenSshPrivateKey(text);
  } catch (error) {
    if (error instanceof OpenSshKeyError) return error;
    throw error;
  }
  throw new Error('the key was accepted');
}

/** A private key file with one byte of its container changed. */
function damaged(text: string, at: number): string {
  const [header = '', ...rest] = text.trimEnd().split('\n');
  const bytes = Buffer.from(rest.slice(0, -1).join(''), 'base64');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return [header, ...(bytes.toString('base64').match(/.{1,70}/g) ?? []), rest.at(-1), ''].join('\n');
}

const HARDWARE_KEY = (() => {
  const blob = publicKeyOf(ed25519Authenticator().publicLine).blob;
  const fields = [Buffer.from('openssh-key-v1\0'), sshString('none'), sshString('none'), sshString('')];
  const container = Buffer.concat([...fields, sshUint32(1), sshString(blob), sshString(Buffer.alloc(8))]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${container.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
})();

describe('parseOpenSshPrivateKey', () => {
  it.each([
    ['ed25519', 256],
    ['ecdsa', 256],
    ['ecdsa', 384],
    ['rsa', 3072],
  ] as const)(
    'reads the %s key of %d bits that ssh-keygen makes',
    (type, bits) => {
      const path = oracle.generate(`read-${type}${bits}`, type, { bits });
      const { privateKey, publicKey, comment } = parseOpenSshPrivateKey(oracle.privateText(path));
      expect(sshPublicKeyLine(publicKey, comment)).toBe(oracle.publicLine(path));
      const algorithm = type === 'ed25519' ? null : 'sha256';
      const data = Buffer.from('data');
      expect(verify(algorithm, data, publicKey.key, sign(algorithm, data, privateKey))).toBe(true);
    },
    30_000,
  );

  it('reads small ECDSA scalars and points with leading zeros', () => {
    // Scalars and coordinates are shorter than the field for one key in 256; 40 keys of both curves meet several.
    for (let index = 0; index < 40; index += 1) {
      const path = oracle.generate(`small${index}`, 'ecdsa', { bits: index % 2 === 0 ? 256 : 384 });
      expect(parseOpenSshPrivateKey(oracle.privateText(path)).publicKey.blob.length).toBeGreaterThan(0);
    }
  }, 30_000);

  it('reads CRLF files, as editors and clipboards leave them', () => {
    const path = oracle.generate('crlf', 'ed25519');
    const text = oracle.privateText(path).replaceAll('\n', '\r\n');
    expect(parseOpenSshPrivateKey(text).comment).toBe('crlf@test');
  });

  it('refuses an encrypted key, shows its public half and names the agent', () => {
    const path = oracle.generate('encrypted', 'ed25519', { passphrase: 'correct horse' });
    const error = refusal(oracle.privateText(path));
    expect(error.code).toBe('key_is_encrypted');
    expect(error.message).toContain('ssh-add');
    expect(error.publicKey?.blob.equals(publicKeyOf(oracle.publicLine(path)).blob)).toBe(true);
  });

  it('refuses keys of authenticators, shows their public half and names the agent', () => {
    const error = refusal(HARDWARE_KEY);
    expect(error.code).toBe('key_type_unsupported');
    expect(error.publicKey?.type).toBe('sk-ssh-ed25519@openssh.com');
    expect(error.message).toContain('ssh-add');
  });

  it('refuses weak RSA and other file formats', () => {
    const weak = oracle.generate('weak', 'rsa', { bits: 2048 });
    expect(refusal(oracle.privateText(weak))).toMatchObject({ code: 'key_type_unsupported' });
    const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(refusal(pkcs8)).toMatchObject({ code: 'key_type_unsupported' });
    expect(refusal(pkcs8).message).toContain('ssh-keygen -p');
  });

  it('refuses a file with any byte of the key changed, and never repeats its content', () => {
    for (const [name, type, bits] of [
      ['damaged-ed25519', 'ed25519', 256],
      ['damaged-ecdsa', 'ecdsa', 256],
    ] as const) {
      const text = oracle.privateText(oracle.generate(name, type, { bits }));
      const size = Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64').length;
      // The comment, at the end, is nobody's business; everything before it must fit together.
      const end = size - 8 - `${name}@test`.length;
      for (let at = 0; at < end; at += 1) {
        const error = refusal(damaged(text, at));
        expect(['key_malformed', 'key_type_unsupported', 'key_is_encrypted']).toContain(error.code);
        expect(error.message).not.toContain(text.split('\n')[3]);
      }
    }
  });

  it.each([
    ['nothing', ''],
    ['a public key', 'ssh-ed25519 AAAA'],
    ['an empty body', '-----BEGIN OPENSSH PRIVATE KEY-----\n\n-----END OPENSSH PRIVATE KEY-----\n'],
    ['a cut body', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n'],
    ['a huge file', 'x'.repeat(70_000)],
  ])('refuses %s', (_name, text) => {
    expect(refusal(text).code).toBe('key_malformed');
  });
});

describe('the padding of a private key file', () => {
  function padded(padding: number[]): string {
    const { privateKey } = generateKeyPairSync('ed25519');
    // With this comment the pair is a multiple of eight bytes: ssh-keygen would add no padding.
    const { privatePem } = encodeOpenSshEd25519({ privateKey, comment: '12345' });
    const bytes = Buffer.from(privatePem.split('\n').slice(1, -2).join(''), 'base64');
    const at = bytes.length - 4 - 136;
    expect(bytes.readUInt32BE(at)).toBe(136);
    const section = Buffer.concat([bytes.subarray(at + 4), Buffer.from(padding)]);
    const base64 = Buffer.concat([bytes.subarray(0, at), sshString(section)]).toString('base64');
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`;
  }

  it('counts up from one, for less than a block', () => {
    expect(parseOpenSshPrivateKey(padded([])).comment).toBe('12345');
    expect(parseOpenSshPrivateKey(padded([1, 2, 3])).comment).toBe('12345');
    expect(refusal(padded([0])).code).toBe('key_malformed');
    expect(refusal(padded([1, 2, 2])).code).toBe('key_malformed');
    expect(refusal(padded([1, 2, 3, 4, 5, 6, 7, 8])).code).toBe('key_malformed');
  });
});

describe('encodeOpenSshEd25519', () => {
  it.each(['', 'a', 'alice@reseal.local', 'Ärzte 🙂', 'seven77', 'eight888'])(
    'writes files that ssh-keygen reads and signs with (comment "%s")',
    (comment) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const { privatePem, publicLine, fingerprint } = encodeOpenSshEd25519({ privateKey, comment });
      const path = oracle.write(`made-${comment.length}-${comment.charCodeAt(0)}`, privatePem);
      const signature = oracle.sign(path, Buffer.from('m'), 'ns');
      expect(oracle.verifies(publicLine, signature, Buffer.from('m'), 'ns')).toBe(true);
      expect(oracle.fingerprint(publicLine)).toBe(fingerprint);
      const read = parseOpenSshPrivateKey(privatePem);
      expect(read.comment).toBe(comment);
      expect(read.privateKey.equals(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })))).toBe(true);
    },
  );

  it('refuses other keys and comments with control characters', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(() => encodeOpenSshEd25519({ privateKey, comment: 'a\nb' })).toThrow(TypeError);
    expect(() => encodeOpenSshEd25519({ privateKey: createPublicKey(privateKey), comment: '' })).toThrow(TypeError);
    const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    expect(() => encodeOpenSshEd25519({ privateKey: other, comment: '' })).toThrow(TypeError);
  });
});
