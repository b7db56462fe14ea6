import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { armorSshsig, sshsigToBeSigned } from '../../proofs/sshsig-format.js';
import { verifySshsig, type SshsigVerdict } from '../../proofs/sshsig.js';
import {
  ecdsaAuthenticator,
  ed25519Authenticator,
  TOUCHED,
  TOUCHED_AND_VERIFIED,
  type Authenticator,
} from './authenticator.js';
import { publicKeyOf, SshKeygen } from './ssh-keygen.js';

const namespace = 'reseal-statement-v1';
const message = Buffer.from('approve');

let oracle: SshKeygen;

beforeAll(() => {
  oracle = new SshKeygen();
});

afterAll(() => {
  oracle.dispose();
});

function armor(device: Authenticator, signature: Buffer): string {
  return armorSshsig({ publicKey: publicKeyOf(device.publicLine).blob, namespace, hash: 'sha512', signature });
}

function signed(device: Authenticator, options?: Parameters<Authenticator['sign']>[1]): string {
  return armor(device, device.sign(sshsigToBeSigned({ message, namespace, hash: 'sha512' }), options));
}

function check(device: Authenticator, armored: string): SshsigVerdict {
  return verifySshsig({ armored, message, namespace, key: publicKeyOf(device.publicLine) });
}

describe.each([
  ['sk-ssh-ed25519@openssh.com', ed25519Authenticator],
  ['sk-ecdsa-sha2-nistp256@openssh.com', ecdsaAuthenticator],
])('with a %s key', (_type, make) => {
  it('tells touch from verification of the user, and so does ssh-keygen accept it', () => {
    const device = make();
    const touched = signed(device, { flags: TOUCHED, counter: 41 });
    const verified = signed(device, { flags: TOUCHED_AND_VERIFIED, counter: 0xffffffff });
    expect(check(device, touched)).toEqual({ ok: true, method: 'hardware_touch', hash: 'sha512', counter: 41 });
    expect(check(device, verified)).toMatchObject({ ok: true, method: 'hardware_verified', counter: 0xffffffff });
    expect(oracle.verifies(device.publicLine, touched, message, namespace)).toBe(true);
    expect(oracle.verifies(device.publicLine, verified, message, namespace)).toBe(true);
  });

  it('refuses a signature without touch, even with the user verified', () => {
    const device = make();
    for (const flags of [0x00, 0x04, 0xfe]) {
      expect(check(device, signed(device, { flags }))).toMatchObject({ ok: false, reason: 'user_presence_missing' });
    }
  });

  it('refuses flags and counters that were not signed', () => {
    const device = make();
    const data = sshsigToBeSigned({ message, namespace, hash: 'sha512' });
    const untouched = device.sign(data, { flags: 0, counter: 1 });
    const raised = Buffer.from(untouched);
    raised[raised.length - 5] = TOUCHED_AND_VERIFIED;
    expect(check(device, armor(device, raised))).toMatchObject({ reason: 'signature_invalid' });
    const counted = device.sign(data, { counter: 1 });
    counted[counted.length - 1] = 2;
    expect(check(device, armor(device, counted))).toMatchObject({ reason: 'signature_invalid' });
  });

  it('refuses a signature for another application, as ssh-keygen does', () => {
    const device = make();
    const foreign = signed(device, { application: 'ssh:other' });
    expect(check(device, foreign)).toMatchObject({ ok: false, reason: 'signature_invalid' });
    expect(oracle.verifies(device.publicLine, foreign, message, namespace)).toBe(false);
  });

  it('accepts an application of its own', () => {
    const device = make('ssh:reseal');
    expect(check(device, signed(device)).ok).toBe(true);
  });

  it('refuses missing flags and trailing bytes', () => {
    const device = make();
    const signature = device.sign(sshsigToBeSigned({ message, namespace, hash: 'sha512' }));
    const malformed = { ok: false, reason: 'signature_malformed' };
    expect(check(device, armor(device, signature.subarray(0, -5)))).toMatchObject(malformed);
    expect(check(device, armor(device, Buffer.concat([signature, Buffer.of(0)])))).toMatchObject(malformed);
  });
});
