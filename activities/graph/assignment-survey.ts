import { z } from 'zod';

import { nameOf, targetOf, toolsOfKind } from '../../domain/effects/effects.js';
import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { Survey } from '../../domain/outcomes.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { assignmentTuple } from './assignment-intent.js';
import { isHeldBy, readAssignments } from './assignments.js';
import { Attempt } from './attempt.js';
import { openSession, type GraphDeps } from './effect-deps.js';
import { callsTold } from './graph-call.js';
import { toApplicationFailure, type GraphFailure } from './graph-error.js';
import type { GraphAnswer, GraphSession } from './graph-session.js';
import { quoted, ROLE_DEFINITIONS } from './pim-wire.js';
import { readFailed } from './reading.js';

/** A principal that was just created may not have reached the replica that answers. */
const MISSING_READS = 4;
const AGAIN_MS = 5_000;
const MAX_HOLDINGS = 5000;

const progressSchema = z.object({
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
const userSchema = z.object({ userPrincipalName: z.string().nullish(), accountEnabled: z.boolean().nullish() });
const roleSchema = z.object({ id: z.string().toLowerCase(), displayName: z.string().nullish() });

type Input = Parameters<VerifierTasks['survey']>[0];
type Refused = { code: string; message: string };

/** Reads principal and role before anybody approves: both are what the request says, and nothing stands there yet. */
export function surveyAssignment(deps: GraphDeps): VerifierTasks['survey'] {
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
      const counts = { holders: found.holders.length, principal_assignments: found.principal_assignments.length };
      const data = { outcome: 'surveyed', survey_digest: digestOf(found), ...counts };
      return { outcome: 'surveyed', survey: found, receipt: told(data) };
    });
}

async function look(
  deps: GraphDeps,
  graph: GraphSession,
  { request }: Input,
  value: <T>(answer: GraphAnswer<T>) => T | undefined,
): Promise<Survey | Refused> {
  const { effect, principal } = request;
  const tuple = assignmentTuple(targetOf(effect, principal.object_id));
  if (deps.protectedIds.has(principal.object_id))
    return { code: 'principal_protected', message: `${principal.upn} is protected: no ceremony may touch it` };
  const query = { $select: 'id,userPrincipalName,accountEnabled' };
  const user = value(await graph.read(`/users/${encodeURIComponent(principal.object_id)}`, userSchema, query));
  if (user === undefined)
    return { code: 'principal_not_found', message: `the directory has no user ${principal.object_id}` };
  if (user.userPrincipalName?.toLowerCase() !== principal.upn.toLowerCase())
    return { code: 'principal_upn_differs', message: `user ${principal.object_id} is not ${principal.upn}` };
  if (user.accountEnabled === false) return { code: 'principal_disabled', message: `${principal.upn} is disabled` };
  const template = tuple.assigned_role_template_id;
  const $filter = `templateId eq ${quoted(template)}`;
  const roles = value(await graph.readAll(ROLE_DEFINITIONS, roleSchema, { $filter }));
  const role = roles?.[0];
  if (role === undefined)
    return { code: 'role_not_found', message: `the directory has no role with template ${template}` };
  if (role.displayName !== nameOf(effect))
    return { code: 'role_name_differs', message: `role ${template} is not called ${nameOf(effect)}` };
  // Assignments come back under the directory's own id: only where both are equal can they be told apart.
  if (role.id !== template)
    return { code: 'role_not_addressable', message: `role ${nameOf(effect)} has another id than its template` };
  const holdings = value(await readAssignments(graph, tuple));
  if (holdings === undefined) return { code: 'role_not_found', message: 'the directory knows no role assignments' };
  if (holdings.principal.some((held) => isHeldBy(held, tuple)))
    return {
      code: 'foreign_assignment',
      message: `${principal.upn} has ${nameOf(effect)} already: it would be taken away with ours`,
    };
  const keys = (held: typeof holdings.holders): string[] => [...new Set(held.map(({ key }) => key))].sort();
  const survey = { holders: keys(holdings.holders), principal_assignments: keys(holdings.principal) };
  if (Math.max(survey.holders.length, survey.principal_assignments.length) > MAX_HOLDINGS)
    return { code: 'too_many_assignments', message: `more than ${MAX_HOLDINGS} assignments to compare with` };
  return survey;
}

function receipt(deps: GraphDeps, { request, request_digest }: Input, data: Record<string, unknown>) {
  const { kind, end_sessions: _, ...target } = request.effect;
  const about = { request_digest, principal_id: request.principal.object_id, target, tool: toolsOfKind(kind).read };
  const payload: EntryPayload = {
    schema: 'reseal.entry.v1',
    event_id: request.event_id,
    transition: 'surveyed',
    type: 'surveyed',
    at: instant(deps.clock.now()),
    data: { ...about, ...callsTold(), ...data },
  };
  return deps.sign(payload);
}
