import { z } from 'zod';

import { b64uDigestSchema } from '../domain/warrant.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { scopeHashOf, warrantScopeOf } from './warrant.js';

const namedWarrant = z.object({ warrant_id: z.uuid(), warrant_scope_hash_b64u: b64uDigestSchema });

/**
 * The warrants under which the effect acted, as its entries name them. What a warrant may say follows from the intent, so
 * the scope hash is computed again; the warrant itself is not in the ledger, and that it was the authority's and in force
 * stays the effect's word. Answers the id of the one that was granted under, or null.
 */
export function proveWarrants(
  { intent }: ProvenAuthority,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): string | null {
  let grantedUnder: string | null = null;
  for (const { seq, entry } of entries) {
    if (entry.type !== 'granted' && entry.type !== 'not_granted') continue;
    const refuse = (message: string): void => findings.fail('grant', 'grant_refused', placeOfSeq(seq), message);
    const { warrant_id, warrant_scope_hash_b64u } = entry.data;
    if (warrant_id === undefined && warrant_scope_hash_b64u === undefined) {
      if (entry.type === 'granted')
        findings.notVerified.push('under which warrant it was granted: the entry is of a version that named none');
      continue;
    }
    const named = namedWarrant.safeParse(entry.data);
    if (!named.success) refuse('it names a warrant, and not in full');
    else if (intent === undefined) refuse('it names a warrant, and no intent stands that one could be given for');
    else if (named.data.warrant_scope_hash_b64u !== scopeHashOf(warrantScopeOf(intent.intent)))
      refuse('its warrant authorised something else than the intent');
    else if (entry.type === 'granted') grantedUnder = named.data.warrant_id;
  }
  if (grantedUnder !== null)
    findings.notVerified.push(`that warrant ${grantedUnder} was signed and in force: the effect's entry says so`);
  return grantedUnder;
}
