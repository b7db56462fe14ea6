import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseSshPublicKeyBlob, type SshPublicKey } from '../../proofs/ssh-public-key.js';
import { sshMpint, sshString, sshUint32 } from '../../proofs/ssh-wire.js';
import { armorSshsig, sshsigToBeSigned } from '../../proofs/sshsig-format.js';
import { signSshsig } from '../../proofs/sshsig-sign.js';
import { verifySshsig, type SshsigVerdict } from '../../proofs/sshsig.js';
import { ecdsaAuthenticator, ed25519Authenticator } from './authenticator.js';
import { publicKeyOf } from './ssh-keygen.js';

const namespace = 'reseal-statement-v1';
const message = Buffer.from('approve');
const HEADER = '-----BEGIN SSH SIGNATURE-----\n';
const FOOTER = '\n-----END SSH SIGNATURE-----\n';

interface Sample {
  armored: string;
  key: SshPublicKey;
}

function wrap(privateKey: KeyObject, blob: Buffer): Sample {
  const parsed = parseSshPublicKeyBlob(blob);
  if (!parsed.ok) throw new Error(parsed.reason);
  return { key: parsed.key, armored: signSshsig({ privateKey, publicKey: parsed.key, message, namespace }) };
}

function ed25519(): Sample {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return wrap(privateKey, Buffer.concat([sshString('ssh-ed25519'), sshString(point)]));
}

function ecdsa(): Sample {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return wrap(privateKey, Buffer.concat([sshString('ecdsa-sha2-nistp384'), sshString('nistp384'), sshString(point)]));
}

function rsa(): Sample {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const numbers = [sshMpint(Buffer.from(e, 'base64url')), sshMpint(Buffer.from(n, 'base64url'))];
  return wrap(privateKey, Buffer.concat([sshString('ssh-rsa'), ...numbers]));
}

function hardware(make: typeof ed25519Authenticator): Sample {
  const device = make();
  const key = publicKeyOf(device.publicLine);
  const signature = device.sign(sshsigToBeSigned({ message, namespace, hash: 'sha512' }));
  return { key, armored: armorSshsig({ publicKey: key.blob, namespace, hash: 'sha512', signature }) };
}

const SAMPLES: [string, Sample][] = [
  ['ed25519', ed25519()],
  ['ecdsa', ecdsa()],
  ['rsa', rsa()],
  ['sk-ed25519', hardware(ed25519Authenticator)],
  ['sk-ecdsa', hardware(ecdsaAuthenticator)],
];

function check(armored: string, key: SshPublicKey): SshsigVerdict {
  return verifySshsig({ armored, message, namespace, key });
}

function blobOf(armored: string): Buffer {
  return Buffer.from(armored.slice(HEADER.length, -FOOTER.length), 'base64');
}

function rearmor(blob: Buffer): string {
  return HEADER + (blob.toString('base64').match(/.{1,70}/g) ?? []).join('\n') + FOOTER;
}

describe.each(SAMPLES)('when an %s signature is damaged', (_name, { armored, key }) => {
  it('verifies undamaged', () => {
    expect(check(armored, key).ok).toBe(true);
    expect(check(rearmor(blobOf(armored)), key).ok).toBe(true);
  });

  it('refuses the text with any one character changed', () => {
    for (let index = 0; index < armored.length; index += 1) {
      const bit = 1 << (index % 7);
      const flipped = String.fromCharCode(armored.charCodeAt(index) ^ bit);
      const damaged = armored.slice(0, index) + flipped + armored.slice(index + 1);
      expect(check(damaged, key), `character ${index}`).toMatchObject({ ok: false });
    }
  });

  it('refuses the blob with any one byte changed', () => {
    const blob = blobOf(armored);
    for (let index = 0; index < blob.length; index += 1) {
      const damaged = Buffer.from(blob);
      damaged[index] = (damaged[index] ?? 0) ^ (1 << (index % 8));
      expect(check(rearmor(damaged), key), `byte ${index}`).toMatchObject({ ok: false });
    }
  });

  it('refuses the text cut anywhere, except for its final newline', () => {
    for (let length = 0; length < armored.length - 1; length += 1) {
      expect(check(armored.slice(0, length), key), `length ${length}`).toMatchObject({ ok: false });
    }
  });

  it('refuses the blob cut anywhere, or with a byte appended', () => {
    const blob = blobOf(armored);
    for (let length = 0; length < blob.length; length += 1) {
      expect(check(rearmor(blob.subarray(0, length)), key), `length ${length}`).toMatchObject({ ok: false });
    }
    expect(check(rearmor(Buffer.concat([blob, Buffer.of(0)])), key)).toMatchObject({ ok: false });
  });

  it('never throws and never verifies for random edits', () => {
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(8), insert: fc.uint8Array({ maxLength: 8 }) });
    fc.assert(
      fc.property(edit, ({ at, remove, insert }) => {
        const blob = blobOf(armored);
        const start = at % blob.length;
        const edited = Buffer.concat([blob.subarray(0, start), insert, blob.subarray(start + remove)]);
        if (!edited.equals(blob)) expect(check(rearmor(edited), key).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

describe('when the signature is not one', () => {
  const [, { armored, key }] = SAMPLES[0] ?? ['', ed25519()];

  it('never throws for arbitrary texts and blobs', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 400 }).map((bytes) => rearmor(Buffer.from(bytes))),
      fc
        .uint8Array({ maxLength: 400 })
        .map((bytes) => rearmor(Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), bytes]))),
    );
    fc.assert(
      fc.property(anything, (text) => {
        expect(check(text, key).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['CRLF line ends', armored.replaceAll('\n', '\r\n'), 'armor_malformed'],
    ['text before', ` ${armored}`, 'armor_malformed'],
    ['two final newlines', `${armored}\n`, 'armor_malformed'],
    ['a blank line inside', armored.replace(HEADER, `${HEADER}\n`), 'armor_malformed'],
    ['lines of uneven width', armored.replace(/(?<=-\n.{10})/, '\n'), 'armor_malformed'],
    ['one line over 76 columns', HEADER + blobOf(armored).toString('base64') + FOOTER, 'armor_malformed'],
    ['header and footer that share a newline', HEADER.trimEnd() + FOOTER, 'armor_malformed'],
    ['an empty body', HEADER + FOOTER, 'signature_malformed'],
    ['more than 16 KiB', 'x'.repeat(16 * 1024 + 1), 'signature_too_large'],
  ])('refuses %s', (_name, text, reason) => {
    expect(check(text, key)).toMatchObject({ ok: false, reason });
  });

  it('accepts lines of 76 columns, which the protocol text recommends', () => {
    const lines =
      blobOf(armored)
        .toString('base64')
        .match(/.{1,76}/g) ?? [];
    expect(check(HEADER + lines.join('\n') + FOOTER, key).ok).toBe(true);
  });

  it('refuses a message over 1 MiB', () => {
    const verdict = verifySshsig({ armored, message: Buffer.alloc(1024 * 1024 + 1), namespace, key });
    expect(verdict).toMatchObject({ ok: false, reason: 'message_too_large' });
  });
});

describe('when a field of the signature is off', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const { key } = wrap(privateKey, Buffer.concat([sshString('ssh-ed25519'), sshString(point)]));

  function forge(fields: {
    version?: number;
    reserved?: string;
    signedReserved?: string;
    hash?: string;
    type?: string;
  }): SshsigVerdict {
    const { version = 1, reserved = '', signedReserved = reserved, hash = 'sha512', type = 'ssh-ed25519' } = fields;
    const digest = createHash('sha512').update(message).digest();
    const head = [sshString(namespace), sshString(signedReserved), sshString(hash), sshString(digest)];
    const toBeSigned = Buffer.concat([Buffer.from('SSHSIG'), ...head]);
    const raw = sign(null, toBeSigned, privateKey);
    const signature = Buffer.concat([sshString(type), sshString(raw)]);
    const body = [key.blob, namespace, reserved, hash, signature].map((field) => sshString(field));
    return check(rearmor(Buffer.concat([Buffer.from('SSHSIG'), sshUint32(version), ...body])), key);
  }

  it('accepts the same construction with every field right', () => {
    expect(forge({})).toEqual({ ok: true, method: 'software', hash: 'sha512' });
  });

  it('refuses versions other than 1 and hashes other than SHA-256 and SHA-512', () => {
    expect(forge({ version: 0 })).toMatchObject({ reason: 'version_unsupported' });
    expect(forge({ version: 2 })).toMatchObject({ reason: 'version_unsupported' });
    expect(forge({ hash: 'sha1' })).toMatchObject({ reason: 'hash_unsupported' });
    expect(forge({ hash: 'sha384' })).toMatchObject({ reason: 'hash_unsupported' });
  });

  it('ignores a reserved field that was signed and refuses one that was added afterwards', () => {
    expect(forge({ reserved: 'tag' }).ok).toBe(true);
    expect(forge({ reserved: 'tag', signedReserved: '' })).toMatchObject({ reason: 'signature_invalid' });
    expect(forge({ reserved: 'x'.repeat(1025) })).toMatchObject({ reason: 'signature_malformed' });
  });

  it('refuses the empty namespace, even where it was signed and is expected', () => {
    const digest = createHash('sha512').update(message).digest();
    const head = [sshString(''), sshString(''), sshString('sha512'), sshString(digest)];
    const raw = sign(null, Buffer.concat([Buffer.from('SSHSIG'), ...head]), privateKey);
    const signature = Buffer.concat([sshString('ssh-ed25519'), sshString(raw)]);
    const armored = armorSshsig({ publicKey: key.blob, namespace: '', hash: 'sha512', signature });
    const verdict = verifySshsig({ armored, message, namespace: '', key });
    expect(verdict).toMatchObject({ ok: false, reason: 'namespace_mismatch' });
  });

  it('refuses an algorithm that is not the key type', () => {
    for (const type of ['ssh-rsa', 'rsa-sha2-512', 'sk-ssh-ed25519@openssh.com', 'ssh-ed448', '']) {
      expect(forge({ type })).toMatchObject({ ok: false, reason: 'algorithm_mismatch' });
    }
  });
});

describe('when an RSA signature uses another algorithm', () => {
  const [, { key }] = SAMPLES[2] ?? ['', rsa()];

  it.each(['ssh-rsa', 'rsa-sha2-1024', '__proto__', 'constructor', 'ssh-ed25519'])('refuses %s', (algorithm) => {
    const signature = Buffer.concat([sshString(algorithm), sshString(Buffer.alloc(384, 1))]);
    const armored = armorSshsig({ publicKey: key.blob, namespace, hash: 'sha512', signature });
    expect(check(armored, key)).toMatchObject({ ok: false, reason: 'algorithm_mismatch' });
  });

  it('accepts rsa-sha2-256', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
    const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
    const numbers = [sshMpint(Buffer.from(e, 'base64url')), sshMpint(Buffer.from(n, 'base64url'))];
    const sample = wrap(privateKey, Buffer.concat([sshString('ssh-rsa'), ...numbers]));
    const raw = sign('sha256', sshsigToBeSigned({ message, namespace, hash: 'sha256' }), privateKey);
    const signature = Buffer.concat([sshString('rsa-sha2-256'), sshString(raw)]);
    const armored = armorSshsig({ publicKey: sample.key.blob, namespace, hash: 'sha256', signature });
    expect(check(armored, sample.key)).toEqual({ ok: true, method: 'software', hash: 'sha256' });
  });
});
