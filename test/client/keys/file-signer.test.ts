import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { fileSigner } from '../../../client/keys/file-signer.js';
import { publicKeyOf, type SshKeygen } from '../../proofs/ssh-keygen.js';
import { verifySshsig } from '../../../proofs/sshsig.js';
import { errorOf, message, namespace, openSsh } from './open-ssh.js';
import type { RealAgent } from './ssh-agent.js';

let oracle: SshKeygen;
let agent: RealAgent;
openSsh((tools) => {
  ({ oracle, agent } = tools);
});

async function signsAs(path: string, socket: string): Promise<void> {
  const signer = await fileSigner(path, socket);
  const armored = await signer.sign(message, namespace);
  const key = publicKeyOf(signer.publicKey);
  expect(key.blob.equals(publicKeyOf(oracle.publicLine(path)).blob)).toBe(true);
  expect(verifySshsig({ armored, message, namespace, key }).ok).toBe(true);
}

describe('when the key file is not encrypted', () => {
  it('signs without an agent, under the comment in the file', async () => {
    const path = oracle.generate('plain', 'ed25519');
    await signsAs(path, '');
    expect((await fileSigner(path, '')).publicKey).toBe(oracle.publicLine(path));
  });

  it('refuses an unusable namespace', async () => {
    const signer = await fileSigner(oracle.generate('namespace', 'ed25519'), '');
    expect(await errorOf(signer.sign(message, ''))).toMatchObject({ code: 'namespace_invalid' });
  });

  it.each(['0640', '0604', '0660', '0777'])('refuses mode %s and says what to run', async (mode) => {
    const path = oracle.generate(`mode${mode}`, 'ed25519');
    chmodSync(path, Number.parseInt(mode, 8));
    const error = await errorOf(fileSigner(path, ''));
    expect(error.code).toBe('key_file_permissions');
    expect(error.message).toContain(`chmod 600 ${path}`);
  });

  it('accepts a file that is read-only for its owner', async () => {
    const path = oracle.generate('readonly', 'ed25519');
    chmodSync(path, 0o400);
    await signsAs(path, '');
  });
});

describe('when the key file is encrypted', () => {
  const passphrase = 'correct horse battery staple';

  it('tells to load it when there is no agent, or an agent without it', async () => {
    const path = oracle.generate('locked', 'ed25519', { passphrase });
    for (const socket of ['', agent.socket]) {
      const error = await errorOf(fileSigner(path, socket));
      expect(error.code).toBe('key_is_encrypted');
      expect(error.message).toContain(`ssh-add ${path}`);
    }
  });

  it('signs through the agent that holds it, also without a .pub file', async () => {
    const path = oracle.generate('loaded', 'ed25519', { passphrase });
    const askpass = oracle.write('askpass', `#!/bin/sh\necho '${passphrase}'\n`, 0o700);
    agent.add(path, askpass);
    await signsAs(path, agent.socket);
    const copy = oracle.write('loaded-copy', oracle.privateText(path));
    const signer = await fileSigner(copy, agent.socket);
    expect(publicKeyOf(signer.publicKey).blob.equals(publicKeyOf(oracle.publicLine(path)).blob)).toBe(true);
  });

  it('signs through the agent for the older PEM format, by the .pub file', async () => {
    const path = oracle.generate('pem', 'rsa', { bits: 3072 });
    agent.add(path);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-m', 'PEM', '-f', path]);
    await signsAs(path, agent.socket);
    const alone = oracle.write('pem-alone', oracle.privateText(path));
    expect(await errorOf(fileSigner(alone, agent.socket))).toMatchObject({ code: 'key_type_unsupported' });
  }, 30_000);
});

describe('when the file is something else', () => {
  it('signs through the agent for a public key file, whatever its mode', async () => {
    const path = oracle.generate('public', 'ed25519');
    agent.add(path);
    chmodSync(`${path}.pub`, 0o644);
    const signer = await fileSigner(`${path}.pub`, agent.socket);
    expect(oracle.verifies(signer.publicKey, await signer.sign(message, namespace), message, namespace)).toBe(true);
  });

  it('names what is wrong', async () => {
    const folder = join(oracle.folder, 'folder');
    mkdirSync(folder);
    const pipe = join(oracle.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const text = oracle.write('text', 'hello\n');
    const broken = oracle.write(
      'broken',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    );
    const huge = oracle.write('huge', '');
    writeFileSync(huge, Buffer.alloc(100_000));
    expect((await errorOf(fileSigner(join(oracle.folder, 'none'), ''))).code).toBe('key_file_not_found');
    expect((await errorOf(fileSigner(folder, ''))).code).toBe('key_file_unreadable');
    expect((await errorOf(fileSigner(pipe, ''))).code).toBe('key_file_unreadable');
    expect((await errorOf(fileSigner(huge, ''))).code).toBe('key_file_unreadable');
    expect((await errorOf(fileSigner(text, ''))).code).toBe('key_malformed');
    expect((await errorOf(fileSigner(broken, ''))).code).toBe('key_malformed');
  });
});
