import { ApplicationFailure, log, sleep } from '@temporalio/workflow';
import { z } from 'zod';
import { eventIdSchema } from '../domain/identifiers.js';
import { reviewOutcomeSchema, type ReviewOutcome } from '../domain/review.js';
import { signedStatementSchema } from '../domain/statement.js';
import { register } from './role-tasks.js';

const reviewInputSchema = z.strictObject({ event_id: eventIdSchema, envelope: signedStatementSchema });
export type ReviewInput = z.output<typeof reviewInputSchema>;

/**
 * Carries one signed review to the register, however long that takes: the ceremony's own workflow is over, and what closes
 * a review must not get lost while the register is down. Whether it counts is the register's answer.
 */
export async function review(raw: ReviewInput): Promise<ReviewOutcome> {
  const input = reviewInputSchema.safeParse(raw);
  if (!input.success) throw ApplicationFailure.nonRetryable('expected {event_id, envelope}', 'invalid_input');
  for (;;) {
    const answer = reviewOutcomeSchema.safeParse(await register('record the review').review(input.data));
    if (answer.success) return answer.data;
    // Somebody answered in the register's place.
    log.warn('the register gave no usable answer and will be asked again');
    await sleep('2s', { summary: 'ask the register again' });
  }
}
