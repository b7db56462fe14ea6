import { z } from 'zod';

import { reachOf, REACH_WORDS, type Reach } from '../../../domain/effective-policy.js';
import { begunAfter } from '../../../domain/extension.js';
import type { AbsenceOutcome, Finding } from '../../../domain/outcomes.js';
import { CLOCK_SKEW_MS } from '../../../domain/statement.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { AbsenceLook, absenceProgress, merged, type AbsenceDeps, type AbsenceInput } from '../absence-look.js';
import { NOTHING_READ } from '../absence-run.js';
import { toldPolicy } from './access-deps.js';
import { changesSince } from './access-differences.js';
import { accessOf, type AccessIntent } from './access-intent.js';
import { makerOfStanding, readChanges } from './access-log.js';
import { readAccessPolicy, type AccessPolicy } from './access-policy.js';
import { Attempt } from '../attempt.js';
import { disowned } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { keepApart } from '../reading.js';

/** The audit log, which names who changed a policy, is minutes late. */
const UNKNOWN_PATIENCE_MS = 10 * 60_000;
const UNKNOWN_POLL_MS = 30_000;

const progressSchema = z.object({
  ...absenceProgress,
  /** Since when something stands of which nobody can say who made it, epoch ms. */
  unknown_since: z.number().nullable(),
});
type Progress = z.output<typeof progressSchema>;

/**
 * Sees with the second identity that the policy is free of our change: five agreeing reads, and not before the settle window
 * is over. What stands again by another's hand, as the directory's audit log says, is told and left; what may be ours is
 * `present`, and will be removed again. With the last read goes what the policy is now written to do.
 */
export function verifyAccessRolledBack(deps: AbsenceDeps): VerifierTasks['verifyRolledBack'] {
  const nothing: Progress = { run: NOTHING_READ, unknown_since: null, findings: [], client_request_ids: [] };
  return (input) =>
    Attempt.run(progressSchema, nothing, async (attempt) => {
      const none = disowned(input, deps, attempt.number);
      if (none !== undefined) return none;
      return new AbsenceCheck(deps, input, accessOf(input.signed.intent), attempt).look();
    });
}

class AbsenceCheck extends AbsenceLook<Progress> {
  constructor(
    deps: AbsenceDeps,
    input: AbsenceInput,
    private readonly access: AccessIntent,
    attempt: Attempt<Progress>,
  ) {
    super(deps, input, attempt);
  }

  async look(): Promise<AbsenceOutcome> {
    const { deps, attempt, input, access } = this;
    keepApart(attempt.details.run.last_at, deps.clock.now());
    const policy = await this.read();
    const present = policy !== null && access.toggle.stands(policy) && (await this.mayBeOurs(policy));
    const now = deps.clock.now();
    const run = this.counted(present, now);
    if (run.present >= input.patience) {
      attempt.keep({ run });
      return this.present(now, run.present);
    }
    this.agreed(run, now);
    return this.absent(now, policy);
  }

  /** The policy, or null where the tenant has none of that id: a deleted one leaves out nobody, and holds for nobody. */
  private async read(): Promise<AccessPolicy | null> {
    const read = await readAccessPolicy(this.graph, this.access.tuple.policy_id);
    if (read.ok) return read.value;
    if (read.failure.kind === 'not_found') return null;
    throw this.failed(read.failure);
  }

  private async mayBeOurs(policy: AccessPolicy): Promise<boolean> {
    const { deps, access, attempt } = this;
    // Who says `refused` is a workflow, and whoever completes activities can make it believe so: the log has the last word.
    const refused = this.input.refused === true;
    if (refused && isOlderThan(policy, access)) return this.leave(policy, 'from before anything was issued');
    const changes = await readChanges(this.graph, access, deps.accessWriterIds ?? new Set());
    if (!changes.ok) throw this.failed(changes.failure);
    const made = makerOfStanding(policy, changes.value, access);
    if (made.maker === 'own') return true;
    if (made.maker === 'foreign') return this.leave(policy, `by ${made.by ?? 'somebody unknown'}`);
    const now = deps.clock.now();
    const unknown_since = attempt.details.unknown_since ?? now;
    attempt.keep({ unknown_since, client_request_ids: this.clientRequestIds() });
    // What nobody can be named for after all that time counts as ours, where anything of ours may have been made.
    if (now - unknown_since >= UNKNOWN_PATIENCE_MS)
      return refused ? this.leave(policy, 'nothing of ours was ever made') : true;
    throw waitFor('policy_unattributed', 'waiting for the audit log to name somebody', UNKNOWN_POLL_MS);
  }

  private absent(now: number, policy: AccessPolicy | null): AbsenceOutcome {
    const { survey } = this.input;
    const effective = this.effective(policy);
    const changed = survey === null || policy === null ? [] : changesSince(survey, policy, this.access.tuple);
    const findings = merged(this.attempt.details.findings, [...changed, ...effective.findings]);
    const shown = policy === null ? {} : { policy: toldPolicy(policy) };
    return this.confirmed(now, findings, { effective: effective.told, ...shown });
  }

  /** Whether the policy holds for the principal again, as it is now written. */
  private effective(policy: AccessPolicy | null): { told: Record<string, unknown>; findings: Finding[] } {
    const { tuple } = this.access;
    const reach: Reach | null = policy === null ? null : reachOf(policy.reach, tuple.principal_id);
    if (reach?.holds === 'yes') return { told: { holds: 'yes', why: null }, findings: [] };
    const holds = reach === null ? 'no' : reach.holds;
    const why = reach === null ? 'the policy was deleted' : REACH_WORDS[reach.because];
    const detail = `policy ${tuple.policy_id} does not hold for ${tuple.principal_id} again: ${why}`;
    const findings: Finding[] = holds === 'no' ? [{ code: 'foreign_change', detail }] : [];
    return { told: { holds, why }, findings };
  }

  /** It is another's: told, and not ours to remove. */
  private leave(policy: AccessPolicy, who: string): false {
    const findings = merged(this.attempt.details.findings, [foreign(policy, this.access, who)]);
    this.attempt.keep({ findings, unknown_since: null });
    return false;
  }
}

/** Whether it was last changed before the intent was issued, whatever the clocks say. */
const isOlderThan = ({ modified_at }: AccessPolicy, { intent }: AccessIntent): boolean =>
  modified_at !== null && modified_at < begunAfter(intent) - CLOCK_SKEW_MS;

const foreign = (policy: AccessPolicy, { toggle }: AccessIntent, who: string): Finding => ({
  code: 'foreign_assignment',
  detail: `policy ${policy.id} ${toggle.wanted}, ${who}: it is left alone`,
});
