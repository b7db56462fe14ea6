import { OpenSshKeyError, parseOpenSshPrivateKey } from '../../proofs/openssh-private-key.js';
import { sshPublicKeyLine } from '../../proofs/ssh-public-key.js';
import { signSshsig, SshsigSignError } from '../../proofs/sshsig-sign.js';
import { agentSigner } from './agent-signer.js';
import { readKeyFile, readPublicKeyBeside } from './key-file.js';
import { SignerError, type Signer } from './signer.js';

/**
 * A signer for a key file: an unencrypted OpenSSH private key signs here; for an encrypted one, an `sk-` key or a
 * `.pub` file the ssh-agent signs, if it holds the key (`socketPath`, as a rule `SSH_AUTH_SOCK`).
 *
 * @throws {SignerError} `key_file_not_found`, `key_file_unreadable`, `key_file_permissions` (a private key that others
 * may read), `key_malformed`, `key_too_weak`, and `key_is_encrypted` or `key_type_unsupported` when the agent does not
 * hold the key either.
 */
export async function fileSigner(
  path: string,
  socketPath: string | undefined = process.env.SSH_AUTH_SOCK,
): Promise<Signer> {
  const file = await readKeyFile(path);
  if (file.kind === 'public') return agentSigner(file.text, socketPath);
  try {
    return keySigner(file.text);
  } catch (error) {
    if (!(error instanceof OpenSshKeyError)) throw error;
    const line = error.publicKey === undefined ? await readPublicKeyBeside(path) : sshPublicKeyLine(error.publicKey);
    if (error.code === 'key_malformed' || line === undefined) throw describe(error, path);
    return agentInstead(line, socketPath, describe(error, path));
  }
}

function keySigner(text: string): Signer {
  const { privateKey, publicKey, comment } = parseOpenSshPrivateKey(text);
  return {
    publicKey: sshPublicKeyLine(publicKey, comment),
    sign: (message, namespace) =>
      new Promise((resolve) => {
        resolve(signHere({ privateKey, publicKey, message, namespace }));
      }),
  };
}

function signHere(input: Parameters<typeof signSshsig>[0]): string {
  try {
    return signSshsig(input);
  } catch (error) {
    if (error instanceof SshsigSignError && error.code === 'namespace_invalid') {
      throw new SignerError(error.code, error.message);
    }
    throw error;
  }
}

/** When the agent is of no help either, the person is told about the key file, with the agent's answer as the cause. */
async function agentInstead(line: string, socketPath: string | undefined, error: SignerError): Promise<Signer> {
  try {
    return await agentSigner(line, socketPath);
  } catch (cause) {
    if (!(cause instanceof SignerError)) throw cause;
    throw new SignerError(error.code, `${error.message} (${cause.message})`, { cause });
  }
}

function describe(error: OpenSshKeyError, path: string): SignerError {
  return new SignerError(error.code, `${path}: ${error.message.replaceAll('FILE', path)}`, { cause: error });
}
