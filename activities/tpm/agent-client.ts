import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  activateAnswerSchema,
  AGENT_REFUSALS,
  agentErrorSchema,
  keysAnswerSchema,
  quoteAnswerSchema,
  type AgentRefusal,
  type KeysAnswer,
  type QuoteAnswer,
  type QuoteQuestion,
} from '../../domain/attestation-agent.js';
import { parseStrictJson, type JsonValue } from '../../proofs/strict-json.js';

/** Where an agent is, and what it is shown. */
export interface AgentAddress {
  /** `https://host:8520`, or `http://` on a loopback address. */
  url: string;
  token?: string;
  /** Our certificate and its key, and the authority of the agent's certificate; PEM texts. */
  tls?: { key: string; cert: string; ca: string };
  /** How long it may take to answer, in milliseconds (60 s: longer than the agent itself takes at most). */
  answerMs?: number;
}

/**
 * An answer, or why there is none. `passes`: nothing was refused, and the same may be asked again later: the host or its TPM
 * is away or busy. That is no verdict about the host.
 */
export type AgentAnswer<T> =
  { ok: true; value: T } | { ok: false; code: AgentRefusal | 'unreachable'; passes: boolean; message: string };

const MAX_ANSWER_BYTES = 24 * 1024 * 1024;
const ANSWER_MS = 60_000;

/** Asks for a quote. What comes back is the host's word: `verifyQuote` judges it. Never throws. */
export const askForQuote = (agent: AgentAddress, question: QuoteQuestion): Promise<AgentAnswer<QuoteAnswer>> =>
  ask(agent, '/v1/quote', question, quoteAnswerSchema);

/** Asks which keys a host has, to enrol it. What comes back is the host's word. Never throws. */
export const askForKeys = (agent: AgentAddress): Promise<AgentAnswer<KeysAnswer>> =>
  ask(agent, '/v1/keys', {}, keysAnswerSchema);

/** Asks the host to open a credential; the secret shows that it could. Never throws. */
export async function askToActivate(
  agent: AgentAddress,
  challenge: { credentialBlob: Buffer; encryptedSecret: Buffer },
): Promise<AgentAnswer<Buffer>> {
  const question = {
    credential_blob: challenge.credentialBlob.toString('base64'),
    encrypted_secret: challenge.encryptedSecret.toString('base64'),
  };
  const answer = await ask(agent, '/v1/activate', question, activateAnswerSchema);
  return answer.ok ? { ok: true, value: Buffer.from(answer.value.secret, 'base64') } : answer;
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

async function ask<T>(agent: AgentAddress, path: string, question: object, schema: Schema<T>): Promise<AgentAnswer<T>> {
  let answered: { status: number; body: Buffer };
  try {
    answered = await post(agent, path, JSON.stringify(question));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { ok: false, code: 'unreachable', passes: true, message: `${agent.url}: ${code ?? message}` };
  }
  const json = parseStrictJson(answered.body, { maxBytes: MAX_ANSWER_BYTES });
  if (answered.status === 200) {
    const parsed = json.ok ? schema.safeParse(json.value) : undefined;
    if (parsed?.success === true) return { ok: true, value: parsed.data };
    return { ok: false, code: 'malformed', passes: false, message: `${agent.url}: the answer is not that of an agent` };
  }
  return refusalOf(agent, answered.status, json.ok ? json.value : null);
}

function refusalOf({ url }: AgentAddress, status: number, body: JsonValue): AgentAnswer<never> {
  const parsed = agentErrorSchema.safeParse(body);
  if (!parsed.success) {
    // A proxy before it may say so in its own words.
    const away = status === 429 || status >= 500;
    return { ok: false, code: away ? 'unreachable' : 'malformed', passes: away, message: `${url}: HTTP ${status}` };
  }
  const { code, message } = parsed.data.error;
  return { ok: false, code, passes: AGENT_REFUSALS[code].passes, message: `${url}: ${message}` };
}

function post(
  { url, token, tls, answerMs = ANSWER_MS }: AgentAddress,
  path: string,
  body: string,
): Promise<{ status: number; body: Buffer }> {
  const target = new URL(path, url);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const options = { method: 'POST', headers, agent: false as const, signal: AbortSignal.timeout(answerMs) };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    };
    const secure = target.protocol === 'https:';
    const request = secure ? httpsRequest(target, { ...options, ...tls }, take) : httpRequest(target, options, take);
    request.on('error', reject);
    request.end(body);
  });
}
