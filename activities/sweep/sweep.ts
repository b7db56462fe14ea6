import { instant } from '../../domain/identifiers.js';
import { isUnended, MAX_TOLD, SWEEP_VERDICTS } from '../../domain/sweep.js';
import type { SweepFinding, SweepReport, SweepVerdict, SweptTenant } from '../../domain/sweep.js';
import { Patience } from './patience.js';
import type { SweepDeps } from './sweep-deps.js';
import type { KnownIntents } from './known-intents.js';
import { inTurns, TenantSweep } from './tenant-sweep.js';
import { UnmarkedSweep } from './unmarked/unmarked-sweep.js';

const TENANTS_SIDE_BY_SIDE = 4;

/**
 * One sweep: reads what Graph says stands in every tenant, and ends what our application created with a marker of the
 * authority's that is over by two minutes. It takes no targets, and asks neither Temporal nor the register. Safe to run
 * twice, side by side, and beside a ceremony's own rollback. A read that fails makes things unknown, never clean.
 *
 * Rejects only when `signal` is aborted.
 */
export async function sweepOnce(
  deps: SweepDeps,
  options: { mode: 'sweep' | 'look'; signal: AbortSignal },
): Promise<SweepReport> {
  const started_at = instant(deps.clock.now());
  const patience = new Patience(deps, options.signal);
  const tenants: SweptTenant[] = [];
  const found: SweepFinding[] = [];
  const known = (await deps.intents?.()) ?? NO_INTENTS;
  await inTurns([...new Set(deps.tenantIds)], TENANTS_SIDE_BY_SIDE, async (tenantId) => {
    const swept = await new TenantSweep(deps, patience, tenantId).run(options.mode, known);
    tenants.push(swept.tenant);
    found.push(...swept.found);
  });
  const { unmarked } = deps;
  const intended: SweepFinding[] = [];
  await inTurns([...new Set(unmarked?.tenantIds)], TENANTS_SIDE_BY_SIDE, async (tenantId) => {
    if (unmarked === undefined) return;
    const swept = await new UnmarkedSweep(deps, unmarked, patience, tenantId).run(options.mode, known);
    tenants.push(swept.tenant);
    intended.push(...swept.found);
  });
  // What PIM knows nothing of is told once: by the intent that it belongs to.
  const explained = new Set(intended.map(placeOf));
  const others = found.filter((one) => one.verdict !== 'outside_pim' || !explained.has(placeOf(one)));
  found.splice(0, found.length, ...others, ...intended);
  for (const finding of found) tell(deps, finding);
  for (const { tenant_id, unreadable } of tenants) {
    for (const { what, code } of unreadable)
      deps.log('the sweep could not read', { code: 'sweep_unreadable', tenant_id, what, failure: code });
  }
  return {
    schema: 'reseal.sweep.v1',
    mode: options.mode,
    application_id: deps.access.applicationId(deps.tenantIds[0] ?? ''),
    started_at,
    finished_at: instant(deps.clock.now()),
    tenants: tenants.toSorted((a, b) => (a.tenant_id < b.tenant_id ? -1 : 1)),
    counts: countsOf(found),
    found: worthTelling(found),
  };
}

const NO_INTENTS: KnownIntents = { intents: [], unreadable: [] };

const placeOf = ({ tenant_id, principal_id, role_template_id, directory_scope_id }: SweepFinding): string =>
  [tenant_id, principal_id, role_template_id, directory_scope_id].join('|');

/** What somebody must look at, one line each, with a stable code: `sweep_compromise` is for the pager. */
function tell({ log }: SweepDeps, finding: SweepFinding): void {
  const { tenant_id, principal_id, role_template_id, schedule_id, request_id, event_id, outcome, why } = finding;
  const fields = { tenant_id, principal_id, role_template_id, schedule_id, request_id, event_id, why };
  if (finding.verdict === 'compromise')
    log('our application gave a role without a marker of the authority', { code: 'sweep_compromise', ...fields });
  else if (outcome !== null && isUnended(finding))
    log('the sweep could not end it', { code: 'sweep_unended', ...fields, outcome: outcome.code });
  else if (outcome !== null && outcome.end !== 'ended_otherwise')
    log('the sweep ended what a ceremony left', { code: 'sweep_ended', ...fields });
}

function countsOf(found: readonly SweepFinding[]): Record<SweepVerdict, number> {
  const none = Object.fromEntries(SWEEP_VERDICTS.map((verdict) => [verdict, 0])) as Record<SweepVerdict, number>;
  for (const { verdict } of found) none[verdict] += 1;
  return none;
}

/** As much as a report may hold, what matters most first; others' assignments at most half of it. */
function worthTelling(found: readonly SweepFinding[]): SweepFinding[] {
  const mine = found.filter(({ verdict }) => !OTHERS.has(verdict)).toSorted((a, b) => rank(a) - rank(b));
  const others = found.filter(({ verdict }) => OTHERS.has(verdict)).slice(0, MAX_TOLD / 2);
  return [...mine, ...others].slice(0, MAX_TOLD);
}

function rank(finding: SweepFinding): number {
  return isUnended(finding) ? 0 : ORDER.indexOf(finding.verdict) + 1;
}

/** So that a report cut short still comes to the same: what makes it worse comes before what does not. */
const ORDER: readonly SweepVerdict[] = ['compromise', 'unattributed', 'due', 'in_time'];
const OTHERS: ReadonlySet<SweepVerdict> = new Set(['foreign', 'self_activated', 'outside_pim']);
