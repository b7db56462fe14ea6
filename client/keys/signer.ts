/** Signs statements with one person's SSH key, wherever the key lives. */
export interface Signer {
  /** The OpenSSH public key line, `type base64 [comment]`. */
  readonly publicKey: string;
  /**
   * Signs the bytes and returns the armored SSHSIG, made with SHA-512.
   *
   * @throws {SignerError}
   */
  sign(message: Uint8Array, namespace: string): Promise<string>;
}

/** Why a key could not be used. */
export type SignerErrorCode =
  | 'key_file_not_found'
  | 'key_file_unreadable'
  | 'key_file_permissions'
  | 'key_is_encrypted'
  | 'key_malformed'
  | 'key_type_unsupported'
  | 'key_too_weak'
  | 'namespace_invalid'
  | 'agent_unavailable'
  | 'agent_key_missing'
  | 'agent_refused'
  | 'agent_timeout'
  | 'agent_malformed';

/** Thrown by everything in this folder; the message tells the person what to run, and holds no key material. */
export class SignerError extends Error {
  constructor(
    readonly code: SignerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'SignerError';
  }
}
