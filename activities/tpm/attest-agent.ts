import { createHash, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import {
  activateQuestionSchema,
  AGENT_REFUSALS,
  keysQuestionSchema,
  quoteQuestionSchema,
  type AgentRefusal,
  type KeysAnswer,
  type QuoteAnswer,
  type QuoteQuestion,
} from '../../domain/attestation-agent.js';
import type { PcrSelection } from '../../proofs/tpm/pcr-selection.js';
import { hashByName } from '../../proofs/tpm/tpm-algorithms.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import { collectQuote } from './collect-quote.js';
import { activateCredential } from './endorsement-session.js';
import { EK_CERTIFICATE_INDEX, readNv, readPublic } from './tpm-device.js';
import { TpmError, type TpmErrorCode } from './tpm-error.js';
import { openTpm, type TpmAddress } from './tpm-transport.js';

/** What the agent of one host works with. */
export interface AttestAgentOptions {
  tpm: TpmAddress;
  /** Persistent handle of the attestation key. */
  ak: number;
  /** Persistent handle of the endorsement key; without it no credential is activated. */
  ek?: number;
  /** Where the kernel keeps the firmware's event log. */
  eventLog?: string;
  /** What callers must show; null when the TLS layer has asked for a certificate instead. */
  token: string | null;
}

/** One answer, ready to be sent. */
export interface AgentResponse {
  status: number;
  body: unknown;
}

/** A request as it came; the body is attacker-controlled. */
export interface AgentRequest {
  method: string;
  path: string;
  authorization: string | undefined;
  body: Uint8Array;
}

const NO_EK = 'this agent was not told the handle of the endorsement key';
const MAX_LOG_BYTES = 16 * 1024 * 1024;
const TPM_REFUSALS: Readonly<Record<TpmErrorCode, AgentRefusal>> = {
  unreachable: 'tpm_unreachable',
  busy: 'tpm_busy',
  torn_read: 'torn_read',
  lockout: 'tpm_lockout',
  refused: 'tpm_refused',
  malformed: 'tpm_malformed',
};

class Refused extends Error {
  constructor(
    readonly code: AgentRefusal,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Answers for the TPM of this host, one request at a time: a second one is told so at once, since a TPM does one thing at a
 * time and waiting callers would only pile up. Never throws. The agent is no authority: whoever asks judges what it says.
 */
export class AttestAgent {
  private atWork = false;

  constructor(private readonly options: AttestAgentOptions) {}

  async answer(request: AgentRequest): Promise<AgentResponse> {
    try {
      if (request.method === 'GET' && request.path === '/health') return { status: 200, body: { ok: true } };
      const { token } = this.options;
      if (token !== null && !isToken(request.authorization, token))
        throw new Refused('unauthorized', 'expected the header Authorization: Bearer with the token of this agent');
      const work = this.workOf(request);
      if (this.atWork) throw new Refused('agent_busy', 'another request is being answered: ask again in a second');
      this.atWork = true;
      try {
        return { status: 200, body: await work() };
      } finally {
        this.atWork = false;
      }
    } catch (error) {
      return refusalOf(error);
    }
  }

  private workOf({ method, path, body }: AgentRequest): () => Promise<unknown> {
    if (method === 'POST' && path === '/v1/quote') {
      const question = readBody(body, quoteQuestionSchema);
      return () => this.quote(question);
    }
    if (method === 'POST' && path === '/v1/activate') {
      const question = readBody(body, activateQuestionSchema);
      return () => this.activate(question);
    }
    if (method === 'POST' && path === '/v1/keys') {
      readBody(body, keysQuestionSchema);
      return () => this.keys();
    }
    throw new Refused('not_found', 'there are GET /health, POST /v1/keys, POST /v1/quote and POST /v1/activate');
  }

  private async keys(): Promise<KeysAnswer> {
    const { tpm: address, ak, ek } = this.options;
    if (ek === undefined) throw new Refused('not_found', NO_EK);
    const tpm = await openTpm(address);
    try {
      const areas = { ek: await readPublic(tpm, ek), ak: await readPublic(tpm, ak) };
      const certificate = await readNv(tpm, EK_CERTIFICATE_INDEX);
      return {
        ek: areas.ek.toString('base64'),
        ak: areas.ak.toString('base64'),
        ek_certificate: certificate?.toString('base64') ?? null,
      };
    } finally {
      await tpm.close();
    }
  }

  private async quote({ nonce, pcrs, event_log = false }: QuoteQuestion): Promise<QuoteAnswer> {
    const { tpm: address, ak, eventLog } = this.options;
    const tpm = await openTpm(address);
    try {
      const area = await readPublic(tpm, ak);
      const quoted = await collectQuote(tpm, ak, Buffer.from(nonce, 'hex'), selectionsOf(pcrs));
      return {
        quote: quoted.quote.toString('base64'),
        signature: quoted.signature.toString('base64'),
        ak: area.toString('base64'),
        pcrs: quoted.pcrs,
        event_log: event_log && eventLog !== undefined ? await readLog(eventLog) : null,
      };
    } finally {
      await tpm.close();
    }
  }

  private async activate(question: { credential_blob: string; encrypted_secret: string }) {
    const { tpm: address, ak, ek } = this.options;
    if (ek === undefined) throw new Refused('not_found', NO_EK);
    const tpm = await openTpm(address);
    try {
      const challenge = {
        credentialBlob: Buffer.from(question.credential_blob, 'base64'),
        encryptedSecret: Buffer.from(question.encrypted_secret, 'base64'),
      };
      return { secret: (await activateCredential(tpm, { ak, ek }, challenge)).toString('base64') };
    } finally {
      await tpm.close();
    }
  }
}

function readBody<T>(
  body: Uint8Array,
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false; error: Error } },
): T {
  const json = parseStrictJson(body);
  if (!json.ok) throw new Refused('malformed', `the body is no JSON: ${json.reason}`);
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return parsed.data;
  const [issue] = (parsed.error as { issues?: { path: PropertyKey[]; message: string }[] }).issues ?? [];
  throw new Refused('malformed', `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not as expected'}`);
}

function selectionsOf(pcrs: QuoteQuestion['pcrs']): PcrSelection[] {
  return Object.entries(pcrs).flatMap(([name, indices]) => {
    const bank = hashByName(name);
    return bank === undefined ? [] : [{ bank, indices: [...new Set(indices)].sort((a, b) => a - b) }];
  });
}

/** Files of the kernel say nothing of their size. */
async function readLog(path: string): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new Refused('internal', `the event log cannot be read: ${error.code ?? 'unknown error'}`);
  });
  try {
    const bytes = await file.readFile();
    if (bytes.length > MAX_LOG_BYTES) throw new Refused('internal', 'the event log is larger than 16 MiB');
    return bytes.toString('base64');
  } finally {
    await file.close();
  }
}

/** Compared as digests, so that neither length nor content shows in the time it takes. */
function isToken(authorization: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const given = /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token)) && given !== '';
}

function refusalOf(error: unknown): AgentResponse {
  const said = (code: AgentRefusal, message: string): AgentResponse => ({
    status: AGENT_REFUSALS[code].http,
    body: { error: { code, message } },
  });
  if (error instanceof Refused) return said(error.code, error.message);
  if (error instanceof TpmError) return said(TPM_REFUSALS[error.code], error.message);
  return said('internal', 'the agent failed');
}
