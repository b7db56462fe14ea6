import { isDeepStrictEqual } from 'node:util';

import { Context } from '@temporalio/activity';
import { z } from 'zod';

import { receiptSchema } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import type { EffectTasks } from '../../domain/tasks.js';
import type { ToolInput } from '../../domain/tool-call.js';
import { readEntry, type RoleKeys } from '../../proofs/receipt.js';
import { assignmentIntent } from '../graph/assignment/assignment-intent.js';
import { readStanding } from '../graph/assignment/assignments.js';
import { Attempt } from '../graph/attempt.js';
import { openSession } from '../graph/effect-deps.js';
import { admittedGrant } from '../graph/grant/admitted-grant.js';
import { passGate, type GateDeps } from '../graph/grant/grant-gate.js';
import { NEXT_READ_MS } from '../graph/reading.js';
import { backoffMs, toApplicationFailure, waitFor } from '../graph/wire/graph-error.js';
import { refused, removed, withheldFrom } from './change-told.js';
import type { Answered, Verb } from './tool-deps.js';

/** What the tools of plain assignments judge and act by. */
export interface AssignmentTools {
  /** Of the ceremony's own grant; it looks the end mark up. */
  readonly gate: GateDeps;
  readonly tasks: Pick<EffectTasks, 'rollback'>;
  readonly roleKeys: RoleKeys;
}

/** Reads, apart, that must show nothing before a job is told that nothing stands. */
const ABSENT_READS = 2;
const progressSchema = z.object({ absent_reads: z.number().int() });

/**
 * Says whether what the ceremony assigned still stands, and never assigns: Graph keeps no mark of who made an assignment and
 * no word of one that was removed, so whatever a job made would be taken for somebody else's, or be made a second time.
 */
export const writeRoleAssignment =
  ({ gate, roleKeys }: AssignmentTools): Verb =>
  async ({ input, signed }) => {
    const { evidence, warrant = null } = input;
    if (evidence === undefined) return withheldFrom(input);
    const given = { signed, evidence, warrant, first: false };
    const outcome = await passGate(gate, Context.current(), given, async (): Promise<Answered> => {
      const made = madeId(input, signed.intent, roleKeys);
      return made === undefined ? NOT_GRANTED : lookForMade(gate, signed.intent, made);
    });
    if ('ok' in outcome) return outcome;
    if (outcome.outcome === 'refused') return refused(outcome.code, outcome.message);
    return refused('warrant_expired', 'the warrant was over before the provider was asked: try again');
  };

/**
 * The reseal's own removal, of the very assignment that this role says it made for the event, and of no other: after an end
 * mark the ceremony removes it by itself, and what stands later may be another's.
 */
export const removeRoleAssignment =
  ({ gate, tasks, roleKeys }: AssignmentTools): Verb =>
  async ({ input, signed }) => {
    const { event_id } = signed.intent;
    const cause = await gate.endMark?.(event_id).catch(() => {
      throw waitFor('end_mark_unread', "the authority's journal cannot be read: look again", NEXT_READ_MS);
    });
    if (cause !== undefined)
      return refused('end_mark_stands', `an end mark stands (${cause}): the ceremony removes it by itself`);
    const made_id = madeId(input, signed.intent, roleKeys);
    if (made_id === undefined) return NOT_GRANTED;
    return removed(await tasks.rollback({ signed, round: 1, made_id }));
  };

const NOT_GRANTED = refused(
  'not_granted',
  'no receipt says that this ceremony assigned anything: wait until it is active',
);

/** What Graph called the assignment, by this role's own signed entry. Arguments are anybody's: never throws. */
function madeId({ made }: ToolInput, { event_id, tuple }: Intent, roleKeys: RoleKeys): string | undefined {
  const receipt = receiptSchema.safeParse(made);
  const read = receipt.success ? readEntry(receipt.data.envelope, event_id, roleKeys) : undefined;
  if (read?.ok !== true || read.entry.type !== 'granted') return undefined;
  const { tuple: of, provider_request_id: id } = read.entry.data;
  return isDeepStrictEqual(of, tuple) && typeof id === 'string' && id !== '' ? id : undefined;
}

function lookForMade(deps: GateDeps, intent: Intent, made: string): Promise<Answered> {
  return Attempt.run(progressSchema, { absent_reads: 0 }, async (attempt) => {
    const { tuple } = assignmentIntent(intent);
    const graph = openSession(deps, tuple.tenant_id, attempt);
    const read = await readStanding(graph, tuple);
    if (!read.ok) throw toApplicationFailure(read.failure, backoffMs(read.failure, attempt.number));
    const standing = read.value;
    if (standing === null) {
      const absent_reads = attempt.details.absent_reads + 1;
      if (absent_reads >= ABSENT_READS) return refused('already_removed', 'what was assigned does not stand any more');
      attempt.keep({ absent_reads });
      throw waitFor('assignment_not_seen', 'looking again before saying that nothing stands', NEXT_READ_MS);
    }
    if (standing.id !== made) return refused('foreign_assignment', 'what stands is not what this ceremony assigned');
    const result = {
      stands: true,
      provider_request_id: standing.id,
      provider_status: 'Assigned',
      ends_at: null,
      adopted: true,
    };
    const calls = {
      attempt: attempt.number,
      client_request_ids: [...graph.clientRequestIds],
      application_id: deps.access.applicationId(tuple.tenant_id),
      warrant_id: admittedGrant().warrant.jti,
    };
    return { ok: true, result, data: { ...result, ...calls } };
  });
}
