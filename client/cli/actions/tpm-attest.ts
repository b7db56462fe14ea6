import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  askForQuote,
  askToActivate,
  type AgentAddress,
  type AgentAnswer,
} from '../../../activities/tpm/agent-client.js';
import type { QuoteAnswer, QuoteQuestion } from '../../../domain/attestation-agent.js';
import { namedPcrs, PCR_BANKS, type PcrPolicyInForce } from '../../../domain/attestation-policy.js';
import { readAttestationKey, type AttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { makeCredential } from '../../../proofs/tpm/make-credential.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import type { PublicArea } from '../../../proofs/tpm/public-area.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { earlierOf, endorsementKeyOf, pcrPolicyOf, type EarlierOptions } from '../tpm-expectation.js';
import { attestationText } from '../tpm-report-text.js';

export interface TpmAttestOptions extends EarlierOptions {
  ak: string;
  select?: string;
  policy?: string;
  ek?: string;
  eventLog?: boolean;
  tokenFile?: string;
  tlsKey?: string;
  tlsCert?: string;
  tlsCa?: string;
  out?: string;
}

const MAX_BYTES = 1024 * 1024;
const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];
type Selected = QuoteQuestion['pcrs'];

const usage = (message: string): ResealError => new ResealError('usage', message);

/** `reseal tpm attest URL`: a fresh nonce, the host's quote over it, and the verdict. */
export async function attestHost(session: Session, url: string, options: TpmAttestOptions): Promise<number> {
  const read = (file: string): Promise<Buffer> => readBytes(resolve(session.io.cwd, file), MAX_BYTES);
  const agent = await agentAt(url, options, read);
  const ak = readAttestationKey(await read(options.ak));
  if (!ak.ok) throw usage(`${options.ak} is no key: ${ak.detail}`);
  const policy = options.policy === undefined ? undefined : await pcrPolicyOf(resolve(session.io.cwd, options.policy));
  const earlier = await earlierOf(options, ak, read);
  const ek = options.ek === undefined ? undefined : endorsementKeyOf(options.ek, await read(options.ek));
  const pcrs = options.select === undefined ? selectedBy(policy) : selectedIn(options.select);
  const nonce = randomBytes(32);
  const question = { nonce: nonce.toString('hex'), pcrs, event_log: options.eventLog === true };
  const shown = answered(await session.during(`waiting for ${url}`, askForQuote(agent, question)));
  const activated = ek === undefined ? {} : { ek, activated: await opens(agent, ek, ak.value, options.ak) };
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const report = verifyQuote(
    {
      quote: bytes(shown.quote),
      signature: bytes(shown.signature),
      ak,
      pcrs: readPcrValues(JSON.stringify(shown.pcrs)),
      ...(shown.event_log === null ? {} : { eventLog: bytes(shown.event_log) }),
    },
    { nonce, ...(policy && { policy }), ...earlier, ...activated },
  );
  if (options.eventLog === true && shown.event_log === null) session.warn('the host has no event log');
  if (options.out !== undefined) await keep(resolve(session.io.cwd, options.out), shown, question.nonce);
  session.data((await structured(session.output, report)) ?? attestationText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

/** @throws {ResealError} `usage`. */
async function agentAt(
  url: string,
  { tokenFile, tlsKey, tlsCert, tlsCa }: TpmAttestOptions,
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

function selectedBy(inForce: PcrPolicyInForce | undefined): Selected {
  if (inForce === undefined) return { sha256: [0, 1, 2, 3, 4, 5, 6, 7] };
  const selected: Selected = {};
  for (const { bank, index } of namedPcrs(inForce.policy)) (selected[bank] ??= []).push(index);
  return selected;
}

/** `sha256:0,4,7+sha384:0`, as tpm2-tools write it. */
function selectedIn(text: string): Selected {
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
function answered<T>(answer: AgentAnswer<T>): T {
  if (answer.ok) return answer.value;
  const message = `${answer.message} (${answer.code})`;
  if (answer.passes) throw new ResealError('no_answer', message, { hint: 'nothing was refused: ask again later' });
  throw new ResealError('verification_failed', message);
}

/** Whether the host opens a credential that only the TPM with both keys can open. */
async function opens(agent: AgentAddress, ek: PublicArea, ak: AttestationKey, file: string): Promise<boolean> {
  if (ak.area === null) throw usage(`${file} is a PEM, which has no Name: give the key as TPM2B_PUBLIC with --ek`);
  const secret = randomBytes(32);
  const challenge = makeCredential(ek, ak.area.name, secret);
  if (!challenge.ok) throw usage(`no credential can be made: ${challenge.detail}`);
  const answer = await askToActivate(agent, challenge.value);
  if (!answer.ok && answer.code === 'tpm_refused') return false;
  const opened = answered(answer);
  return opened.length === secret.length && timingSafeEqual(opened, secret);
}

async function keep(folder: string, shown: QuoteAnswer, nonce: string): Promise<void> {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const files: Record<string, Buffer | string> = {
    'quote.msg': bytes(shown.quote),
    'quote.sig': bytes(shown.signature),
    'pcrs.json': `${JSON.stringify(shown.pcrs)}\n`,
    'nonce.hex': nonce,
    ...(shown.event_log === null ? {} : { event_log: bytes(shown.event_log) }),
  };
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  } catch (error) {
    throw new ResealError(
      'usage',
      `${folder} cannot be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`,
      {
        cause: error,
      },
    );
  }
}
