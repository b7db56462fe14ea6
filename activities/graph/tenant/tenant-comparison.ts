import type { Intent } from '../../../domain/intent.js';
import type { Finding } from '../../../domain/outcomes.js';
import { compareSnapshots, differenceText, type Difference, type Snapshot } from '../../../domain/snapshot.js';
import { attribute, type Attribution } from '../pim/attribution.js';
import type { GraphSession } from '../wire/graph-session.js';
import type { Holding } from '../pim/holdings.js';
import { takeSnapshot, toldSnapshot } from './tenant-snapshot.js';
import type { Recognition } from '../pim/tuple-history.js';

/** Newcomers that are asked about, and differences that are told. */
const MAX_ASKED = 10;
const MAX_TOLD = 50;
const MAX_FINDINGS = 8;

/** What came of the comparison of a tenant with its snapshot: for the receipt, and what somebody should look at. */
export interface TenantComparison {
  readonly told: Record<string, unknown>;
  readonly findings: readonly Finding[];
}

/** One look at the tenant as it is now. Reads may be stale, so what it shows counts once a second one shows it too. */
export async function lookAtTenant(graph: GraphSession, before: Snapshot) {
  const after = await takeSnapshot(graph);
  return { after, ...compareSnapshots(before, after) };
}

type Look = Awaited<ReturnType<typeof lookAtTenant>>;

/**
 * What is not as it was: whose it is, where that can be said. An assignment of this intent's or of another ceremony's is
 * explained; everything else is somebody's change, and told. It never keeps a ceremony from ending.
 */
export async function compareTenant(
  graph: GraphSession,
  { after, differences, not_compared }: Look,
  seenBefore: readonly string[],
  about: { intent: Intent; by: Recognition; told: readonly string[] },
): Promise<TenantComparison> {
  const certain = differences.filter((one) => seenBefore.includes(differenceText(one)));
  const findings: Finding[] = [];
  const rows: Record<string, unknown>[] = [];
  for (const [index, difference] of certain.entries()) {
    const holding = holdingNamed(difference);
    const asked = holding !== undefined && difference.change === 'added' && index < MAX_ASKED;
    const answer = asked ? await attribute(graph, holding, about.intent, about.by) : undefined;
    const who: Attribution = answer?.ok === true ? answer.value : { verdict: 'unknown', by: null };
    if (rows.length < MAX_TOLD) rows.push({ ...difference, verdict: who.verdict, by: who.by });
    if (who.verdict === 'own' || who.verdict === 'explained') continue;
    if (difference.key !== null && about.told.includes(difference.key)) continue;
    const detail = `beside the ceremony, ${differenceText(difference)}${who.by === null ? '' : `, by ${who.by}`}`;
    if (findings.length < MAX_FINDINGS) findings.push({ code: 'foreign_change', detail: detail.slice(0, 500) });
  }
  const told = {
    tenant_after: toldSnapshot(after),
    tenant_differences: rows,
    tenant_difference_count: certain.length,
    tenant_not_compared: not_compared,
  };
  return { told, findings };
}

/** The assignment that a difference names, by the key that a snapshot gives it; undefined for anything else. */
function holdingNamed({ part, key }: Difference): Holding | undefined {
  const [principal_id, role_template_id, directory_scope_id, schedule_id] = key?.split('|') ?? [];
  if (part !== 'assignments' || key === null || schedule_id === undefined) return undefined;
  if (principal_id === undefined || role_template_id === undefined || directory_scope_id === undefined)
    return undefined;
  const named = { principal_id, role_template_id, directory_scope_id, schedule_id };
  return { key, kind: 'pim', ends: null, ...named };
}
