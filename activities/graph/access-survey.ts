import { z } from 'zod';

import { nameOf, targetOf } from '../../domain/effects/effects.js';
import type { EntryPayload } from '../../domain/entry.js';
import { reachOf } from '../../domain/effective-policy.js';
import { instant } from '../../domain/identifiers.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { protectedTarget, toldPolicy } from './access-deps.js';
import { keysOf } from './access-differences.js';
import { accessTarget } from './access-intent.js';
import { readAccessPolicy, type AccessPolicy } from './access-policy.js';
import { Attempt } from './attempt.js';
import { openSession, type GraphDeps } from './effect-deps.js';
import { toApplicationFailure, type GraphFailure } from './graph-error.js';
import type { GraphAnswer, GraphSession } from './graph-session.js';
import { readFailed } from './reading.js';

/** What was just made may not have reached the replica that answers. */
const MISSING_READS = 4;
const AGAIN_MS = 5_000;
const MAX_EXCLUDED = 4_000;

const progressSchema = z.object({
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
const userSchema = z.object({ userPrincipalName: z.string().nullish(), accountEnabled: z.boolean().nullish() });

type Input = Parameters<VerifierTasks['survey']>[0];
type Refused = { code: string; message: string };

/** Reads principal and policy before anybody approves: both are what the request says, and the change would change something. */
export function surveyAccess(deps: GraphDeps): VerifierTasks['survey'] {
  return (input) =>
    Attempt.run(progressSchema, { missing_reads: 0, client_request_ids: [] }, async (attempt) => {
      const graph = openSession(deps, input.request.effect.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      /** Of what Graph does not know: undefined once it has been missing often enough to be called so. */
      const value = <T>(answer: GraphAnswer<T>): T | undefined => {
        if (answer.ok) return answer.value;
        attempt.keep({ client_request_ids: ids() });
        if (answer.failure.kind !== 'not_found') throw readFailed(answer.failure, attempt);
        return missing(answer.failure);
      };
      const missing = (failure: GraphFailure): undefined => {
        const missing_reads = attempt.details.missing_reads + 1;
        if (missing_reads >= MISSING_READS) return undefined;
        attempt.keep({ missing_reads });
        throw toApplicationFailure(failure, AGAIN_MS);
      };
      const told = (data: Record<string, unknown>) =>
        receipt(deps, input, { ...data, attempt: attempt.number, client_request_ids: ids() });
      const found = await look(deps, graph, input, value);
      if ('code' in found) return { outcome: 'refused', ...found, receipt: told({ outcome: 'refused', ...found }) };
      const survey = { holders: keysOf(found).sort(), principal_assignments: [] };
      const data = { outcome: 'surveyed', survey_digest: digestOf(survey), policy: toldPolicy(found) };
      return { outcome: 'surveyed', survey, receipt: told(data) };
    });
}

async function look(
  deps: GraphDeps,
  graph: GraphSession,
  { request }: Input,
  value: <T>(answer: GraphAnswer<T>) => T | undefined,
): Promise<AccessPolicy | Refused> {
  const { effect, principal } = request;
  const { tuple, toggle } = accessTarget(targetOf(effect, principal.object_id));
  const untouchable = protectedTarget(deps, tuple);
  if (untouchable !== undefined) return untouchable;
  const query = { $select: 'id,userPrincipalName,accountEnabled' };
  const user = value(await graph.read(`/users/${encodeURIComponent(principal.object_id)}`, userSchema, query));
  if (user === undefined)
    return { code: 'principal_not_found', message: `the directory has no user ${principal.object_id}` };
  if (user.userPrincipalName?.toLowerCase() !== principal.upn.toLowerCase())
    return { code: 'principal_upn_differs', message: `user ${principal.object_id} is not ${principal.upn}` };
  if (user.accountEnabled === false) return { code: 'principal_disabled', message: `${principal.upn} is disabled` };
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

function receipt(deps: GraphDeps, { request, request_digest }: Input, data: Record<string, unknown>) {
  const { kind: _, end_sessions: __, ...target } = request.effect;
  const payload: EntryPayload = {
    schema: 'reseal.entry.v1',
    event_id: request.event_id,
    transition: 'surveyed',
    type: 'surveyed',
    at: instant(deps.clock.now()),
    data: { request_digest, principal_id: request.principal.object_id, target, ...data },
  };
  return deps.sign(payload);
}
