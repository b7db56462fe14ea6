import { nameOf, targetOf } from '../../../domain/effects/effects.js';
import { reachOf } from '../../../domain/effective-policy.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { protectedTarget, toldPolicy } from './access-deps.js';
import { keysOf } from './access-differences.js';
import { accessTarget } from './access-intent.js';
import { readAccessPolicy, type AccessPolicy } from './access-policy.js';
import {
  principalRefusal,
  surveyChange,
  type SurveyInput,
  type SurveyRefused,
  type Valued,
} from '../tenant/change-survey.js';
import type { GraphDeps } from '../effect-deps.js';
import type { GraphSession } from '../wire/graph-session.js';

const MAX_EXCLUDED = 4_000;

/** Reads principal and policy before anybody approves: both are what the request says, and the change would change something. */
export const surveyAccess = (deps: GraphDeps): VerifierTasks['survey'] =>
  surveyChange(deps, {
    look: async (graph, input, value) => {
      const found = await look(deps, graph, input, value);
      if ('code' in found) return found;
      return {
        survey: { holders: keysOf(found).sort(), principal_assignments: [] },
        data: { policy: toldPolicy(found) },
      };
    },
    about: () => ({}),
  });

async function look(
  deps: GraphDeps,
  graph: GraphSession,
  { request }: SurveyInput,
  value: Valued,
): Promise<AccessPolicy | SurveyRefused> {
  const { effect, principal } = request;
  const { tuple, toggle } = accessTarget(targetOf(effect, principal.object_id));
  const untouchable = protectedTarget(deps, tuple);
  if (untouchable !== undefined) return untouchable;
  const nobody = await principalRefusal(graph, principal, value);
  if (nobody !== undefined) return nobody;
  const policy = value(await readAccessPolicy(graph, tuple.policy_id));
  if (policy === undefined)
    return { code: 'policy_not_found', message: `the tenant has no Conditional Access policy ${tuple.policy_id}` };
  if (!('policy_name' in effect) || policy.name !== effect.policy_name)
    return { code: 'policy_name_differs', message: `policy ${tuple.policy_id} is not called ${nameOf(effect)}` };
  if (policy.reach.exclude_users.length > MAX_EXCLUDED)
    return { code: 'too_many_excluded', message: `the policy leaves out more than ${MAX_EXCLUDED} users by name` };
  const unfit = toggle.unfit(policy);
  if (unfit !== undefined) return unfit;
  const reach = reachOf(policy.reach, principal.object_id);
  if (reach.holds === 'no')
    return { code: 'policy_does_not_hold', message: `it holds ${principal.upn} back from nothing: ${reach.because}` };
  return policy;
}
