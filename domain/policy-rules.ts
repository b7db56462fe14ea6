import { z } from 'zod';
import { durationSchema } from './duration.js';
import { RULE_NAME, uniqueNames } from './named-rules.js';
import { partySchema } from './parties.js';
import { REASON_CODES } from './reason-codes.js';
import { timeWindowSchema } from './time-window.js';

/**
 * Who may ask for what, when, why and for how long. Every list that is empty or absent leaves that open to all; the first
 * rule that a request meets in all of it lets it in.
 */
export const policyRuleSchema = z.strictObject({
  name: z.string().regex(RULE_NAME, 'expected 1 to 64 of a-z 0-9 . _ -'),
  profiles: z.array(z.string().min(1).max(64)).max(1000).default([]),
  allow: z.array(partySchema).max(1000).default([]),
  reason_codes: z.array(z.enum(REASON_CODES)).max(REASON_CODES.length).default([]),
  time: z.array(timeWindowSchema).max(100).default([]),
  max_duration: durationSchema.optional(),
});
export type PolicyRule = z.output<typeof policyRuleSchema>;

export const policyRulesSchema = z
  .array(policyRuleSchema)
  .max(10_000)
  .superRefine(uniqueNames('refusals name the rule'));
