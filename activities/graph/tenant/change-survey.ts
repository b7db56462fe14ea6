import { z } from 'zod';

import type { EntryPayload, Receipt } from '../../../domain/entry.js';
import { instant } from '../../../domain/identifiers.js';
import type { Survey, SurveyOutcome } from '../../../domain/outcomes.js';
import type { Request } from '../../../domain/request.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { Attempt } from '../attempt.js';
import { openSession, type GraphDeps } from '../effect-deps.js';
import { toApplicationFailure } from '../wire/graph-error.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { readFailed } from '../reading.js';

/** What was just made may not have reached the replica that answers. */
const MISSING_READS = 4;
const AGAIN_MS = 5_000;

const progressSchema = z.object({
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
const userSchema = z.object({ userPrincipalName: z.string().nullish(), accountEnabled: z.boolean().nullish() });

export type SurveyInput = Parameters<VerifierTasks['survey']>[0];
/** Why nothing may be granted. */
export type SurveyRefused = { code: string; message: string };
/** Of what Graph does not know: undefined once it has been missing often enough to be called so. */
export type Valued = <T>(answer: GraphAnswer<T>) => T | undefined;

/** How one kind without PIM is surveyed. */
export interface ChangeSurvey {
  look: (
    graph: GraphSession,
    input: SurveyInput,
    value: Valued,
  ) => Promise<{ survey: Survey; data: Record<string, unknown> } | SurveyRefused>;
  /** What the entry says besides, whatever came of it. */
  about: (input: SurveyInput) => Record<string, unknown>;
}

/** Reads, before anybody approves, whether all is what the request says. */
export function surveyChange(deps: GraphDeps, { look, about }: ChangeSurvey): VerifierTasks['survey'] {
  return (input) =>
    Attempt.run(
      progressSchema,
      { missing_reads: 0, client_request_ids: [] },
      async (attempt): Promise<SurveyOutcome> => {
        const graph = openSession(deps, input.request.effect.tenant_id, attempt);
        const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
        const value: Valued = (answer) => {
          if (answer.ok) return answer.value;
          attempt.keep({ client_request_ids: ids() });
          if (answer.failure.kind !== 'not_found') throw readFailed(answer.failure, attempt);
          const missing_reads = attempt.details.missing_reads + 1;
          if (missing_reads >= MISSING_READS) return undefined;
          attempt.keep({ missing_reads });
          throw toApplicationFailure(answer.failure, AGAIN_MS);
        };
        const told = (data: Record<string, unknown>): Receipt =>
          surveyed(deps, input, {
            ...about(input),
            ...data,
            attempt: attempt.number,
            client_request_ids: ids(),
          });
        const found = await look(graph, input, value);
        if ('code' in found) return { outcome: 'refused', ...found, receipt: told({ outcome: 'refused', ...found }) };
        const { survey, data } = found;
        return {
          outcome: 'surveyed',
          survey,
          receipt: told({ outcome: 'surveyed', survey_digest: digestOf(survey), ...data }),
        };
      },
    );
}

/** Why the principal is not whom the request says, or undefined. */
export async function principalRefusal(
  graph: GraphSession,
  { object_id, upn }: Request['principal'],
  value: Valued,
): Promise<SurveyRefused | undefined> {
  const query = { $select: 'id,userPrincipalName,accountEnabled' };
  const user = value(await graph.read(`/users/${encodeURIComponent(object_id)}`, userSchema, query));
  if (user === undefined) return { code: 'principal_not_found', message: `the directory has no user ${object_id}` };
  if (user.userPrincipalName?.toLowerCase() !== upn.toLowerCase())
    return { code: 'principal_upn_differs', message: `user ${object_id} is not ${upn}` };
  if (user.accountEnabled === false) return { code: 'principal_disabled', message: `${upn} is disabled` };
  return undefined;
}

function surveyed(deps: GraphDeps, { request, request_digest }: SurveyInput, data: Record<string, unknown>): Receipt {
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
