import { z } from 'zod';
import { durationSchema } from './duration.js';
import { partySchema } from './parties.js';
import { REASON_CODES } from './reason-codes.js';
import { timeWindowSchema } from './time-window.js';

export const RULE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

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
  .superRefine((rules, context) => {
    const seen = new Map<string, number>();
    for (const [index, { name }] of rules.entries()) {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, index);
      else {
        const message = `rule ${first + 1} has this name already: refusals name the rule`;
        context.addIssue({ code: 'custom', path: [index, 'name'], message });
      }
    }
  });
