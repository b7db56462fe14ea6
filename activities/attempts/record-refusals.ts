import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

import { refusalIn, refusalInError } from '../../domain/attempt.js';
import { eventIdSchema } from '../../domain/identifiers.js';
import { canonicalJson, sha256Hex } from '../../proofs/canonical-json.js';
import type { AttemptsLedger, Refused } from './attempts-ledger.js';

/**
 * What stands before everything else of a role: whatever its activities and gates refuse is in its ledger of attempts before
 * whoever asked has the answer. It changes no answer.
 */
export const recordRefusals =
  (ledger: Pick<AttemptsLedger, 'record'>): ActivityInterceptorsFactory =>
  (context) => ({
    inbound: {
      execute: async (input, next) => {
        const record = async (code: string | undefined): Promise<void> => {
          if (code !== undefined) await ledger.record(refusedTo(context, input.args[0], code));
        };
        try {
          const answer: unknown = await next(input);
          await record(refusalIn(answer));
          return answer;
        } catch (error) {
          await record(refusalInError(error));
          throw error;
        }
      },
    },
  });

function refusedTo({ info }: Context, input: unknown, code: string): Refused {
  return {
    activity: info.activityType,
    workflow_id: info.workflowExecution?.workflowId ?? '',
    workflow_type: info.workflowType ?? '',
    event_id: eventIn(input),
    code,
    input_digest: digestOrNull(input),
  };
}

/** The event of the input itself or of the intent that it carries; whether it is so is not looked at. */
function eventIn(input: unknown): string | null {
  if (typeof input !== 'object' || input === null) return null;
  const { event_id, signed } = input as {
    event_id?: unknown;
    signed?: { intent?: { event_id?: unknown } | null } | null;
  };
  for (const said of [event_id, signed?.intent?.event_id]) {
    const parsed = eventIdSchema.safeParse(said);
    if (parsed.success) return parsed.data;
  }
  return null;
}

function digestOrNull(input: unknown): string | null {
  try {
    return sha256Hex(canonicalJson(input));
  } catch {
    return null;
  }
}
