/** The key types that may sign a statement. Certificates, DSA and everything else are refused by name. */
export const SSH_KEY_TYPES = [
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-rsa',
] as const;

export type SshKeyType = (typeof SSH_KEY_TYPES)[number];

/** Whether a name is one of {@link SSH_KEY_TYPES}. */
export function isSshKeyType(name: string): name is SshKeyType {
  return (SSH_KEY_TYPES as readonly string[]).includes(name);
}

/** A NIST curve as SSH (RFC 5656 §6.1), JWK (RFC 7518 §6.2.1.1) and OpenSSL name it, with RFC 5656 §6.2.1's hash. */
export interface SshCurve {
  ssh: string;
  jwk: string;
  openssl: string;
  /** Bytes of one coordinate, and of r and s. */
  bytes: number;
  hash: 'sha256' | 'sha384';
}

const P256: SshCurve = { ssh: 'nistp256', jwk: 'P-256', openssl: 'prime256v1', bytes: 32, hash: 'sha256' };
const P384: SshCurve = { ssh: 'nistp384', jwk: 'P-384', openssl: 'secp384r1', bytes: 48, hash: 'sha384' };

/** The curve of an ECDSA key type; `undefined` for the others. */
export function curveOf(type: SshKeyType): SshCurve | undefined {
  switch (type) {
    case 'ecdsa-sha2-nistp256':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return P256;
    case 'ecdsa-sha2-nistp384':
      return P384;
    default:
      return undefined;
  }
}

/** Whether the private key lives in a FIDO authenticator (PROTOCOL.u2f). */
export function isHardwareKeyType(type: SshKeyType): boolean {
  return type.startsWith('sk-');
}
