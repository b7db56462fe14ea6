import { ActivityFailure, ApplicationFailure, isCancellation, proxyActivities, uuid4 } from '@temporalio/workflow';
import { z } from 'zod';
import { receiptSchema } from '../domain/entry.js';
import { cutText } from '../domain/cut-text.js';
import { instant } from '../domain/identifiers.js';
import { authorisedSchema, type JobLedger, type JobTasks, type ToolTasks } from '../domain/job-tasks.js';
import { TASK_QUEUES, TOOL_ROLES, type ToolRole } from '../domain/roles.js';
import {
  toolCallSchema,
  toolOutcomeSchema,
  verbOf,
  type ToolAnswer,
  type ToolCall,
  type ToolInput,
  type ToolOutcome,
} from '../domain/tool-call.js';
import { recorded } from './recorded.js';

const inputSchema = z.strictObject({ call: toolCallSchema, role: z.enum(TOOL_ROLES) });
export type ToolWorkflowInput = z.output<typeof inputSchema>;

/** Whoever calls waits; a proof is over after a minute. */
const bounded = { startToCloseTimeout: '20s', scheduleToCloseTimeout: '40s' } as const;
const { authorise } = proxyActivities<JobTasks>({
  ...bounded,
  taskQueue: TASK_QUEUES.authority,
  retry: { initialInterval: '1s', maximumAttempts: 3 },
  summary: 'judge everything again, give a warrant',
});
const { granted } = proxyActivities<JobLedger>({
  ...bounded,
  taskQueue: TASK_QUEUES.register,
  retry: { initialInterval: '1s', maximumAttempts: 3 },
  summary: 'what the ledger says was made',
});
const toolsOf = (role: ToolRole, summary: string) =>
  proxyActivities<ToolTasks>({
    ...bounded,
    taskQueue: TASK_QUEUES[role],
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', maximumAttempts: 4 },
    summary,
  });

/**
 * One call of a tool: to the role that holds the credential, and its word to the ledger. It decides nothing: the role
 * judges the call in its own gate, whoever scheduled it. What it came to is answered once it is recorded.
 */
export async function tool(raw: ToolWorkflowInput): Promise<ToolAnswer> {
  const input = inputSchema.safeParse(raw);
  if (!input.success) throw ApplicationFailure.nonRetryable('expected {call, role}', 'invalid_input');
  const { call, role } = input.data;
  const outcome = await asked(call, role);
  if (outcome === undefined) {
    await recorded(call.event_id, unanswered(call, role));
    return { outcome: 'unanswered' };
  }
  const { receipt, ...answer } = outcome;
  await recorded(call.event_id, receipt);
  return answer;
}

/** undefined where no usable answer came in time. */
async function asked(call: ToolCall, role: ToolRole): Promise<ToolOutcome | undefined> {
  try {
    const verb = verbOf(call.tool);
    const given = verb === 'write' ? await warrantFor(call) : {};
    if (given === undefined) return undefined;
    const made = MARKLESS.has(role) && (verb === 'write' || verb === 'remove') ? await madeFor(call) : {};
    const input: ToolInput = { ...call, ...given, ...made };
    const outcome = toolOutcomeSchema.safeParse(await toolsOf(role, cutText(call.tool, 100)).tool(input));
    return outcome.success ? outcome.data : undefined;
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return undefined;
  }
}

/** undefined where the answer is none of the authority's: whoever completes activities can give any. */
async function warrantFor({ event_id }: ToolCall): Promise<Partial<ToolInput> | undefined> {
  const answer = authorisedSchema.safeParse(await authorise({ event_id }));
  if (!answer.success) return undefined;
  const given = answer.data;
  if (given.outcome === 'authorised') return { evidence: given.evidence, warrant: given.warrant };
  return { warrant: null, withheld: { code: given.code, message: given.message } };
}

/** Whose provider keeps no mark of who made a change: they act on what they have said themselves that they made. */
const MARKLESS: ReadonlySet<ToolRole> = new Set<ToolRole>(['effect:entra.role_assignment']);

async function madeFor({ event_id }: ToolCall): Promise<Partial<ToolInput>> {
  return {
    made: receiptSchema
      .nullable()
      .catch(null)
      .parse(await granted({ event_id })),
  };
}

/** The workflow holds no key: the register signs that it was told so. */
const unanswered = ({ event_id, tool }: ToolCall, role: ToolRole) => {
  const transition = `tool_unanswered/${uuid4()}`;
  const data = { tool: cutText(tool, 200), role };
  const at = instant(Date.now());
  const draft = {
    schema: 'reseal.entry.v1' as const,
    event_id,
    transition,
    type: 'tool_unanswered' as const,
    at,
    data,
  };
  return { transition, draft };
};
