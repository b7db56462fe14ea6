import { z } from 'zod';
import { receiptSchema } from './entry.js';
import { guidSchema, instantSchema } from './identifiers.js';
import type { OnKillTrigger } from './on-kill.js';

/** What a killed ceremony has under way besides the reseal. Plain JSON, carried with the ceremony's state. */

export type KillActionName = 'end_sessions' | 'report_granted' | 'rotate' | 'disable_account' | 'halt_job';

/** One thing to do. `key` tells it from the others of its ceremony, and names it in the ledger. */
export interface KillAction {
  key: string;
  action: KillActionName;
  /** Which of the intent's rotations, or of its runtimes to be told; null for another action. */
  rotation: number | null;
  /** What it acts on, for people: an object id, or the name of a runtime. */
  target: string;
  /** Null while it is pending. */
  result: 'done' | 'refused' | null;
  code: string | null;
  at: string | null;
}

export interface KillState {
  trigger: OnKillTrigger;
  actions: KillAction[];
  granted: Granted[];
}

/** The longest list that is told; how many there are in all stands beside it. */
export const MAX_GRANTED = 50;

/**
 * One thing that the principal gave to somebody, by Graph's own words. `assignment_id` is that of a plain assignment, and of
 * PIM's the schedule's (absent in lists of earlier versions). `standing` is whether it was there when it was read, null where that was not looked up.
 */
export const grantedSchema = z.strictObject({
  via: z.enum(['pim', 'direct', 'other']),
  at: instantSchema.nullable(),
  activity: z.string().max(200),
  principal_id: z.string().max(200).nullable(),
  role_template_id: guidSchema.nullable(),
  directory_scope_id: z.string().max(200).nullable(),
  assignment_id: z.string().max(200).nullable(),
  standing: z.boolean().nullable(),
});
export type Granted = z.output<typeof grantedSchema>;

/**
 * What a role answers to one action: done, or refused for good by a rule of its own (`code`). Everything else is tried again
 * without limit. No member of it is ever a secret.
 */
export const killOutcomeSchema = z.strictObject({
  result: z.enum(['done', 'refused']),
  code: z
    .string()
    .regex(/^[a-z0-9_]{1,64}$/)
    .nullable(),
  at: instantSchema,
  granted: z.array(grantedSchema).max(MAX_GRANTED).optional(),
  receipt: receiptSchema,
});
export type KillOutcome = z.output<typeof killOutcomeSchema>;
