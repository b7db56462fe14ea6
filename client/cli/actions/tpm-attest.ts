import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { askForQuote, type AgentAddress } from '../../../activities/tpm/agent-client.js';
import type { QuoteAnswer } from '../../../domain/attestation-agent.js';
import { namedPcrs, type PcrPolicyInForce } from '../../../domain/attestation-policy.js';
import { readAttestationKey, type AttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import type { PublicArea } from '../../../proofs/tpm/public-area.js';
import type { TpmParsed } from '../../../proofs/tpm/tpm-wire.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import { namedHost } from '../named-host.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { agentAt, answered, opens, selectedIn, type AgentOptions, type Selected } from '../tpm-agent.js';
import { earlierOf, endorsementKeyOf, pcrPolicyOf, type EarlierOptions } from '../tpm-expectation.js';
import { attestationText } from '../tpm-report-text.js';

export interface TpmAttestOptions extends EarlierOptions, AgentOptions {
  ak?: string;
  select?: string;
  policy?: string;
  ek?: string;
  eventLog?: boolean;
  hosts?: string;
  references?: string;
  out?: string;
}

const MAX_BYTES = 1024 * 1024;

const usage = (message: string): ResealError => new ResealError('usage', message);

/** `reseal tpm attest HOST`, or the URL of an agent: a fresh nonce, the host's quote over it, and the verdict. */
export async function attestHost(session: Session, where: string, options: TpmAttestOptions): Promise<number> {
  const read = (file: string): Promise<Buffer> => readBytes(resolve(session.io.cwd, file), MAX_BYTES);
  const isUrl = where.includes(':') || where.includes('/');
  const asked = await (isUrl ? askedByUrl(session, where, options, read) : askedByName(session, where, options));
  const { agent, ak, ek, policy } = asked;
  const earlier = await earlierOf(options, ak, read);
  const pcrs = options.select === undefined ? selectedBy(policy) : selectedIn(options.select);
  const wantsLog = asked.eventLog || policy?.policy.components !== undefined;
  const nonce = randomBytes(32);
  const question = { nonce: nonce.toString('hex'), pcrs, event_log: wantsLog };
  const shown = answered(await session.during(`waiting for ${where}`, askForQuote(agent, question)));
  const activated = ek === undefined ? {} : { ek, activated: await opens(agent, ek, ak.value, asked.keyFrom) };
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const report = verifyQuote(
    {
      quote: bytes(shown.quote),
      signature: bytes(shown.signature),
      ak,
      pcrs: readPcrValues(JSON.stringify(shown.pcrs)),
      ...logShown(shown, asked.logMustBe),
    },
    { nonce, ...(policy && { policy }), ...earlier, ...activated },
  );
  if (wantsLog && shown.event_log === null) session.warn('the host has no event log');
  if (options.out !== undefined) await keep(resolve(session.io.cwd, options.out), shown, question.nonce);
  session.data((await structured(session.output, report)) ?? attestationText(session, report));
  return report.ok ? EXIT.done : EXIT.unverified;
}

/** Who is asked, and what the answer is held against. */
interface Asked {
  agent: AgentAddress;
  ak: Extract<TpmParsed<AttestationKey>, { ok: true }>;
  /** What is said of a key that does not serve. */
  keyFrom: string;
  ek: PublicArea | undefined;
  policy: PcrPolicyInForce | undefined;
  eventLog: boolean;
  /** Whether a host without a log is refused. */
  logMustBe: boolean;
}

async function askedByUrl(
  session: Session,
  url: string,
  options: TpmAttestOptions,
  read: (file: string) => Promise<Buffer>,
): Promise<Asked> {
  const agent = await agentAt(url, options, read);
  if (options.hosts !== undefined || options.references !== undefined)
    throw usage('--hosts and --references are for a host that is asked for by its name, not by URL');
  if (options.ak === undefined) throw usage('which key must sign? Pass --ak, or the name of a host that was enrolled');
  const ak = readAttestationKey(await read(options.ak));
  if (!ak.ok) throw usage(`${options.ak} is no key: ${ak.detail}`);
  const policy = options.policy === undefined ? undefined : await pcrPolicyOf(resolve(session.io.cwd, options.policy));
  const ek = options.ek === undefined ? undefined : endorsementKeyOf(options.ek, await read(options.ek));
  return { agent, ak, keyFrom: options.ak, ek, policy, eventLog: options.eventLog === true, logMustBe: false };
}

/** What a reference and the hosts file say, and the command line therefore may not. */
const OF_THE_HOST = {
  ak: '--ak',
  ek: '--ek',
  policy: '--policy',
  select: '--select',
  eventLog: '--event-log',
  tokenFile: '--token-file',
  tlsKey: '--tls-key',
  tlsCert: '--tls-cert',
  tlsCa: '--tls-ca',
} as const satisfies Partial<Record<keyof TpmAttestOptions, string>>;

async function askedByName(session: Session, name: string, options: TpmAttestOptions): Promise<Asked> {
  const given = (Object.keys(OF_THE_HOST) as (keyof typeof OF_THE_HOST)[]).find((one) => options[one] !== undefined);
  if (given !== undefined)
    throw usage(`${OF_THE_HOST[given]} is for a host that is asked for by URL: ${name} is judged by its reference`);
  const { agent, reference, acceptedBy } = await namedHost(session, name, options);
  const { version, event_log: eventLog } = reference.reference;
  session.say(`${name} at ${agent.url}, by reference version ${version} (${acceptedBy.join(', ')})`);
  const { ak, ek, policy } = reference;
  return {
    agent,
    ak: { ok: true, value: ak },
    keyFrom: 'the key of the reference',
    ek,
    policy,
    eventLog,
    logMustBe: eventLog,
  };
}

/** A log that a reference demands and that was not sent is an empty one, which explains nothing. */
function logShown({ event_log }: QuoteAnswer, mustBe: boolean): { eventLog?: Uint8Array } {
  if (event_log !== null) return { eventLog: Buffer.from(event_log, 'base64') };
  return mustBe ? { eventLog: new Uint8Array() } : {};
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
