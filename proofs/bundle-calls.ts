import { z } from 'zod';

import { instantSchema } from '../domain/identifiers.js';
import type { Request } from '../domain/request.js';
import type { ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';

const callSchema = z.object({
  at: instantSchema,
  method: z.string().max(10),
  path: z.string().max(200),
  status: z.number().int().nullable(),
  graph_request_id: z.string().max(64).nullable(),
});

/** A change that was asked of the provider, in the word of the role that asked. */
export type ToldCall = z.output<typeof callSchema> & { tool: string | null };

const MOST_TOLD = 200;

/**
 * What was called: the changes that receipts tell, and that each receipt names the contract that people signed. That the
 * provider was asked and answered so is the role's word: the digests are for whoever has the provider's own log.
 */
export function proveCalls(request: Request, entries: readonly ProvenEntry[], findings: BundleFindings): void {
  for (const { seq, entry } of entries) {
    const { policy_digest, calls, tool } = entry.data;
    if (policy_digest !== undefined && policy_digest !== request.policy_digest)
      findings.fail('contract', 'contract_refused', placeOfSeq(seq), `${entry.type} names another policy or contract`);
    for (const call of Array.isArray(calls) ? calls : []) {
      const parsed = callSchema.safeParse(call);
      if (!parsed.success || parsed.data.method === 'GET' || findings.facts.calls.length >= MOST_TOLD) continue;
      findings.facts.calls.push({ ...parsed.data, tool: typeof tool === 'string' ? tool : null });
    }
  }
}
