import { z } from 'zod';
import { durationSchema } from './duration.js';

const MONTH_SECONDS = 31 * 24 * 3600;
const spanSchema = durationSchema.refine((s) => s <= MONTH_SECONDS, 'at most 744h, which is 31 days');
const countSchema = z.number().int().min(1).max(1000);

/**
 * How often. Each is optional and what is absent limits nothing; durations are seconds once parsed. Only what was granted
 * (the authority journalled an intent) counts, from that moment on: who was denied or waits has used nothing up.
 * `cooldown` is between two grants of one invoker and profile. The others count what was granted within `quota_window`
 * (24h): `max_per_user` of one invoker, `max_per_profile` of one profile by anybody. From `escalation_threshold` grants of
 * one invoker on, the next is flagged and told, and never refused for it.
 */
export const limitsSchema = z.strictObject({
  cooldown: spanSchema.optional(),
  quota_window: spanSchema.default(24 * 3600),
  max_per_user: countSchema.optional(),
  max_per_profile: countSchema.optional(),
  escalation_threshold: countSchema.optional(),
});
export type Limits = z.output<typeof limitsSchema>;
