import type { Hono } from 'hono';
import type { SignedKind } from '../../domain/signed-documents.js';
import { documentName, isDocumentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import { ResealError } from '../api/reseal-error.js';

const PATHS: Readonly<Record<string, SignedKind>> = {
  contracts: 'contract',
  rosters: 'roster',
  revocations: 'revocations',
};

/**
 * `GET /v1/contracts` → `{names}`, `GET /v1/contracts/{digest}` → the envelope; likewise `rosters`, and `revocations` by
 * number. For reading alone, and as far as the registry goes: whoever reads verifies. Without a registry there is nothing
 * here, which is not the same as a registry with nothing in it.
 */
export function contractRoutes(app: Hono, registry: ContractRegistry | undefined): void {
  for (const [path, kind] of Object.entries(PATHS)) {
    app.get(`/v1/${path}`, async (c) => c.json({ names: await reach(mustHave(registry).list(kind)) }));
    app.get(`/v1/${path}/:name`, async (c) => {
      const name = c.req.param('name');
      if (!isDocumentName(kind, name))
        throw new ResealError('usage', `a ${kind} is asked for by its ${kind === 'revocations' ? 'number' : 'digest'}`);
      const envelope = await reach(mustHave(registry).fetch(kind, name));
      // What is not what it is called is not handed on: every reader would have to refuse it.
      if (envelope === undefined || documentName(kind, envelope) !== name)
        throw new ResealError('not_found', `there is no ${kind} ${name}`, { hint: `see /v1/${path}` });
      return c.json(envelope);
    });
  }
}

function mustHave(registry: ContractRegistry | undefined): ContractRegistry {
  if (registry !== undefined) return registry;
  throw new ResealError('needs_registry', 'this gateway shows no registry of contracts');
}

const reach = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    throw new ResealError('registry_unreachable', 'the registry of contracts cannot be reached', { cause });
  });
