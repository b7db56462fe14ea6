import { z } from 'zod';
import { durationSchema } from './duration.js';
import { deliveryPolicySchema } from './delivery.js';
import { partySchema } from './parties.js';

/** Graph refuses to remove an assignment in its first five minutes, so a shorter grant could not be kept (facts: 5-minute floor). */
export const MIN_TIMEBOX_SECONDS = 10 * 60;
export const MAX_TIMEBOX_SECONDS = 4 * 3600;
/** The longest that anybody may have a role that nobody approved. */
export const MAX_IMMEDIATE_SECONDS = 3600;

const countSchema = z.number().int().min(1).max(16);

/**
 * For three in the morning: from `after` (since admission) on, `min_approvers` of the approvers suffice whatever group they
 * are of, and the grant lasts at most `max`. Seconds, once parsed. What was granted so owes a review.
 */
const fallbackSchema = z.strictObject({
  after: durationSchema,
  min_approvers: countSchema,
  max: durationSchema
    .refine(
      (max) => max >= MIN_TIMEBOX_SECONDS,
      'a grant under 10m cannot be kept: Graph refuses removals in the first five minutes',
    )
    .refine((max) => max <= MAX_TIMEBOX_SECONDS, 'a timebox is at most 4h'),
});

const fieldsSchema = z.strictObject({
  min_approvers: z.number().int().min(0).max(16),
  /** Empty, with nothing required of a group: nobody can approve. */
  approvers: z.array(partySchema).max(1000).default([]),
  require: z
    .array(z.strictObject({ group: z.string().min(1).max(64), count: countSchema }))
    .max(16)
    .default([]),
  /** Who may have the role with nobody's approval. There exactly when `min_approvers` is 0. */
  immediate: z.array(partySchema).min(1, 'name who may have it at once').max(1000).optional(),
  fallback: fallbackSchema.optional(),
  /** An approval counts only with a receipt that its approver had been asked before. */
  delivery: deliveryPolicySchema.optional(),
});

/** The approvals of a policy or a profile: how many, by whom, and what else may do. Groups that are required may approve. */
export const approvalsSchema = fieldsSchema
  .superRefine((approvals, context) => {
    const { min_approvers, require, immediate, fallback, delivery } = approvals;
    const complain = (member: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [member], message });
    if (min_approvers === 0 && immediate === undefined)
      complain('min_approvers', 'with no approver at all, say who may have it at once: immediate: [person:…, group:…]');
    if (min_approvers > 0 && immediate !== undefined)
      complain('immediate', `goes with min_approvers: 0 only, and ${min_approvers} are wanted here`);
    if (immediate !== undefined && require.length > 0)
      complain('require', 'nobody is asked before an immediate grant: leave it out, or leave out immediate');
    if (immediate !== undefined && delivery !== undefined)
      complain('delivery', 'nobody is asked before an immediate grant: leave it out, or leave out immediate');
    if (fallback === undefined) return;
    if (immediate !== undefined) complain('fallback', 'there is nothing to fall back from: immediate asks nobody');
    else if (fallback.min_approvers >= wantedApprovers(approvals))
      complain(
        'fallback',
        `wants ${fallback.min_approvers}, which is not fewer than the ${wantedApprovers(approvals)} wanted before it`,
      );
  })
  .transform((approvals) => ({
    ...approvals,
    approvers: [...new Set([...approvals.approvers, ...approvals.require.map(({ group }) => `group:${group}`)])],
  }));
export type Approvals = z.output<typeof approvalsSchema>;

/** Approvals as a ceremony carries them: parsed before, durations in seconds. */
export const agreedApprovalsSchema = z.strictObject({
  min_approvers: z.number().int(),
  approvers: z.array(z.string()),
  require: z.array(z.strictObject({ group: z.string(), count: z.number().int() })),
  immediate: z.array(z.string()).optional(),
  fallback: z
    .strictObject({ after: z.number().int(), min_approvers: z.number().int(), max: z.number().int() })
    .optional(),
  delivery: deliveryPolicySchema.optional(),
});

/** How many people the full quorum takes: each fills one seat of `require` at most. */
export function wantedApprovers({ min_approvers, require }: Pick<Approvals, 'min_approvers' | 'require'>): number {
  return Math.max(
    min_approvers,
    require.reduce((seats, { count }) => seats + count, 0),
  );
}
