import { afterAll, beforeAll } from 'vitest';

import { SignerError } from '../../../client/keys/signer.js';
import { SshKeygen } from '../../proofs/ssh-keygen.js';
import { RealAgent } from './ssh-agent.js';

/** What the tests of the signers sign, and in which namespace. */
export const namespace = 'reseal-statement-v1';
export const message = Buffer.from('approve');

/** OpenSSH's own tools for a file: `ssh-keygen` as oracle, and an agent on a socket in its folder. */
export function openSsh(begin: (tools: { oracle: SshKeygen; agent: RealAgent }) => void): void {
  let oracle: SshKeygen;
  let agent: RealAgent;
  beforeAll(async () => {
    oracle = new SshKeygen();
    agent = await RealAgent.start(oracle.folder);
    begin({ oracle, agent });
  });
  afterAll(() => {
    agent.stop();
    oracle.dispose();
  });
}

/** Why it was refused; throws when it was not. */
export async function errorOf(work: Promise<unknown>): Promise<SignerError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SignerError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
