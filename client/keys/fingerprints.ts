import { fingerprint, parseSshPublicKey } from '../../proofs/ssh-public-key.js';

/** The fingerprints of OpenSSH public key lines, as `ssh-keygen -l` prints them; of what is no key there is none. */
export function fingerprintsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const parsed = parseSshPublicKey(line.trim());
    return parsed.ok ? [fingerprint(parsed.key)] : [];
  });
}
