import { randomBytes, timingSafeEqual } from 'node:crypto';
import { askToActivate, type AgentAddress, type AgentAnswer } from '../../activities/tpm/agent-client.js';
import type { QuoteQuestion } from '../../domain/attestation-agent.js';
import { PCR_BANKS } from '../../domain/attestation-policy.js';
import type { AttestationKey } from '../../proofs/tpm/attestation-key.js';
import { makeCredential } from '../../proofs/tpm/make-credential.js';
import type { PublicArea } from '../../proofs/tpm/public-area.js';
import { ResealError } from '../api/reseal-error.js';

/** What a command was told of how to show itself to an agent. */
export interface AgentOptions {
  tokenFile?: string;
  tlsKey?: string;
  tlsCert?: string;
  tlsCa?: string;
}

/** PCRs by bank. */
export type Selected = QuoteQuestion['pcrs'];
const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];

const usage = (message: string): ResealError => new ResealError('usage', message);

/** @throws {ResealError} `usage`. */
export async function agentAt(
  url: string,
  { tokenFile, tlsKey, tlsCert, tlsCa }: AgentOptions,
  read: (file: string) => Promise<Buffer>,
): Promise<AgentAddress> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  const clear = target?.protocol === 'http:';
  if (target === undefined || (!clear && target.protocol !== 'https:'))
    throw usage(`an agent is at https://HOST:PORT, or at http:// on this machine, not at "${url}"`);
  if (clear && !LOOPBACK.includes(target.hostname))
    throw usage(`http:// is for agents on this machine: use https:// for ${target.hostname}`);
  const text = async (file: string): Promise<string> => (await read(file)).toString('utf8').trim();
  const token = tokenFile === undefined ? {} : { token: await text(tokenFile) };
  if (tlsKey === undefined && tlsCert === undefined && tlsCa === undefined) return { url, ...token };
  if (tlsKey === undefined || tlsCert === undefined || tlsCa === undefined)
    throw usage('--tls-key, --tls-cert and --tls-ca belong together');
  const [key, cert, ca] = await Promise.all([text(tlsKey), text(tlsCert), text(tlsCa)]);
  return { url, ...token, tls: { key, cert, ca } };
}

/** `sha256:0,4,7+sha384:0`, as tpm2-tools write it. Throws ResealError `usage`. */
export function selectedIn(text: string): Selected {
  const selected: Selected = {};
  for (const part of text.split('+')) {
    const [, name = '', list = ''] = /^([a-z0-9]+):([0-9]{1,2}(?:,[0-9]{1,2})*)$/.exec(part) ?? [];
    const bank = (Object.keys(PCR_BANKS) as (keyof typeof PCR_BANKS)[]).find((known) => known === name);
    const indices = list.split(',').map(Number);
    if (bank === undefined || selected[bank] !== undefined || indices.some((index) => index > 23))
      throw usage(`--select is such as sha256:0,4,7+sha384:0 with PCRs 0 to 23, not "${text}"`);
    selected[bank] = [...new Set(indices)];
  }
  return selected;
}

/** @throws {ResealError} `no_answer` when the host is away or busy, `verification_failed` when it refuses or is no agent. */
export function answered<T>(answer: AgentAnswer<T>): T {
  if (answer.ok) return answer.value;
  const message = `${answer.message} (${answer.code})`;
  if (answer.passes) throw new ResealError('no_answer', message, { hint: 'nothing was refused: ask again later' });
  throw new ResealError('verification_failed', message);
}

/** Whether the host opens a credential that only the TPM with both keys can open; `file` is what the key came in. */
export async function opens(agent: AgentAddress, ek: PublicArea, ak: AttestationKey, file: string): Promise<boolean> {
  if (ak.area === null) throw usage(`${file} is a PEM, which has no Name: give the key as TPM2B_PUBLIC with --ek`);
  const secret = randomBytes(32);
  const challenge = makeCredential(ek, ak.area.name, secret);
  if (!challenge.ok) throw usage(`no credential can be made: ${challenge.detail}`);
  const answer = await askToActivate(agent, challenge.value);
  if (!answer.ok && answer.code === 'tpm_refused') return false;
  const opened = answered(answer);
  return opened.length === secret.length && timingSafeEqual(opened, secret);
}
