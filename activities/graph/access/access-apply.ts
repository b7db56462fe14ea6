import { epochMs } from '../../../domain/identifiers.js';
import type { ApplyOutcome } from '../../../domain/outcomes.js';
import type { EffectTasks } from '../../../domain/tasks.js';
import { protectedTarget, toldPolicy, turnOf, type AccessDeps } from './access-deps.js';
import { accessOf, type AccessIntent } from './access-intent.js';
import { KeptAccess } from './access-keep.js';
import { ACCESS_POLICIES, readAccessPolicy, type AccessPolicy } from './access-policy.js';
import type { Toggle } from './access-toggle.js';
import { admittedGrant, type AdmittedGrant } from '../grant/admitted-grant.js';
import { applyProgressSchema, NOTHING_APPLIED } from '../grant/apply-progress.js';
import { Attempt } from '../attempt.js';
import { clockRefusal } from '../wire/clock-check.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import { GrantAttempt } from '../grant/grant-attempt.js';
import { NEXT_READ_MS } from '../reading.js';
import { isSettled, NO_READS, reads, readsSchema } from '../settled-read.js';

/** A change that is made later than this before its deadline would be taken back at once. */
const LAST_CALL_MS = 60_000;

const progressSchema = applyProgressSchema.extend({ reads: readsSchema.default(NO_READS) });
type Progress = ReturnType<typeof progressSchema.parse>;

type Input = Parameters<EffectTasks['apply']>[0];

/**
 * Changes the policy, once the gate has admitted the attempt: read it until it has come to rest, then one PATCH of the one
 * member that is meant. What an earlier attempt may have written is adopted where it stands; what stood before any of ours
 * is somebody else's, and refuses.
 */
export function applyAccess(deps: AccessDeps): EffectTasks['apply'] {
  return (input) =>
    Attempt.run(progressSchema, { ...NOTHING_APPLIED, reads: NO_READS }, (attempt) => {
      const intent = accessOf(input.signed.intent);
      const grant = admittedGrant();
      // Graph keeps no end that a later round could move: it is read, and nothing is called.
      if (intent.intent.round > 1) return new KeptAccess(deps, input, attempt, grant).run();
      // Everything from the read to the write is one turn.
      return deps.turns.take(turnOf(intent.tuple), () => new Application(deps, input, intent, attempt, grant).run());
    });
}

class Application extends GrantAttempt {
  private readonly toggle: Toggle;

  constructor(
    protected override readonly deps: AccessDeps,
    input: Input,
    private readonly access: AccessIntent,
    protected override readonly attempt: Attempt<Progress>,
    admitted: AdmittedGrant,
  ) {
    super(deps, access.intent, input.first, attempt, admitted);
    this.toggle = access.toggle;
  }

  async run(): Promise<ApplyOutcome> {
    const { deps, attempt } = this;
    const { tuple } = this.access;
    const untouchable = protectedTarget(deps, tuple);
    if (untouchable !== undefined) return this.refuse(untouchable.code, untouchable.message);
    const read = await readAccessPolicy(this.graph, tuple.policy_id);
    if (!read.ok) return this.refused(read.failure, true);
    const policy = read.value;
    if (!this.chained && this.toggle.stands(policy)) return this.granted(policy, true);
    const now = deps.clock.now();
    const seen = reads(attempt.details.reads, policy, now);
    attempt.keep({ reads: seen, unknown_reads: 0 });
    const late = this.tooLate();
    if (late !== undefined) return late;
    if (!isSettled(seen, policy, now))
      throw this.later(waitFor('policy_read_once', 'a policy is read twice before it is written', NEXT_READ_MS), true);
    const unfit = this.toggle.unfit(policy);
    if (unfit !== undefined) return this.refuse(unfit.code, unfit.message);
    attempt.stopIfCancelled();
    const over = this.outOfWarrant();
    if (over !== undefined) return over;
    const off = clockRefusal(now, this.graph.serviceTime);
    if (off !== undefined) return this.refuse(off.code, off.message);
    attempt.keep({ posted: true });
    const path = `${ACCESS_POLICIES}/${encodeURIComponent(tuple.policy_id)}`;
    const answer = await this.graph.amend(path, this.toggle.set(policy));
    return answer.ok ? this.granted(policy, false) : this.refused(answer.failure, false);
  }

  private granted(policy: AccessPolicy, adopted: boolean): ApplyOutcome {
    const [provider_request_id, provider_status] = [this.graph.clientRequestIds.at(-1) ?? '', 'Written'];
    const data = { provider_request_id, provider_status, ends_at: null, adopted };
    // What was read right before the write; of an adopted one, what stands.
    const receipt = this.receipt('granted', { ...data, [adopted ? 'policy' : 'policy_before']: toldPolicy(policy) });
    return { outcome: 'granted', ...data, receipt };
  }

  private refused(failure: GraphFailure, reading: boolean): ApplyOutcome {
    const { attempt } = this;
    switch (failure.kind) {
      case 'ambiguous':
        throw this.later(toApplicationFailure(failure, backoffMs(failure, attempt.number)), reading);
      case 'not_sent':
      case 'throttled':
      case 'conflict':
        throw this.later(toApplicationFailure(failure, backoffMs(failure, attempt.number)), true);
      case 'not_found':
      case 'unauthenticated':
        return this.unknown(failure, NEXT_READ_MS);
      default:
        return this.refuse(failure.code, failure.said);
    }
  }

  private tooLate(): ApplyOutcome | undefined {
    const left = epochMs(this.intent.deadline) - this.deps.clock.now();
    if (left > LAST_CALL_MS) return undefined;
    return this.refuse('too_late', 'less than a minute is left: it would be taken back at once');
  }
}
