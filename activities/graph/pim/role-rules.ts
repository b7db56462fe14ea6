import { z } from 'zod';

import type { Tuple } from '../../../domain/intent.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { pimTuple } from './pim-family.js';
import { quoted } from './pim-wire.js';

/** What a role's PIM policy says about active assignments made by an administrator. Durations in seconds; null = no limit. */
export interface RoleRules {
  readonly max_active_seconds: number | null;
  readonly enabled_rules: readonly string[];
}

const assignmentSchema = z.object({
  policyId: z.string().nullish(),
  policy: z
    .object({
      rules: z
        .array(
          z.object({
            id: z.string(),
            isExpirationRequired: z.boolean().nullish(),
            maximumDuration: z.string().nullish(),
            enabledRules: z.array(z.string()).nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

/**
 * The rules in force for a role, or for membership of a group; null when Graph has none for it. Rule ids as in the PIM rules
 * overview of Graph's docs.
 */
export async function readPimRules(graph: GraphSession, tuple: Tuple): Promise<GraphAnswer<RoleRules | null>> {
  const $filter = ruleFilter(tuple);
  const query = { $filter, $expand: 'policy($expand=rules)' };
  const answer = await graph.readAll('/policies/roleManagementPolicyAssignments', assignmentSchema, query);
  if (!answer.ok) return answer;
  const rules = answer.value[0]?.policy?.rules;
  if (rules === undefined || rules === null) return { ok: true, value: null };
  const expiration = rules.find(({ id }) => id === 'Expiration_Admin_Assignment');
  const enablement = rules.find(({ id }) => id === 'Enablement_Admin_Assignment');
  const most = expiration?.isExpirationRequired === true ? expiration.maximumDuration : undefined;
  // A duration that cannot be read allows nothing: better refused here than by PIM after the approvals.
  const max_active_seconds = most === undefined || most === null ? null : (isoSeconds(most) ?? 0);
  return { ok: true, value: { max_active_seconds, enabled_rules: enablement?.enabledRules ?? [] } };
}

/** Each group has settings of its own, for members and for owners. */
function ruleFilter(tuple: Tuple): string {
  if ('group_id' in tuple)
    return `scopeId eq ${quoted(tuple.group_id)} and scopeType eq 'Group' and roleDefinitionId eq 'member'`;
  const { role_template_id } = pimTuple(tuple);
  return `scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq ${quoted(role_template_id)}`;
}

const DURATION = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/;

/** Seconds of an ISO 8601 duration in days and time ("PT8H", "P180D"); undefined for anything else ("P1H", "P1M"). */
export function isoSeconds(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}
