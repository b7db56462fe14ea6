import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseSshPublicKey, type SshPublicKey } from '../../proofs/ssh-public-key.js';

/** A folder with OpenSSH's own ssh-keygen working in it: the oracle of these tests. */
export class SshKeygen {
  readonly folder: string;

  constructor() {
    const probe = spawnSync('ssh-keygen', ['-?']);
    if (probe.error !== undefined) {
      throw new Error('these tests need ssh-keygen: install openssh-client (apt-get install openssh-client)');
    }
    this.folder = mkdtempSync(join(tmpdir(), 'reseal-ssh-'));
  }

  /** Generates a key; returns the private file's path. */
  generate(name: string, type: string, options: { bits?: number; passphrase?: string } = {}): string {
    const path = join(this.folder, name);
    const bits = options.bits === undefined ? [] : ['-b', String(options.bits)];
    const passphrase = options.passphrase ?? '';
    execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', `${name}@test`, '-f', path]);
    return path;
  }

  publicLine(path: string): string {
    return readFileSync(`${path}.pub`, 'utf8').trimEnd();
  }

  privateText(path: string): string {
    return readFileSync(path, 'utf8');
  }

  sign(path: string, message: Uint8Array, namespace: string, hash: 'sha256' | 'sha512' = 'sha512'): string {
    return execFileSync('ssh-keygen', ['-Y', 'sign', '-q', '-O', `hashalg=${hash}`, '-n', namespace, '-f', path], {
      input: message,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Whether `ssh-keygen -Y verify` accepts the signature for this key. */
  verifies(publicLine: string, armored: string, message: Uint8Array, namespace: string): boolean {
    const signers = this.write('allowed_signers', `alice@example.com namespaces="*" ${publicLine}\n`);
    const signature = this.write('signature.sig', armored);
    const args = ['-Y', 'verify', '-f', signers, '-I', 'alice@example.com', '-n', namespace, '-s', signature];
    return spawnSync('ssh-keygen', args, { input: message }).status === 0;
  }

  /** What `ssh-keygen -l` prints as the fingerprint. */
  fingerprint(publicLine: string): string {
    const path = this.write('some.pub', `${publicLine}\n`);
    return execFileSync('ssh-keygen', ['-l', '-f', path], { encoding: 'utf8' }).split(' ')[1] ?? '';
  }

  write(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Parses a public key line that must be good. */
export function publicKeyOf(line: string): SshPublicKey {
  const parsed = parseSshPublicKey(line);
  if (!parsed.ok) throw new Error(`${parsed.reason}: ${parsed.detail ?? ''}`);
  return parsed.key;
}
