import { once } from 'node:events';
import { resolve } from 'node:path';
import { AttestAgent } from '../../../activities/tpm/attest-agent.js';
import { serveAgent, type AgentTls } from '../../../activities/tpm/serve-agent.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import type { Session } from '../session.js';
import { handleOf, tpmAt } from '../tpm-place.js';

export interface AttestAgentCommandOptions {
  tpm: string;
  ak: string;
  ek?: string;
  eventLog?: string;
  listen: string;
  tokenFile?: string;
  tlsKey?: string;
  tlsCert?: string;
  clientCa?: string;
}

const MAX_FILE_BYTES = 64 * 1024;
const MIN_TOKEN_CHARACTERS = 32;
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

const usage = (message: string): ResealError => new ResealError('usage', message);

/** `reseal attest-agent`: serves until it is asked to stop. */
export async function runAttestAgent(session: Session, options: AttestAgentCommandOptions): Promise<number> {
  const { host, port } = listenAt(options.listen);
  const tpm = tpmAt(options.tpm);
  const ak = handleOf('--ak', options.ak);
  const ek = options.ek === undefined ? {} : { ek: handleOf('--ek', options.ek) };
  const read = async (file: string): Promise<string> =>
    (await readBytes(resolve(session.io.cwd, file), MAX_FILE_BYTES)).toString('utf8');
  const tls = await tlsOf(options, read);
  const token = options.tokenFile === undefined ? null : tokenOf(options.tokenFile, await read(options.tokenFile));
  if (tls === undefined && token === null)
    throw usage('who may ask? Pass --token-file, or --tls-key, --tls-cert and --client-ca');
  if (tls === undefined && !LOOPBACK.includes(host))
    throw usage(
      `a token would cross the network in the clear: listen on 127.0.0.1, or pass --tls-key, --tls-cert and --client-ca`,
    );
  const eventLog = options.eventLog === undefined ? {} : { eventLog: resolve(session.io.cwd, options.eventLog) };
  const agent = new AttestAgent({ tpm, ak, ...ek, ...eventLog, token });
  const served = await serveAgent(agent, { host, port, ...(tls && { tls }) }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new ResealError('port_in_use', `${options.listen} is taken`, { cause: error });
    throw new ResealError('usage', `cannot listen on ${options.listen}: ${error.code ?? error.message}`, {
      cause: error,
    });
  });
  session.warn(`answering for ${options.tpm} on ${served.url}`);
  const { signal } = session.io;
  try {
    if (signal === undefined) await new Promise(() => undefined);
    else if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await served.close();
  }
  return EXIT.done;
}

function listenAt(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([^:]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw usage(`--listen is HOST:PORT, not "${text}"`);
  return { host, port: Number(port) };
}

/** What the file holds never appears in a message. */
function tokenOf(file: string, text: string): string {
  const token = text.trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length >= MIN_TOKEN_CHARACTERS) return token;
  throw usage(
    `${file} holds no token: one line of at least ${MIN_TOKEN_CHARACTERS} printable characters without spaces`,
  );
}

async function tlsOf(
  { tlsKey, tlsCert, clientCa }: AttestAgentCommandOptions,
  read: (file: string) => Promise<string>,
): Promise<AgentTls | undefined> {
  if (tlsKey === undefined && tlsCert === undefined && clientCa === undefined) return undefined;
  if (tlsKey === undefined || tlsCert === undefined || clientCa === undefined)
    throw usage('--tls-key, --tls-cert and --client-ca belong together');
  const [key, cert, ca] = await Promise.all([read(tlsKey), read(tlsCert), read(clientCa)]);
  return { key, cert, clientCa: ca };
}
