import type { WorkflowExecutionDescription } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import type { DecidableEvent } from '../../domain/decide.js';
import type { DoubtCode } from '../../domain/decision.js';
import { ceremonyWorkflowId, eventIdSchema, guidSchema, instant, instantSchema } from '../../domain/identifiers.js';
import { QUORUM_KINDS } from '../../domain/quorum.js';
import type { CeremonyView } from '../../domain/view.js';
import { timeThere } from './workflow-place.js';
import type { WorkflowReader } from './workflow-reader.js';

/** What a decision looks at in a view. A workflow's answer is anybody's words: what does not parse is no answer. */
const seenSchema = z.object({
  event_id: eventIdSchema,
  profile: z.string().max(64).nullable(),
  principal_id: guidSchema.nullable(),
  state: z.enum([...PHASES, ...ENDS]),
  quorum: z.enum(QUORUM_KINDS).nullable(),
  approvals_wanted: z.number().int().nullable(),
  expires_at: instantSchema.nullable(),
  tenant_id: guidSchema.nullable(),
  role: z.string().max(200).nullable(),
  directory_scope_id: z.string().max(200).nullable(),
});

/** How long statements that were sent before may take to be heard, in milliseconds. */
const PATIENCE_MS = 5_000;
const POLL_MS = 100;

/**
 * A ceremony as its own workflow tells it now. `known` is what somebody else says of it (the register's row, or the
 * request), shown where the workflow does not answer: then, and where a statement still waits to be heard, the doubt says
 * so. Whatever was sent before this was called has been heard when there is no doubt: a kill that was taken is never
 * overtaken.
 *
 * @throws {ResealError} `temporal_unreachable`.
 */
export async function witness(
  reader: WorkflowReader,
  known: CeremonyView,
  options: { nowMs: number; patienceMs?: number },
): Promise<DecidableEvent> {
  const { event_id } = known;
  const giveUpAt = performance.now() + (options.patienceMs ?? PATIENCE_MS);
  for (;;) {
    const found = await reader.describe(event_id);
    const now = instant((found && timeThere(found)) ?? options.nowMs);
    const doubt = (code: DoubtCode, message: string): DecidableEvent => doubtful(known, now, { code, message });
    // A closed or paused workflow still answers queries, out of a history in which nothing ends the grant any more.
    if (found?.status.name !== 'RUNNING')
      return doubt('workflow_lost', 'has no running workflow: it is ended by the reconciler, or has just ended');
    const behind = whatIsBehind(found);
    if (behind !== undefined) {
      if (performance.now() >= giveUpAt) return doubt(...behind);
      await sleep(POLL_MS);
      continue;
    }
    const seen = seenSchema.safeParse(await reader.query(ceremonyWorkflowId(event_id), 'view'));
    if (!seen.success || seen.data.event_id !== event_id) return doubt(...NOT_ANSWERING);
    return { ...seen.data, object_id: null, now, proof: 'workflow', doubt: null };
  }
}

/** What is known of a ceremony whose workflow cannot be believed. */
function doubtful(
  { event_id, profile, principal_id, state, approvals_wanted, tenant_id, role, directory_scope_id }: CeremonyView,
  now: string,
  doubt: { code: DoubtCode; message: string },
): DecidableEvent {
  const target = { tenant_id, role, directory_scope_id, object_id: null };
  const rest = { quorum: null, expires_at: null, now, proof: 'workflow' as const, doubt };
  return { event_id, profile, principal_id, state, approvals_wanted, ...target, ...rest };
}

const NOT_ANSWERING: [DoubtCode, string] = [
  'not_answering',
  'does not answer: no worker runs it, or it is busy. Nobody knows whether it still stands',
];

/**
 * What was sent and has not been judged yet: the workflow has not looked at it, or its signature is being checked. Asked
 * before the view, so that a view that is then given knows of all that was sent before.
 */
function whatIsBehind({ raw }: WorkflowExecutionDescription): [DoubtCode, string] | undefined {
  if (raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'check') === true)
    return ['statements_unheard', 'is judging statements that were sent to it: try again'];
  return (raw.pendingWorkflowTask ?? null) === null ? undefined : NOT_ANSWERING;
}
