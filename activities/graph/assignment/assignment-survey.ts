import { z } from 'zod';

import { nameOf, targetOf, toolsOfKind } from '../../../domain/effects/effects.js';
import type { Survey } from '../../../domain/outcomes.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { assignmentTuple } from './assignment-intent.js';
import { isHeldBy, readAssignments } from './assignments.js';
import {
  principalRefusal,
  surveyChange,
  type SurveyInput,
  type SurveyRefused,
  type Valued,
} from '../tenant/change-survey.js';
import type { GraphDeps } from '../effect-deps.js';
import { callsTold } from '../wire/graph-call.js';
import type { GraphSession } from '../wire/graph-session.js';
import { quoted, ROLE_DEFINITIONS } from '../pim/pim-wire.js';

const MAX_HOLDINGS = 5000;

const roleSchema = z.object({ id: z.string().toLowerCase(), displayName: z.string().nullish() });

/** Reads principal and role before anybody approves: both are what the request says, and nothing stands there yet. */
export const surveyAssignment = (deps: GraphDeps): VerifierTasks['survey'] =>
  surveyChange(deps, {
    look: async (graph, input, value) => {
      const survey = await look(deps, graph, input, value);
      if ('code' in survey) return survey;
      const { holders, principal_assignments } = survey;
      return { survey, data: { holders: holders.length, principal_assignments: principal_assignments.length } };
    },
    about: ({ request }) => ({ tool: toolsOfKind(request.effect.kind).read, ...callsTold() }),
  });

async function look(
  deps: GraphDeps,
  graph: GraphSession,
  { request }: SurveyInput,
  value: Valued,
): Promise<Survey | SurveyRefused> {
  const { effect, principal } = request;
  const tuple = assignmentTuple(targetOf(effect, principal.object_id));
  if (deps.protectedIds.has(principal.object_id))
    return { code: 'principal_protected', message: `${principal.upn} is protected: no ceremony may touch it` };
  const nobody = await principalRefusal(graph, principal, value);
  if (nobody !== undefined) return nobody;
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
