import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ceremonyWorkflowId } from '../../../domain/identifiers.js';
import { STATEMENT_DOMAIN } from '../../../domain/statement.js';
import type { CeremonyView } from '../../../domain/view.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { encodeOpenSshEd25519 } from '../../../proofs/openssh-ed25519.js';
import { parseOpenSshPrivateKey } from '../../../proofs/openssh-private-key.js';
import { signSshsig } from '../../../proofs/sshsig-sign.js';
import { statementDigest } from '../../../proofs/statement-check.js';
import type { VerdictAnswer } from '../../../workflows/protocol.js';
import type { Stack } from '../stack/start-stack.js';

/**
 * What somebody can do who may write to the Temporal namespace and even holds the payload key: say "bob approves" with a
 * key of their own, straight into the workflow. Resolves with the ceremony's answer.
 */
export async function forgedApproval(stack: Stack, view: CeremonyView): Promise<{ reason: string | null }> {
  const now = Date.now();
  const statement = {
    domain: STATEMENT_DOMAIN,
    event_id: view.event_id,
    request_digest: view.request_digest,
    policy_digest: view.policy_digest,
    round: 1,
    person: 'bob',
    act: 'approve',
    issued_at: new Date(now).toISOString(),
    not_after: new Date(now + 600_000).toISOString(),
  };
  const { privatePem } = encodeOpenSshEd25519({
    privateKey: generateKeyPairSync('ed25519').privateKey,
    comment: 'mallory',
  });
  const payload = canonicalJson(statement);
  const key = parseOpenSshPrivateKey(privatePem);
  const envelope = {
    payload,
    signature: signSshsig({ ...key, message: Buffer.from(payload), namespace: STATEMENT_DOMAIN }),
  };

  const handle = stack.client.workflow.getHandle(ceremonyWorkflowId(view.event_id));
  await handle.signal('approve', envelope);
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await handle.query<VerdictAnswer, [string]>('verdict', statementDigest(envelope));
    if (answer.verdict !== null) return { reason: answer.verdict.reason ?? null };
    await sleep(50);
  }
  return { reason: null };
}
