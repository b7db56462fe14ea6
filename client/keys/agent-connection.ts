import { connect } from 'node:net';

import { sshString } from '../../proofs/ssh-wire.js';
import { SignerError } from './signer.js';

/** OpenSSH's agent answers at most this much (authfd.c, MAX_AGENT_REPLY_LEN). */
const MAX_REPLY_BYTES = 256 * 1024;

/**
 * Sends one request to an ssh-agent and returns its reply, both without the length prefix (draft-ietf-sshm-ssh-agent). The agent may be somebody else's at the far end of a forwarded socket: the reply's size and time are bounded.
 *
 * @throws {SignerError} `agent_unavailable`, `agent_timeout` (after `timeoutMs`), `agent_malformed`.
 */
export function askAgent(socketPath: string, request: Uint8Array, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath });
    let received: Buffer = Buffer.alloc(0);
    const fail = (code: 'agent_unavailable' | 'agent_timeout' | 'agent_malformed', message: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new SignerError(code, message));
    };
    const timer = setTimeout(() => {
      fail('agent_timeout', `the ssh-agent did not answer within ${Math.round(timeoutMs / 1000)} s`);
    }, timeoutMs);
    socket.on('connect', () => socket.write(sshString(request)));
    socket.on('error', (error) => {
      fail('agent_unavailable', `no ssh-agent at ${socketPath}: ${error.message}`);
    });
    socket.on('close', () => {
      fail('agent_malformed', 'the ssh-agent closed the connection without a reply');
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const length = received.readUInt32BE();
      if (length === 0 || length > MAX_REPLY_BYTES) {
        fail('agent_malformed', `the ssh-agent announced a reply of ${length} bytes`);
      } else if (received.length >= 4 + length) {
        clearTimeout(timer);
        socket.destroy();
        resolve(received.subarray(4, 4 + length));
      }
    });
  });
}
