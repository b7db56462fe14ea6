import { z } from 'zod';

import type { SignedKind } from '../../domain/signed-documents.js';
import { MAX_SIGNED_BYTES } from '../../proofs/contract.js';
import { documentName, isDocumentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import { parseStrictJson, type JsonValue } from '../../proofs/strict-json.js';

const PATHS: Readonly<Record<SignedKind, string>> = {
  contract: 'contracts',
  roster: 'rosters',
  revocations: 'revocations',
};
const refusalSchema = z.object({
  error: z.object({ code: z.string().regex(/^[a-z0-9_]{1,64}$/), message: z.string().max(500) }),
});

/** A registry that was reached did not take a document; `code` and message are its own. */
export class PublicationRefused extends Error {
  override readonly name = 'PublicationRefused';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 10_000;
/** Of an envelope: the payload as base64, and its signatures. */
const MAX_BODY_BYTES = 2 * MAX_SIGNED_BYTES;

/** Whether a registry may be read there: over TLS, or from this machine. */
export function isRegistryUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && /^(127[.]0[.]0[.]1|localhost|\[::1\])$/.test(hostname));
}

/**
 * A registry behind the gateway's routes: `GET <base>/v1/contracts` answers `{names: [digest]}` and
 * `GET <base>/v1/contracts/<digest>` the envelope; likewise `rosters` and `revocations`. 404 means that there is none. No
 * redirect is followed, an answer is at most 32 MiB and ten seconds long. `put` is a PUT to the same address: the envelope's
 * signatures are all that speaks for it, and it rejects with the registry's own words where they are refused.
 */
export function httpRegistry(base: string, fetchFrom: typeof fetch = fetch, timeoutMs = TIMEOUT_MS): ContractRegistry {
  const root = base.replace(/\/+$/, '');
  const read = async (path: string): Promise<JsonValue | undefined> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetchFrom(`${root}/v1/${path}`, { signal, redirect: 'error' });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`${root}/v1/${path} answered ${response.status}`);
    const bytes = await boundedBody(response);
    const json = parseStrictJson(bytes, { maxBytes: MAX_BODY_BYTES });
    return json.ok ? json.value : bytes.toString('utf8');
  };
  const write = async (kind: SignedKind, envelope: DsseEnvelope): Promise<string> => {
    const name = documentName(kind, envelope);
    if (name === undefined) throw new TypeError(`this is no envelope of a ${kind}`);
    const response = await fetchFrom(`${root}/v1/${PATHS[kind]}/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(envelope),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    if (response.ok) return name;
    const json = parseStrictJson(await boundedBody(response), { maxBytes: MAX_BODY_BYTES });
    const told = json.ok ? refusalSchema.safeParse(json.value) : undefined;
    const { code, message } = told?.data?.error ?? { code: `http_${response.status}`, message: 'it does not say why' };
    throw new PublicationRefused(code, message);
  };
  return {
    list: async (kind) => {
      const answer = await read(PATHS[kind]);
      const names =
        typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? answer['names'] : undefined;
      if (!Array.isArray(names)) throw new Error(`${root}/v1/${PATHS[kind]} is no registry`);
      return names.filter((name): name is string => typeof name === 'string' && isDocumentName(kind, name));
    },
    fetch: async (kind, name) => (isDocumentName(kind, name) ? read(`${PATHS[kind]}/${name}`) : undefined),
    put: (kind, envelope) => write(kind, envelope),
  };
}

/** The body, read no further than it may be long: what a header says of its length is the sender's word. */
async function boundedBody(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const body = response.body as ReadableStream<Uint8Array> | null;
  for (const reader = body?.getReader(); reader !== undefined;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_BODY_BYTES) {
      await reader.cancel();
      throw new Error('the answer is longer than 32 MiB');
    }
    parts.push(value);
  }
  return Buffer.concat(parts);
}
