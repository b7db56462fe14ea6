import { z } from 'zod';

import { epochMs, instant } from '../../../domain/identifiers.js';
import type { IntentOf } from '../../../domain/intent.js';
import { findingSchema, type AbsenceOutcome, type Finding } from '../../../domain/outcomes.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { ABSENT_READS, absenceRunSchema, count, isConfirmed, nextReadIn, NOTHING_READ } from '../absence-run.js';
import { assignmentIntent } from './assignment-intent.js';
import { makerOf, readMembershipChanges } from './assignment-log.js';
import { readAssignments, readStanding, type Assignment } from './assignments.js';
import { Attempt } from '../attempt.js';
import { disowned, openSession, receiptOf, type GraphDeps } from '../effect-deps.js';
import { waitFor, type GraphFailure } from '../wire/graph-error.js';
import type { GraphSession } from '../wire/graph-session.js';
import { certain, newcomersTo, sight, sightingsSchema } from '../tenant/newcomers.js';
import { judgeNewcomers, keepApart, NEXT_READ_MS, readFailed, recognitionOf } from '../reading.js';

/** The audit log, which alone names who assigned a role, is minutes late. */
const UNKNOWN_PATIENCE_MS = 10 * 60_000;
const UNKNOWN_POLL_MS = 30_000;

const progressSchema = z.object({
  run: absenceRunSchema,
  /** Since when one stands of which nobody can say who made it, epoch ms. */
  unknown_since: z.number().nullable(),
  sightings: sightingsSchema,
  findings: z.array(findingSchema).max(64),
  /** Newcomers that were told or explained. */
  settled: z.array(z.string()).max(500),
  client_request_ids: z.array(z.string()).max(64),
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

type Input = Parameters<VerifierTasks['verifyRolledBack']>[0];

/**
 * Sees with the second identity that the assignment is gone: five agreeing reads, and not before the settle window is over.
 * What stands by another's hand, as the directory's audit log says, is told and left; what may be ours is `present`, and will
 * be removed again.
 */
export function verifyAssignmentRolledBack(deps: GraphDeps): VerifierTasks['verifyRolledBack'] {
  return (input) =>
    Attempt.run(progressSchema, NOTHING, async (attempt) => {
      const none = disowned(input, deps, attempt.number);
      if (none !== undefined) return none;
      return new AbsenceCheck(deps, input, assignmentIntent(input.signed.intent), attempt).look();
    });
}

class AbsenceCheck {
  private readonly graph: GraphSession;

  constructor(
    private readonly deps: GraphDeps,
    private readonly input: Input,
    private readonly intent: IntentOf<'entra.role_assignment'>,
    private readonly attempt: Attempt<Progress>,
  ) {
    this.graph = openSession(deps, intent.tuple.tenant_id, attempt);
  }

  async look(): Promise<AbsenceOutcome> {
    const { deps, attempt, input } = this;
    keepApart(attempt.details.run.last_at, deps.clock.now());
    const read = await readStanding(this.graph, this.intent.tuple);
    if (!read.ok) throw this.failed(read.failure);
    const present = read.value !== null && (await this.mayBeOurs(read.value));
    const now = deps.clock.now();
    const run = count(attempt.details.run, present, now);
    if (run.present >= input.patience) return this.present(now, run.present);
    // What else has changed is read only when the answer is near: two reads must show a newcomer before it is told.
    if (run.absent >= ABSENT_READS - 1 && input.survey !== null) await this.compare(input.survey);
    attempt.keep({ run, client_request_ids: this.clientRequestIds() });
    const settleUntil = input.settle_until === null ? null : epochMs(input.settle_until);
    if (isConfirmed(run, settleUntil, now)) return this.absent(now);
    const word = present ? `present ${run.present} of ${input.patience}` : `absent ${run.absent} of ${ABSENT_READS}`;
    throw waitFor('not_yet_agreed', word, nextReadIn(run, settleUntil, now, NEXT_READ_MS));
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

  private async compare(survey: NonNullable<Input['survey']>): Promise<void> {
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

  private absent(now: number): AbsenceOutcome {
    const { run, findings } = this.attempt.details;
    const { settle_until, round } = this.input;
    const observed_at = instant(run.first_absent_at ?? now);
    const confirmed_at = instant(now);
    const reads = run.absent_at.map((at) => ({ at: instant(at), absent: true }));
    const times = { observed_at, confirmed_at, settle_until };
    const data = { ...times, round, reads, reads_agreeing: run.absent, findings, ...this.calls() };
    const receipt = receiptOf(this.deps, this.intent, { type: 'confirmed', transition: 'confirmed', data });
    return { outcome: 'absent', observed_at, confirmed_at, findings, receipt };
  }

  private present(now: number, reads: number): AbsenceOutcome {
    const { round } = this.input;
    const { findings } = this.attempt.details;
    const data = { round, present_reads: reads, findings, ...this.calls() };
    const entry = { type: 'reappeared' as const, transition: `reappeared/${round}` };
    const receipt = receiptOf(this.deps, this.intent, { ...entry, data });
    return { outcome: 'present', at: instant(now), receipt };
  }

  private calls(): Record<string, unknown> {
    return { attempt: this.attempt.number, client_request_ids: this.clientRequestIds() };
  }

  private failed(failure: GraphFailure): Error {
    this.attempt.keep({ client_request_ids: this.clientRequestIds() });
    return readFailed(failure, this.attempt);
  }

  private clientRequestIds(): string[] {
    return [...this.attempt.details.client_request_ids, ...this.graph.clientRequestIds].slice(-64);
  }
}

const foreign = ({ id }: Assignment, who: string): Finding => ({
  code: 'foreign_assignment',
  detail: `assignment ${id} of the same principal and role stands and is left alone: ${who}`,
});

function merged(known: readonly Finding[], more: readonly Finding[]): Finding[] {
  const fresh = more.filter((one) => !known.some(({ code, detail }) => code === one.code && detail === one.detail));
  return [...known, ...fresh].slice(0, 64);
}
