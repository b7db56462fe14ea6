import { randomBytes } from 'node:crypto';
import { isGrpcDeadlineError, WorkflowFailedError } from '@temporalio/client';
import { eventIdSchema } from '../../domain/identifiers.js';
import { jobStatementSchema } from '../../domain/job-statement.js';
import { jobAnswerSchema, type JobAnswer } from '../../domain/job-tasks.js';
import { TASK_QUEUES, TOOL_ROLES, type ToolRole } from '../../domain/roles.js';
import type { SignedStatement } from '../../domain/statement.js';
import { toolAnswerSchema, toolCallSchema, verbOf, type ToolAnswer } from '../../domain/tool-call.js';
import { claimedIn } from '../../proofs/compact-jws.js';
import { ResealError } from './reseal-error.js';
import { fromTemporal } from './temporal-error.js';
import type { WorkflowReader } from './workflow-reader.js';

/** How long the roles may take: activities are bounded, the ledger is waited for. */
const ANSWER_MS = 45_000;

/** One call of a tool as its caller sends it. */
export interface ToolRequest {
  tool: string;
  /** Any JSON object; its role says what is wrong with it. */
  body: Record<string, unknown>;
  token: string;
  proof: string;
}

/**
 * Has the authority judge a job's statement and give it a token. Asked again with the same statement it judges again.
 *
 * @throws {ResealError} `malformed`, `temporal_unreachable`, `no_answer`.
 */
export async function sendJob(reader: WorkflowReader, envelope: SignedStatement): Promise<JobAnswer> {
  const event_id = eventOf(envelope);
  const result = await run(reader, {
    type: 'job',
    workflowId: `job/${event_id}/${fresh()}`,
    args: [{ event_id, envelope }],
    staticSummary: `a job of ${event_id}`,
  });
  const answer = jobAnswerSchema.safeParse(result);
  if (answer.success) return answer.data;
  throw new ResealError('no_answer', `what the authority said to the job of ${event_id} cannot be read`);
}

/**
 * Has one tool called. Whose ledger is told follows from the token, unverified: the role verifies it. Never sent twice, since
 * a proof is good for one call.
 *
 * @throws {ResealError} `malformed`, `temporal_unreachable`, `no_answer`.
 */
export async function sendToolCall(
  reader: WorkflowReader,
  { tool, body, token, proof }: ToolRequest,
): Promise<ToolAnswer> {
  const event_id = claimedIn(token, 'mission_id');
  const call = toolCallSchema.safeParse({ event_id, tool, body, token, proof });
  if (!call.success) {
    const [issue] = call.error.issues;
    const where = issue?.path[0] === 'event_id' ? 'the token names no event' : `${issue?.path.join('.') ?? ''}`;
    throw new ResealError('malformed', `this is not a call of a tool: ${where}`, {
      hint: 'calls go through `reseal exec`, or with a job token and a proof of holding its key',
    });
  }
  const result = await run(reader, {
    type: 'tool',
    // An id of its own each time: that a proof is used once is the role's to say, not the id's.
    workflowId: `tool/${call.data.event_id}/${fresh()}`,
    args: [{ call: call.data, role: roleFor(tool, claimedIn(token, 'aud')) }],
    staticSummary: `a job of ${call.data.event_id} calls a tool`,
  });
  const answer = toolAnswerSchema.safeParse(result);
  if (answer.success) return answer.data;
  throw new ResealError('no_answer', 'what came of the call cannot be read');
}

/** A read, and whatever is no tool, goes to the role that can change nothing. */
function roleFor(tool: string, aud: unknown): ToolRole {
  const [verifier, ...changing] = TOOL_ROLES;
  const verb = verbOf(tool);
  if (verb !== 'write' && verb !== 'remove') return verifier;
  return changing.find((role) => Array.isArray(aud) && aud.includes(role)) ?? changing[0];
}

function eventOf({ payload }: SignedStatement): string {
  let said: unknown;
  try {
    said = JSON.parse(payload);
  } catch {
    said = undefined;
  }
  const read = jobStatementSchema.pick({ event_id: true }).loose().safeParse(said);
  if (read.success) return eventIdSchema.parse(read.data.event_id);
  throw new ResealError('malformed', 'the payload is not the statement of a job: it names no event');
}

const fresh = (): string => randomBytes(8).toString('hex');

interface Started {
  type: 'job' | 'tool';
  workflowId: string;
  args: [unknown];
  staticSummary: string;
}

async function run(reader: WorkflowReader, { type, ...options }: Started): Promise<unknown> {
  const { client } = reader;
  const handle = await reader
    .bounded(() => client.workflow.start(type, { ...options, taskQueue: TASK_QUEUES.ceremonies }))
    .catch((error: unknown) => {
      throw fromTemporal(error);
    });
  return reader
    .bounded(() => handle.result() as Promise<unknown>, ANSWER_MS)
    .catch((error: unknown) => {
      if (isGrpcDeadlineError(error) || error instanceof WorkflowFailedError)
        throw new ResealError('no_answer', 'no answer in time: what came of it is in the ledger', { cause: error });
      throw fromTemporal(error);
    });
}
