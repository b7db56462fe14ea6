import { z } from 'zod';

import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import type { BundleFindings } from './bundle-report.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string().max(500);
const partsSchema = z.array(
  z.union([z.object({ part: text, count: z.number().int(), sha256 }), z.object({ part: text, unreadable: text })]),
);
const tenantSchema = z.object({
  tenant_after: partsSchema,
  tenant_differences: z.array(
    z.object({ part: text, key: text.nullable(), change: text, verdict: text, by: text.nullable() }),
  ),
  tenant_difference_count: z.number().int().min(0),
  tenant_not_compared: z.array(z.object({ part: text, code: text })),
});
const effectiveSchema = z.object({
  effective: z.object({ holds: z.enum(['yes', 'no', 'unknown']), why: text.nullable() }),
});
const signInsSchema = z.object({
  sign_ins: z.union([
    z.object({ count: z.number().int().min(0), complete: z.boolean(), sha256, from: text, until: text }),
    z.object({ unreadable: z.union([z.literal(true), text]) }),
  ]),
});
const undoneSchema = z.object({
  undone: z.array(z.object({ added: z.array(text), removed: z.array(text) })),
  others_count: z.number().int().min(0),
});

/** Kinds that a tier-0 profile is about; of a plain assignment no comparison is made, and that is said. */
const GIVES_ROLES: ReadonlySet<string> = new Set(['entra.directory_role', 'entra.role_assignment']);

/**
 * What the verifier's entries say was beside the change itself: what differs in a tier-0 role's tenant, whether a Conditional
 * Access policy holds again, and the sign-ins of the window. In words for `facts.beside`; what they do not establish is
 * listed as not verified. Entries may say anything their role signed: what does not parse is as good as not said.
 */
export function proveBeside(
  { terms, intent }: Pick<ProvenAuthority, 'terms' | 'intent'>,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): void {
  const latest = (type: string): Record<string, unknown> | undefined =>
    entries.findLast(({ entry }) => entry.type === type)?.entry.data;
  const confirmed = latest('confirmed');
  if (intent === undefined || confirmed === undefined) return;
  if (terms.tier0 && GIVES_ROLES.has(intent.intent.kind)) tellTenant(confirmed, findings);
  const effective = effectiveSchema.safeParse(confirmed);
  if (effective.success) tellEffective(effective.data.effective, findings);
  const audited = latest('audited');
  if (audited === undefined) return;
  tellSignIns(audited, findings);
  const undone = undoneSchema.safeParse(audited);
  if (!undone.success) return;
  const { beside } = findings.facts;
  if (undone.data.others_count > 0) beside.push(`${undone.data.others_count} changes of the policy by others, kept`);
  for (const { added, removed } of undone.data.undone)
    beside.push(`a write of Reseal's undid another's change: ${[...added, ...removed].join(', ')}`);
}

function tellTenant(confirmed: Record<string, unknown>, { facts, notVerified }: BundleFindings): void {
  const read = tenantSchema.safeParse(confirmed);
  if (!read.success) {
    notVerified.push('that nothing else changed in the tenant: no comparison before and after was made');
    return;
  }
  const { tenant_after, tenant_differences, tenant_difference_count, tenant_not_compared } = read.data;
  const compared = tenant_after.flatMap((part) =>
    'count' in part && !tenant_not_compared.some((one) => one.part === part.part) ? [`${part.count} ${part.part}`] : [],
  );
  const what = `of ${compared.join(', ')}`;
  facts.beside.push(
    tenant_difference_count === 0
      ? `nothing else differs in the tenant ${what}`
      : `${tenant_difference_count} differences in the tenant ${what}`,
  );
  for (const { part, key, change, verdict, by } of tenant_differences)
    facts.beside.push(`${part}: ${change} ${key ?? 'something'}, ${verdict}${by === null ? '' : ` (${by})`}`);
  for (const { part, code } of tenant_not_compared)
    notVerified.push(`that nothing else changed in the tenant's ${part}: they could not be read (${code})`);
}

function tellEffective(
  { holds, why }: { holds: 'yes' | 'no' | 'unknown'; why: string | null },
  { facts, notVerified }: BundleFindings,
): void {
  if (holds === 'yes') facts.beside.push('the policy holds for the principal again, as it is written');
  else notVerified.push(`that the policy holds for the principal again: ${why ?? 'nobody said'}`);
}

function tellSignIns(audited: Record<string, unknown>, { facts, notVerified }: BundleFindings): void {
  const read = signInsSchema.safeParse(audited);
  if (!read.success) return;
  const { sign_ins } = read.data;
  if ('unreadable' in sign_ins) {
    const why = sign_ins.unreadable === true ? 'the log gave no answer' : sign_ins.unreadable;
    notVerified.push(`who signed in meanwhile: the sign-in log could not be read (${why})`);
    return;
  }
  const all = sign_ins.complete ? '' : ' or more';
  facts.beside.push(`${sign_ins.count}${all} sign-ins from ${sign_ins.from} to ${sign_ins.until}`);
}
