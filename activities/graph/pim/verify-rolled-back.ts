import { z } from 'zod';

import type { AbsenceOutcome, Finding } from '../../../domain/outcomes.js';
import { differenceText } from '../../../domain/snapshot.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { AbsenceLook, absenceProgress, merged, type AbsenceDeps, type AbsenceInput } from '../absence-look.js';
import { ABSENT_READS, NOTHING_READ } from '../absence-run.js';
import { Attempt } from '../attempt.js';
import { attributeByRequests, findingOf } from './attribution.js';
import { disowned } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { holdingOf, readHoldings, type Holding } from './holdings.js';
import { certain, newcomersTo, sight, sightingsSchema } from '../tenant/newcomers.js';
import { compareTenant, lookAtTenant, type TenantComparison } from '../tenant/tenant-comparison.js';
import { isComplete } from '../tenant/tenant-snapshot.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { judgeNewcomers, keepApart, NEXT_READ_MS, recognitionOf } from '../reading.js';

const MAX_SEEN = 200;
/** A part of the tenant that cannot be read must not keep a ceremony from ending. */
const TENANT_LOOKS = 3;

const progressSchema = z.object({
  ...absenceProgress,
  sightings: sightingsSchema,
  /** Newcomers that were told or explained. */
  settled: z.array(z.string()).max(500),
  /** Of a tier-0 role: what a first look at the tenant showed, and how many looks there were. */
  tenant_seen: z.array(z.string()).max(MAX_SEEN).nullable().default(null),
  tenant_looks: z.number().int().default(0),
});
type Progress = z.output<typeof progressSchema>;

/**
 * Sees with the second identity that it is gone: five agreeing reads, one an attempt, and not before the settle window is
 * over. What is there again in `patience` reads in a row, and may be ours, is `present`: it will be removed again.
 */
export function verifyRolledBack(deps: AbsenceDeps): VerifierTasks['verifyRolledBack'] {
  const nothing = progressSchema.parse({
    run: NOTHING_READ,
    sightings: {},
    findings: [],
    settled: [],
    client_request_ids: [],
  });
  return (input) => Attempt.run(progressSchema, nothing, (attempt) => new AbsenceCheck(deps, input, attempt).look());
}

class AbsenceCheck extends AbsenceLook<Progress> {
  async look(): Promise<AbsenceOutcome> {
    const { deps, attempt, input } = this;
    const none = disowned(input, deps, attempt.number);
    if (none !== undefined) return none;
    keepApart(attempt.details.run.last_at, deps.clock.now());
    const present = await this.mayBeOurs();
    const now = deps.clock.now();
    const run = this.counted(present, now);
    if (run.present >= input.patience) return this.present(now, run.present);
    // What else has changed is read only when the answer is near: two reads must show a newcomer before it is told.
    if (run.absent >= ABSENT_READS - 1 && input.survey !== null) await this.compare(input.survey);
    this.agreed(run, now);
    return this.absent(now, await this.wholeTenant());
  }

  /** Whether an assignment of the tuple stands that is ours, or that nobody can say is not. Others' become findings. */
  private async mayBeOurs(): Promise<boolean> {
    const { intent } = this.input.signed;
    const pim = pimFamily(intent.tuple);
    const query = { $filter: pim.ofTuple(pimTuple(intent.tuple)) };
    const read = await this.graph.readAll(pim.instances, pim.instanceSchema, query);
    if (!read.ok) throw this.failed(read.failure);
    const baseline = new Set(this.input.survey?.holders ?? []);
    const standing = read.value.map(holdingOf).filter(({ key }) => !baseline.has(key));
    if (standing.length === 0) return false;
    const requests = await this.graph.readAll(pim.requests, pim.requestSchema, query);
    if (!requests.ok) throw this.failed(requests.failure);
    let ours = false;
    for (const holding of standing) {
      if (holding.kind === 'direct') {
        this.tell(foreign(holding, 'made outside PIM'), holding);
        continue;
      }
      const found = attributeByRequests(requests.value, holding, intent, recognitionOf(this.deps, intent));
      if (found.verdict === 'own' || found.verdict === 'unknown') ours = true;
      else if (found.verdict === 'foreign') this.tell(foreign(holding, `requested by ${found.by ?? '?'}`), holding);
      else this.tell(findingOf(holding, found), holding);
    }
    return ours;
  }

  private async compare(survey: NonNullable<AbsenceInput['survey']>): Promise<void> {
    const { intent } = this.input.signed;
    const read = await readHoldings(this.graph, intent.tuple);
    if (!read.ok) throw this.failed(read.failure);
    const { settled } = this.attempt.details;
    const newcomers = newcomersTo(survey, read.value).filter(({ key }) => !settled.includes(key));
    const sightings = sight(this.attempt.details.sightings, newcomers, this.deps.clock.now());
    this.attempt.keep({ sightings });
    const sure = certain(sightings, newcomers);
    const by = recognitionOf(this.deps, intent);
    // The end does not wait for the audit log: what nobody can be named for is told as it is.
    const judged = await judgeNewcomers(this.graph, sure, { intent, by, outOfPatience: () => true });
    if (!judged.ok) throw this.failed(judged.failure);
    this.attempt.keep({
      settled: [...settled, ...judged.value.settled].slice(-500),
      findings: merged(this.attempt.details.findings, judged.value.findings),
    });
  }

  /** For a tier-0 role: what is different in the tenant, and why it could not be said of some of it. */
  private async wholeTenant(): Promise<TenantComparison | undefined> {
    const before = this.input.survey?.tenant;
    if (before === undefined) return undefined;
    const look = await lookAtTenant(this.graph, before);
    const { tenant_seen, tenant_looks, settled } = this.attempt.details;
    const texts = look.differences.map(differenceText).slice(0, MAX_SEEN);
    const again = (why: string): Error => {
      this.attempt.keep({ client_request_ids: this.clientRequestIds() });
      return waitFor(why, 'looking at the tenant again before telling', NEXT_READ_MS);
    };
    this.attempt.keep({ tenant_looks: tenant_looks + 1, tenant_seen: tenant_seen ?? texts });
    if (!isComplete(look.after) && tenant_looks + 1 < TENANT_LOOKS) throw again('snapshot_incomplete');
    if (texts.length > 0 && tenant_seen === null) throw again('difference_seen_once');
    const by = recognitionOf(this.deps, this.intent);
    return compareTenant(this.graph, look, tenant_seen ?? [], { intent: this.intent, by, told: settled });
  }

  private tell(finding: Finding | undefined, { key }: Holding): void {
    const { findings, settled } = this.attempt.details;
    if (finding === undefined || settled.includes(key)) return;
    this.attempt.keep({ findings: merged(findings, [finding]), settled: [...settled, key].slice(-500) });
  }

  private absent(now: number, tenant?: TenantComparison): AbsenceOutcome {
    const findings = merged(this.attempt.details.findings, tenant?.findings ?? []);
    return this.confirmed(now, findings, tenant?.told);
  }

  private get intent() {
    return this.input.signed.intent;
  }
}

const foreign = ({ schedule_id }: Holding, who: string): Finding => ({
  code: 'foreign_assignment',
  detail: `assignment ${schedule_id} of the same principal and role stands and is left alone: ${who}`,
});
