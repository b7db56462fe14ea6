import { z } from 'zod';
import { instantSchema } from './identifiers.js';
import { REQUEST_REFUSALS } from './request.js';

/** Every code with which the rule book refuses. */
export const ADMISSION_REFUSALS = [
  ...REQUEST_REFUSALS,
  'immediate_not_allowed',
  'no_rule_matches',
  'stacking_invoker_profile',
  'stacking_target',
  'cooldown',
  'user_quota',
  'profile_quota',
] as const;
export type AdmissionRefusalCode = (typeof ADMISSION_REFUSALS)[number];

/**
 * Why a request is refused. `rule` and `wanted` name the rule that came nearest and what it wanted; `passes_at` (RFC 3339
 * UTC) is the first millisecond at which the check that refused it passes, null when time alone does not help.
 */
export const admissionRefusalSchema = z.strictObject({
  code: z.enum(ADMISSION_REFUSALS),
  message: z.string(),
  rule: z.string().optional(),
  wanted: z.string().optional(),
  passes_at: instantSchema.nullable(),
});
export type AdmissionRefusal = z.output<typeof admissionRefusalSchema>;
