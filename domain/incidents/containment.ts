import { z } from 'zod';
import { targetNameSchema } from './containment-targets.js';

/** What a target said of itself: one of the two words, and its revision where it has one. */
export const seenSchema = z.strictObject({
  state: z.enum(['contained', 'released']),
  revision: z.string().max(128).nullable(),
});

/**
 * Why a release did nothing to a target, which is as it should be:
 * `held_by_another_incident` it stays contained for another incident that is not over; `contained_before` somebody else had
 * contained it before us; `before_unknown` nobody could say what it was before us; `changed_since` somebody changed it since
 * we contained it; `released_by_another` it was not contained any more; `never_contained` nothing of ours stands there;
 * `not_given_back` what was taken away was a privilege, and a release gives none.
 */
export const LEFT_BECAUSE = [
  'held_by_another_incident',
  'contained_before',
  'before_unknown',
  'changed_since',
  'not_given_back',
  'released_by_another',
  'never_contained',
] as const;
export type LeftBecause = (typeof LEFT_BECAUSE)[number];

/** Those after which the target is contained still: a person has to look. */
export const STILL_CONTAINED: ReadonlySet<LeftBecause> = new Set([
  'held_by_another_incident',
  'contained_before',
  'before_unknown',
  'changed_since',
  'not_given_back',
]);

/** What one call of `contain` or `release` did to one target. */
export const targetOutcomeSchema = z.strictObject({
  target: targetNameSchema,
  kind: z.string().max(32),
  did: z.enum(['contained', 'was_contained', 'told', 'released', 'left', 'failed']),
  why: z.enum(LEFT_BECAUSE).optional(),
  /** Before Reseal touched it; null where it could not be read. */
  before: seenSchema.nullable().optional(),
  now: seenSchema.optional(),
  error: z.string().max(300).optional(),
});
export type TargetOutcome = z.output<typeof targetOutcomeSchema>;

/** Whether a release left some target contained on purpose. */
export const leftContained = (targets: readonly TargetOutcome[]): boolean =>
  targets.some(({ why }) => why !== undefined && STILL_CONTAINED.has(why));
