import { SshReader, sshString, sshUint32, SshWireError } from '../../proofs/ssh-wire.js';
import { askAgent } from './agent-connection.js';
import { SignerError } from './signer.js';

/** Message numbers and flags of draft-ietf-sshm-ssh-agent. */
const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_SHA2_512 = 4;

const LIST_TIMEOUT_MS = 5_000;
/** A person has to find the authenticator and touch it, or confirm in a dialog. */
const SIGN_TIMEOUT_MS = 120_000;
const MAX_IDENTITIES = 2048;

/**
 * The wire forms of the public keys that the agent holds.
 *
 * @throws {SignerError} `agent_unavailable`, `agent_refused`, `agent_timeout`, `agent_malformed`.
 */
export async function listAgentKeys(socketPath: string): Promise<Buffer[]> {
  const reply = await askAgent(socketPath, Buffer.of(REQUEST_IDENTITIES), LIST_TIMEOUT_MS);
  return readReply(reply, IDENTITIES_ANSWER, 'list its keys', (reader) => {
    const count = reader.uint32();
    if (count > MAX_IDENTITIES) throw new SshWireError('too many keys');
    return Array.from({ length: count }, () => {
      const blob = reader.string();
      reader.string();
      return blob;
    });
  });
}

/**
 * Has the agent sign `data` and returns the wire signature; RSA keys sign with rsa-sha2-512.
 *
 * @throws {SignerError} `agent_unavailable`, `agent_refused`, `agent_timeout`, `agent_malformed`.
 */
export async function signWithAgent(
  socketPath: string,
  publicKey: { type: string; blob: Uint8Array },
  data: Uint8Array,
): Promise<Buffer> {
  const flags = publicKey.type === 'ssh-rsa' ? RSA_SHA2_512 : 0;
  const request = [Buffer.of(SIGN_REQUEST), sshString(publicKey.blob), sshString(data), sshUint32(flags)];
  const reply = await askAgent(socketPath, Buffer.concat(request), SIGN_TIMEOUT_MS);
  return readReply(reply, SIGN_RESPONSE, 'sign', (reader) => reader.string());
}

function readReply<T>(reply: Buffer, expected: number, what: string, read: (reader: SshReader) => T): T {
  try {
    const reader = new SshReader(reply);
    const type = reader.byte();
    if (type === FAILURE) {
      throw new SignerError(
        'agent_refused',
        `the ssh-agent refused to ${what} (is it locked, or was it not confirmed?)`,
      );
    }
    if (type !== expected) throw new SshWireError(`message ${type}`);
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof SshWireError) {
      throw new SignerError('agent_malformed', `the ssh-agent's reply is malformed: ${error.message}`);
    }
    throw error;
  }
}
