import { z } from 'zod';

import type { IntentOf } from '../../../domain/intent.js';
import type { AbsenceOutcome, Finding } from '../../../domain/outcomes.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { AbsenceLook, absenceProgress, merged, type AbsenceDeps, type AbsenceInput } from '../absence-look.js';
import { ABSENT_READS, NOTHING_READ } from '../absence-run.js';
import { assignmentIntent } from './assignment-intent.js';
import { makerOf, readMembershipChanges } from './assignment-log.js';
import { readAssignments, readStanding, type Assignment } from './assignments.js';
import { Attempt } from '../attempt.js';
import { disowned } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { certain, newcomersTo, sight, sightingsSchema } from '../tenant/newcomers.js';
import { judgeNewcomers, keepApart, recognitionOf } from '../reading.js';

/** The audit log, which alone names who assigned a role, is minutes late. */
const UNKNOWN_PATIENCE_MS = 10 * 60_000;
const UNKNOWN_POLL_MS = 30_000;

const progressSchema = z.object({
  ...absenceProgress,
  /** Since when one stands of which nobody can say who made it, epoch ms. */
  unknown_since: z.number().nullable(),
  sightings: sightingsSchema,
  /** Newcomers that were told or explained. */
  settled: z.array(z.string()).max(500),
});
type Progress = z.output<typeof progressSchema>;
const NOTHING: Progress = {
  run: NOTHING_READ,
  unknown_since: null,
  sightings: {},
  findings: [],
  settled: [],
  client_request_ids: [],
};

/**
 * Sees with the second identity that the assignment is gone: five agreeing reads, and not before the settle window is over.
 * What stands by another's hand, as the directory's audit log says, is told and left; what may be ours is `present`, and will
 * be removed again.
 */
export function verifyAssignmentRolledBack(deps: AbsenceDeps): VerifierTasks['verifyRolledBack'] {
  return (input) =>
    Attempt.run(progressSchema, NOTHING, async (attempt) => {
      const none = disowned(input, deps, attempt.number);
      if (none !== undefined) return none;
      return new AbsenceCheck(deps, input, assignmentIntent(input.signed.intent), attempt).look();
    });
}

class AbsenceCheck extends AbsenceLook<Progress> {
  constructor(
    deps: AbsenceDeps,
    input: AbsenceInput,
    private readonly intent: IntentOf<'entra.role_assignment'>,
    attempt: Attempt<Progress>,
  ) {
    super(deps, input, attempt);
  }

  async look(): Promise<AbsenceOutcome> {
    const { deps, attempt, input } = this;
    keepApart(attempt.details.run.last_at, deps.clock.now());
    const read = await readStanding(this.graph, this.intent.tuple);
    if (!read.ok) throw this.failed(read.failure);
    const present = read.value !== null && (await this.mayBeOurs(read.value));
    const now = deps.clock.now();
    const run = this.counted(present, now);
    if (run.present >= input.patience) return this.present(now, run.present);
    // What else has changed is read only when the answer is near: two reads must show a newcomer before it is told.
    if (run.absent >= ABSENT_READS - 1 && input.survey !== null) await this.compare(input.survey);
    this.agreed(run, now);
    return this.confirmed(now, attempt.details.findings);
  }

  private async mayBeOurs(standing: Assignment): Promise<boolean> {
    const { deps, attempt, intent } = this;
    // Who says `refused` is a workflow, and whoever completes activities can make it believe so: the log has the last word.
    const refused = this.input.refused === true;
    const changes = await readMembershipChanges(this.graph, intent, deps.assignmentWriterIds ?? new Set());
    if (!changes.ok) throw this.failed(changes.failure);
    const made = makerOf(changes.value);
    if (made.maker === 'own') return true;
    if (made.maker === 'foreign') {
      this.tell(foreign(standing, `made by ${made.by ?? 'somebody unknown'}`));
      return false;
    }
    const now = deps.clock.now();
    const unknown_since = attempt.details.unknown_since ?? now;
    attempt.keep({ unknown_since, client_request_ids: this.clientRequestIds() });
    // Nothing stood at the survey: what nobody can be named for counts as ours, where anything of ours may have been made.
    if (now - unknown_since >= UNKNOWN_PATIENCE_MS) {
      if (refused) this.tell(foreign(standing, 'nothing of ours was ever made'));
      return !refused;
    }
    throw waitFor('assignment_unattributed', 'waiting for the audit log to name somebody', UNKNOWN_POLL_MS);
  }

  private async compare(survey: NonNullable<AbsenceInput['survey']>): Promise<void> {
    const { attempt, intent, deps } = this;
    const read = await readAssignments(this.graph, intent.tuple);
    if (!read.ok) throw this.failed(read.failure);
    const { settled, findings } = attempt.details;
    const newcomers = newcomersTo(survey, read.value).filter(({ key }) => !settled.includes(key));
    const sightings = sight(attempt.details.sightings, newcomers, deps.clock.now());
    attempt.keep({ sightings });
    // The end does not wait for the audit log: what nobody can be named for is told as it is.
    const about = { intent, by: recognitionOf(deps, intent), outOfPatience: () => true };
    const judged = await judgeNewcomers(this.graph, certain(sightings, newcomers), about);
    if (!judged.ok) throw this.failed(judged.failure);
    attempt.keep({
      settled: [...settled, ...judged.value.settled].slice(-500),
      findings: merged(findings, judged.value.findings),
    });
  }

  private tell(finding: Finding): void {
    const { findings } = this.attempt.details;
    this.attempt.keep({ findings: merged(findings, [finding]), unknown_since: null });
  }
}

const foreign = ({ id }: Assignment, who: string): Finding => ({
  code: 'foreign_assignment',
  detail: `assignment ${id} of the same principal and role stands and is left alone: ${who}`,
});
