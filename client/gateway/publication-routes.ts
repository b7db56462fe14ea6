import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { PAYLOAD_TYPES, type SignedKind } from '../../domain/signed-documents.js';
import { documentName, isDocumentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import { MAX_SIGNED_BYTES } from '../../proofs/contract.js';
import { parseDsseEnvelope } from '../../proofs/dsse.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import { RESEAL_ERRORS, ResealError, type ResealErrorCode } from '../api/reseal-error.js';

const MIB = 1024 * 1024;
/** Bytes of a body: of rosters and lists as much as one may be long, as base64; no contract comes near its own. */
const MOST: Readonly<Record<SignedKind, number>> = {
  contract: 4 * MIB,
  roster: Math.ceil((MAX_SIGNED_BYTES * 4) / 3) + MIB,
  revocations: Math.ceil((MAX_SIGNED_BYTES * 4) / 3) + MIB,
};
const PATHS: Readonly<Record<string, SignedKind>> = {
  contracts: 'contract',
  rosters: 'roster',
  revocations: 'revocations',
};
/** Bodies that are taken in at once: they are large, and anybody may send one. */
const AT_ONCE = 2;

/**
 * `PUT /v1/contracts/{digest}`, likewise `rosters`, and `revocations` by number; the body is the DSSE envelope. Nobody is
 * asked who they are: the registry takes what signers of the contract roots signed, adds signatures to what waits for them,
 * and refuses everything else. Larger than other bodies, so these routes come before the limit of the others.
 */
export function publicationRoutes(app: Hono, registry: ContractRegistry | undefined): void {
  let under_way = 0;
  for (const [path, kind] of Object.entries(PATHS)) {
    const limit = bodyLimit({
      maxSize: MOST[kind],
      onError: () => {
        throw new ResealError('too_large', `a ${kind} is at most ${Math.floor(MOST[kind] / MIB)} MiB`);
      },
    });
    app.put(`/v1/${path}/:name`, async (c, next) => {
      if (registry === undefined) throw new ResealError('needs_registry', 'this gateway has no registry of contracts');
      if (!isDocumentName(kind, c.req.param('name')))
        throw new ResealError('usage', `a ${kind} is put under its ${kind === 'revocations' ? 'number' : 'digest'}`);
      if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
        throw new ResealError('unsupported_media_type', 'send it as application/json');
      if (under_way >= AT_ONCE)
        throw new ResealError('busy', 'other documents are being published', { hint: 'try again in a moment' });
      under_way += 1;
      try {
        await next();
      } finally {
        under_way -= 1;
      }
    });
    app.put(`/v1/${path}/:name`, limit, async (c) => {
      const json = parseStrictJson(new Uint8Array(await c.req.arrayBuffer()), { maxBytes: MOST[kind] });
      const parsed = json.ok ? parseDsseEnvelope(json.value, MAX_SIGNED_BYTES) : undefined;
      if (parsed?.ok !== true || parsed.envelope.payloadType !== PAYLOAD_TYPES[kind])
        throw new ResealError('publication_malformed', `the body is not the envelope of a ${kind}`);
      const name = await put(registry, kind, parsed.envelope, c.req.param('name'));
      return c.json({ name }, 200);
    });
  }
}

async function put(
  registry: ContractRegistry | undefined,
  kind: SignedKind,
  envelope: Parameters<ContractRegistry['put']>[1],
  name: string,
): Promise<string> {
  if (documentName(kind, envelope) !== name)
    throw new ResealError('publication_misnamed', `it is not the ${kind} ${name}`);
  return (registry as ContractRegistry).put(kind, envelope).catch((cause: unknown) => {
    const { code, message } = cause as { code?: string; message: string };
    if (code?.startsWith('publication_') === true && Object.hasOwn(RESEAL_ERRORS, code))
      throw new ResealError(code as ResealErrorCode, message, { cause });
    throw new ResealError('registry_unreachable', 'the registry of contracts cannot be reached', { cause });
  });
}
