import { z } from 'zod';

import { epochMs, instantSchema } from '../domain/identifiers.js';
import type { Intent } from '../domain/intent.js';
import { b64uDigestSchema, warrantTokenSchema } from '../domain/warrant.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { digestOf } from './canonical-json.js';
import type { Trust } from './trust.js';
import { judgeWarrant, scopeHashOf, warrantScopeOf } from './warrant.js';

const namedWarrant = z.object({
  warrant_id: z.uuid(),
  warrant_scope_hash_b64u: b64uDigestSchema,
  /** The token itself and when its role took it; earlier versions named a warrant and kept it to themselves. */
  carried: z.object({ warrant: warrantTokenSchema, warrant_judged_at: instantSchema }).optional(),
});
type NamedWarrant = z.output<typeof namedWarrant>;

/** The warrant of a grant, by its id; `judgedAt` (RFC 3339 UTC) is when the effect took it, null where that is not shown. */
export interface ProvenWarrant {
  id: string;
  judgedAt: string | null;
}

/**
 * The warrants under which the effect acted, as its entries name and carry them. Each is judged again as the effect judged
 * it, at the time at which it did: by the authority's key in the trust file, for this role, this intent and its policy, and
 * in force. Of entries that name one and do not carry it the scope hash alone is computed again. Answers the one that was
 * granted under, or null.
 */
export function proveWarrants(
  { intent, extensions }: ProvenAuthority,
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): ProvenWarrant | null {
  let grantedUnder: ProvenWarrant | null = null;
  for (const { seq, entry } of entries) {
    const extends_ = entry.type === 'extended' || entry.type === 'not_extended';
    if (entry.type !== 'granted' && entry.type !== 'not_granted' && !extends_) continue;
    const refuse = (message: string): void =>
      extends_
        ? findings.fail('extension', 'extension_refused', placeOfSeq(seq), message)
        : findings.fail('grant', 'grant_refused', placeOfSeq(seq), message);
    const of = extends_
      ? extensions.find((extension) => digestOf(extension.intent) === entry.data.intent_digest)
      : intent;
    const { warrant_id, warrant_scope_hash_b64u, warrant, warrant_judged_at } = entry.data;
    if ([warrant_id, warrant_scope_hash_b64u, warrant, warrant_judged_at].every((said) => said === undefined)) {
      if (entry.type === 'granted')
        findings.notVerified.push('under which warrant it was granted: the entry is of a version that named none');
      continue;
    }
    const carried =
      warrant === undefined && warrant_judged_at === undefined ? {} : { carried: { warrant, warrant_judged_at } };
    const named = namedWarrant.safeParse({ warrant_id, warrant_scope_hash_b64u, ...carried });
    if (!named.success) {
      refuse('it names a warrant, and not in full');
      continue;
    }
    const why = of === undefined ? NO_INTENT : warrantFault(named.data, of.intent, epochMs(entry.at), trust);
    if (why !== undefined) refuse(why);
    else if (entry.type === 'granted')
      grantedUnder = { id: named.data.warrant_id, judgedAt: named.data.carried?.warrant_judged_at ?? null };
  }
  if (grantedUnder?.judgedAt === null)
    findings.notVerified.push(`that warrant ${grantedUnder.id} was signed and in force: the effect's entry says so`);
  return grantedUnder;
}

const NO_INTENT = 'it names a warrant, and no intent stands that one could be given for';

function warrantFault(named: NamedWarrant, intent: Intent, saidMs: number, trust: Trust): string | undefined {
  const { warrant_id, warrant_scope_hash_b64u, carried } = named;
  const scope = warrantScopeOf(intent);
  if (warrant_scope_hash_b64u !== scopeHashOf(scope)) return 'its warrant authorised something else than the intent';
  if (carried === undefined) return undefined;
  const nowMs = epochMs(carried.warrant_judged_at);
  if (nowMs > saidMs) return 'it says that it took its warrant later than it says this';
  const judged = judgeWarrant(carried.warrant, {
    intent,
    role: scope.aud,
    authorityKey: (keyid) => {
      const key = trust.keyOf(keyid);
      return key?.role === 'authority' ? key.publicKey : undefined;
    },
    nowMs,
  });
  if (!judged.ok) return `its warrant at ${carried.warrant_judged_at}: ${judged.code}: ${judged.message}`;
  return judged.claims.jti === warrant_id ? undefined : `it carries warrant ${judged.claims.jti}, and names another`;
}
