import { z } from 'zod';
import { receiptSchema, type Receipt } from './entry.js';
import { eventIdSchema, instantSchema } from './identifiers.js';
import { jobIdSchema, jobTokenSchema, jobToolSchema } from './job.js';
import { signedStatementSchema, type SignedStatement } from './statement.js';
import type { Evidence } from './tasks.js';
import { warrantTokenSchema } from './warrant.js';
import type { ToolInput, ToolOutcome } from './tool-call.js';

/** What roles are asked about jobs, by activity name. Answers are parsed with the schemas here. */

export const jobInputSchema = z.strictObject({ event_id: eventIdSchema, envelope: signedStatementSchema });
export type JobInput = z.output<typeof jobInputSchema>;

/** Authority: a token for the job of this statement, or why not. Each answer has a token of its own. */
export const jobOutcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('given'),
    job: jobIdSchema,
    token: jobTokenSchema,
    expires_at: instantSchema,
    deadline: instantSchema,
    tools: z.array(jobToolSchema),
    /** Whether the contract lets jobs run unconfined on their machine. */
    elevated: z.boolean(),
    receipt: receiptSchema,
  }),
  z.strictObject({
    outcome: z.literal('refused'),
    code: z.string().max(64),
    message: z.string().max(500),
    receipt: receiptSchema,
  }),
]);
export type JobOutcome = z.output<typeof jobOutcomeSchema>;

/** The same, as whoever asked is told. */
export const jobAnswerSchema = z.discriminatedUnion('outcome', [
  jobOutcomeSchema.options[0].omit({ receipt: true }),
  jobOutcomeSchema.options[1].omit({ receipt: true }),
]);
export type JobAnswer = z.output<typeof jobAnswerSchema>;

/** Authority: what a role that changes something asks for, given again as for a grant; or why not. */
export const authorisedSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('authorised'),
    evidence: z.custom<Evidence>((value) => typeof value === 'object' && value !== null),
    warrant: warrantTokenSchema.nullable(),
  }),
  z.strictObject({ outcome: z.literal('refused'), code: z.string().max(64), message: z.string().max(500) }),
]);
export type Authorised = z.output<typeof authorisedSchema>;

export interface JobTasks {
  job(input: { event_id: string; envelope: SignedStatement }): Promise<JobOutcome>;
  authorise(input: { event_id: string }): Promise<Authorised>;
}

/** Of each role that has tools. */
export interface ToolTasks {
  tool(input: ToolInput): Promise<ToolOutcome>;
}

/** What jobs ask of the register. */
export interface JobLedger {
  /** The effect's entry that the event's grant was made; null where the ledger holds none. */
  granted(input: { event_id: string }): Promise<Receipt | null>;
}
