import type { EffectTasks } from '../../../domain/tasks.js';
import type { Attempt } from '../attempt.js';
import type { GraphDeps } from '../effect-deps.js';
import type { AdmittedGrant } from '../grant/admitted-grant.js';
import type { ApplyProgress } from '../grant/apply-progress.js';
import { GrantAttempt } from '../grant/grant-attempt.js';
import { pimFamily, type PimFamily } from './pim-family.js';

/** One attempt to grant or extend what PIM keeps: a directory role, or membership of a group. */
export abstract class RoleGrantAttempt extends GrantAttempt {
  protected readonly pim: PimFamily;

  constructor(
    deps: GraphDeps,
    protected readonly input: Parameters<EffectTasks['apply']>[0],
    attempt: Attempt<ApplyProgress>,
    admitted: AdmittedGrant,
  ) {
    super(deps, input.signed.intent, input.first, attempt, admitted);
    this.pim = pimFamily(input.signed.intent.tuple);
  }
}
