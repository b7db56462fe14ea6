import { parseSshPublicKey, type SshPublicKey } from '../../proofs/ssh-public-key.js';
import { armorSshsig, sshsigToBeSigned } from '../../proofs/sshsig-format.js';
import { verifySshsig } from '../../proofs/sshsig.js';
import { listAgentKeys, signWithAgent } from './agent-protocol.js';
import { SignerError, type Signer } from './signer.js';

/**
 * A signer whose key an ssh-agent holds; the only way, with ssh-keygen, to sign with `sk-` keys.
 *
 * What the agent returns is verified before anybody sees it: an agent that signs with another key is an error here,
 * and not a refused statement later.
 *
 * @throws {SignerError} `agent_unavailable` (no `SSH_AUTH_SOCK`, nobody listening), `agent_key_missing`,
 * `agent_refused`, `agent_timeout`, `agent_malformed`, and `key_*` for the line itself.
 */
export async function agentSigner(
  publicKeyLine: string,
  socketPath: string | undefined = process.env.SSH_AUTH_SOCK,
): Promise<Signer> {
  const parsed = parseSshPublicKey(publicKeyLine);
  if (!parsed.ok) throw new SignerError(parsed.reason, `${parsed.reason}: ${parsed.detail ?? 'the public key line'}`);
  if (socketPath === undefined || socketPath === '') {
    throw new SignerError('agent_unavailable', 'SSH_AUTH_SOCK is not set: start one with `eval "$(ssh-agent)"`');
  }
  const { key } = parsed;
  const held = await listAgentKeys(socketPath);
  if (!held.some((blob) => blob.equals(key.blob))) {
    throw new SignerError('agent_key_missing', 'the ssh-agent does not hold this key: add it with `ssh-add FILE`');
  }
  return {
    publicKey: publicKeyLine.trimEnd(),
    sign: (message, namespace) => signStatement(socketPath, key, message, namespace),
  };
}

async function signStatement(
  socketPath: string,
  key: SshPublicKey,
  message: Uint8Array,
  namespace: string,
): Promise<string> {
  const hash = 'sha512';
  const signature = await signWithAgent(socketPath, key, sshsigToBeSigned({ message, namespace, hash }));
  const armored = armorSshsig({ publicKey: key.blob, namespace, hash, signature });
  const verdict = verifySshsig({ armored, message, namespace, key });
  if (!verdict.ok) {
    throw new SignerError('agent_malformed', `the ssh-agent's signature does not verify: ${verdict.reason}`);
  }
  return armored;
}
