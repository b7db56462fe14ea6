import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { askForQuote } from '../../../activities/tpm/agent-client.js';
import type { QuoteAnswer } from '../../../domain/attestation-agent.js';
import { namedPcrs, type PcrPolicyInForce } from '../../../domain/attestation-policy.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { agentAt, answered, opens, selectedIn, type AgentOptions, type Selected } from '../tpm-agent.js';
import { earlierOf, endorsementKeyOf, pcrPolicyOf, type EarlierOptions } from '../tpm-expectation.js';
import { attestationText } from '../tpm-report-text.js';

export interface TpmAttestOptions extends EarlierOptions, AgentOptions {
  ak: string;
  select?: string;
  policy?: string;
  ek?: string;
  eventLog?: boolean;
  out?: string;
}

const MAX_BYTES = 1024 * 1024;

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
  const wantsLog = options.eventLog === true || policy?.policy.components !== undefined;
  const nonce = randomBytes(32);
  const question = { nonce: nonce.toString('hex'), pcrs, event_log: wantsLog };
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
  if (wantsLog && shown.event_log === null) session.warn('the host has no event log');
  if (options.out !== undefined) await keep(resolve(session.io.cwd, options.out), shown, question.nonce);
  session.data((await structured(session.output, report)) ?? attestationText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

function selectedBy(inForce: PcrPolicyInForce | undefined): Selected {
  if (inForce === undefined) return { sha256: [0, 1, 2, 3, 4, 5, 6, 7] };
  const selected: Selected = {};
  for (const { bank, index } of namedPcrs(inForce.policy)) (selected[bank] ??= []).push(index);
  return selected;
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
