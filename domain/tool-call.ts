import { z } from 'zod';
import { receiptSchema, type Receipt } from './entry.js';
import { digestSchema, eventIdSchema } from './identifiers.js';
import { holderProofSchema, jobTokenSchema, MODEL_RECEIPT } from './job.js';
import { hasJobTools, kindOfTool, useOf } from './job-tools.js';
import type { Intent } from './intent.js';
import type { Evidence } from './tasks.js';

/** One call of a tool, as a role is asked it. All of it is anybody's: the role verifies it from its own roots. */
export const toolCallSchema = z.strictObject({
  event_id: eventIdSchema,
  tool: z.string().min(1).max(200),
  /** What was asked, as JSON. */
  body: z.record(z.string().max(64), z.unknown()),
  token: jobTokenSchema,
  proof: holderProofSchema,
});
export type ToolCall = z.output<typeof toolCallSchema>;

/** What a role that changes something is given besides: the same that a grant takes. */
export interface ToolInput extends ToolCall {
  evidence?: Evidence;
  warrant?: string | null;
  /** Why the authority gave none. Anybody may say so: it can only refuse. */
  withheld?: { code: string; message: string };
  /**
   * The effect's own entry that it made what the intent says, and what the provider called it. For kinds whose provider keeps
   * no mark of who made a change; null where the ledger holds none.
   */
  made?: Receipt | null;
}

/** What whoever called is told. `unanswered`: nobody knows what came of it; the ledger says so too. */
export const toolAnswerSchema = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('done'), call_id: z.uuid(), result: z.record(z.string(), z.unknown()) }),
  z.strictObject({ outcome: z.literal('refused'), code: z.string().max(64), message: z.string().max(500) }),
  z.strictObject({ outcome: z.literal('unanswered') }),
]);
export type ToolAnswer = z.output<typeof toolAnswerSchema>;

/** What a body may say. `target` may repeat what the intent is about, in whole or in part, and nothing else. */
export const toolBodySchema = z.strictObject({
  target: z.record(z.string().max(64), z.string().max(200)).default({}),
  /** Hex SHA-256 of receipts of model calls that led to this one. */
  receipts: z.array(digestSchema).max(16).default([]),
});
export type ToolBody = z.output<typeof toolBodySchema>;

/** Why a call was refused, in stable codes. What a contract, an intent or a warrant lacks has its own. */
export type ToolRefusal =
  | 'token_malformed'
  | 'token_not_signed'
  | 'token_foreign'
  | 'token_not_yet_valid'
  | 'token_expired'
  | 'proof_malformed'
  | 'proof_not_signed'
  | 'holder_mismatch'
  | 'proof_foreign'
  | 'proof_stale'
  | 'proof_replayed'
  | 'too_many_calls'
  | 'tool_unknown'
  | 'tool_not_in_scope'
  | 'body_malformed'
  | 'target_foreign'
  | 'tool_of_another_kind'
  | 'kind_unsupported';

/** What a role answers, with the entry that it signed. */
export const toolOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('done'),
    call_id: z.uuid(),
    result: z.record(z.string(), z.unknown()),
    receipt: receiptSchema,
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: z.string().max(64),
    message: z.string().max(500),
    receipt: receiptSchema,
  }),
]);
export type ToolOutcome = z.output<typeof toolOutcomeSchema>;

/** What is done where a tool's call goes. What is no tool at all goes to the verifier, which refuses it by name. */
export type ToolVerb = 'read' | 'write' | 'remove' | 'ended' | 'receipt';
export const verbOf = (tool: string): ToolVerb | undefined => {
  if (tool === JOB_ENDED) return 'ended';
  return tool === MODEL_RECEIPT ? 'receipt' : useOf(tool);
};

/** Not a tool: a job's last word, by its own key, that it is over. Taken after the token's time too. */
export const JOB_ENDED = 'reseal.job_ended';
export const jobEndedSchema = z.strictObject({
  /** Of its process; null where a signal ended it. */
  status: z.number().int().min(0).max(255).nullable(),
  signal: z.string().max(16).nullable(),
  /** Why it was halted; null where it ended by itself. */
  halted: z
    .string()
    .regex(/^[a-z_]{1,64}$/)
    .nullable(),
});
export type JobEnded = z.output<typeof jobEndedSchema>;

/** Why no job calls this tool under such an intent, or undefined. Each kind has tools of its own, or none. */
export function kindRefusal(
  { kind }: Pick<Intent, 'kind'>,
  tool: string,
): { code: ToolRefusal; message: string } | undefined {
  if (!hasJobTools(kind)) return { code: 'kind_unsupported', message: `there are no tools for ${kind}` };
  const of = kindOfTool(tool);
  if (of === kind) return undefined;
  return { code: 'tool_of_another_kind', message: `it is for ${of ?? 'no kind'}, and the ceremony is of ${kind}` };
}

/**
 * Why a call asks for something else than its event's own target, or undefined. A job names its target by the members of
 * the intent's tuple, or not at all.
 */
export function targetRefusal(
  { tuple }: Pick<Intent, 'tuple'>,
  target: ToolBody['target'],
): { code: ToolRefusal; message: string } | undefined {
  for (const [name, wanted] of Object.entries(target)) {
    const own: unknown = Object.hasOwn(tuple, name) ? tuple[name as keyof typeof tuple] : undefined;
    if (typeof own !== 'string')
      return { code: 'body_malformed', message: `target.${name}: the event has no such member` };
    if (own !== wanted && own !== wanted.toLowerCase())
      return { code: 'target_foreign', message: `target.${name}: a job acts on its own event's target alone` };
  }
  return undefined;
}
