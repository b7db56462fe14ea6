import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { QuoteQuestion } from '../../domain/attestation-agent.js';
import { namedPcrs, type PcrPolicy } from '../../domain/attestation-policy.js';
import type { WaitingReason } from '../../domain/incidents/attestation-result.js';
import type { HostReferenceInForce } from '../../proofs/incidents/host-reference.js';
import { readAttestationKey } from '../../proofs/tpm/attestation-key.js';
import type { QuoteEvidence } from '../../proofs/tpm/authentic-quote.js';
import { makeCredential } from '../../proofs/tpm/make-credential.js';
import { readPcrValues } from '../../proofs/tpm/pcr-values.js';
import { askForQuote, askToActivate, type AgentAddress, type AgentAnswer } from './agent-client.js';

/**
 * What a host showed. `waiting`: it or its TPM is away or busy, which passes and is no verdict. `refused`: it answered, and
 * not with evidence.
 */
export type Collected =
  | { outcome: 'evidence'; evidence: QuoteEvidence & { signature: Uint8Array }; activated: boolean }
  | { outcome: 'waiting'; reason: WaitingReason; detail: string }
  | { outcome: 'refused'; detail: string };

/** The PCRs that a policy names, as an agent is asked for them. */
export function pcrsOf(policy: PcrPolicy): QuoteQuestion['pcrs'] {
  const selected: QuoteQuestion['pcrs'] = {};
  for (const { bank, index } of namedPcrs(policy)) (selected[bank] ??= []).push(index);
  return selected;
}

/**
 * Has the agent of a host quote over this nonce, and open a credential made now for the keys of its reference. Never throws.
 */
export async function collectEvidence(
  agent: AgentAddress,
  { reference, ek, ak, policy }: HostReferenceInForce,
  nonce: Buffer,
): Promise<Collected> {
  const question = {
    nonce: nonce.toString('hex'),
    pcrs: pcrsOf(policy.policy),
    ...(reference.event_log ? { event_log: true } : {}),
  };
  const shown = await askForQuote(agent, question);
  if (!shown.ok) return unanswered(shown);
  const secret = randomBytes(32);
  const challenge = makeCredential(ek, ak.area.name, secret);
  if (!challenge.ok) return { outcome: 'refused', detail: `no credential can be made: ${challenge.detail}` };
  const opened = await askToActivate(agent, challenge.value);
  // What its TPM will not open was made for keys that do not share it.
  if (!opened.ok && opened.code !== 'tpm_refused') return unanswered(opened);
  const { quote, signature, ak: key, pcrs, event_log } = shown.value;
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  return {
    outcome: 'evidence',
    evidence: {
      quote: bytes(quote),
      signature: bytes(signature),
      // The host's own word for its key: the policy of the reference names the one that may sign.
      ak: readAttestationKey(bytes(key)),
      pcrs: readPcrValues(JSON.stringify(pcrs)),
      // A log that is wanted and not sent is an empty one, which explains nothing.
      ...(reference.event_log ? { eventLog: event_log === null ? new Uint8Array() : bytes(event_log) } : {}),
    },
    activated: opened.ok && opened.value.length === secret.length && timingSafeEqual(opened.value, secret),
  };
}

function unanswered(answer: Exclude<AgentAnswer<unknown>, { ok: true }>): Collected {
  const detail = `${answer.code}: ${answer.message}`.slice(0, 500);
  if (!answer.passes) return { outcome: 'refused', detail };
  if (answer.code === 'torn_read') return { outcome: 'waiting', reason: 'torn_read', detail };
  const busy = answer.code === 'tpm_busy' || answer.code === 'agent_busy';
  return { outcome: 'waiting', reason: busy ? 'tpm_busy' : 'unreachable', detail };
}
