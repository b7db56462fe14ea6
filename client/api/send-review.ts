import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { isGrpcDeadlineError } from '@temporalio/client';
import { reviewWorkflowId } from '../../domain/identifiers.js';
import { reviewOutcomeSchema } from '../../domain/review.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import type { SignedStatement } from '../../domain/statement.js';
import { statementDigest } from '../../proofs/statement-check.js';
import type { ReviewAnswer } from './reseal-api.js';
import { ResealError } from './reseal-error.js';
import { readReviewStatement } from './statement-shape.js';
import { fromTemporal } from './temporal-error.js';
import type { WorkflowReader } from './workflow-reader.js';

/** How long the register may take before whoever asks is told that it is still on its way. */
const ANSWER_MS = 8_000;

/**
 * Has the register record a review, through a workflow of the statement's own, which goes on while the register is down.
 * The same statement again joins the first and has its answer.
 *
 * @throws {ResealError} `malformed`, `temporal_unreachable`, `no_answer` where somebody ended that workflow.
 */
export async function sendReview(
  reader: WorkflowReader,
  eventId: string,
  input: SignedStatement,
): Promise<ReviewAnswer> {
  const { envelope, statement } = readReviewStatement(input);
  if (statement.event_id !== eventId) {
    throw new ResealError('malformed', `the statement speaks of event ${statement.event_id}, not of ${eventId}`);
  }
  const digest = statementDigest(envelope);
  const workflowId = reviewWorkflowId(eventId, digest);
  const { client } = reader;
  await reader
    .bounded(() =>
      client.workflow.start('review', {
        workflowId,
        taskQueue: TASK_QUEUES.ceremonies,
        args: [{ event_id: eventId, envelope }],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `review of ${eventId}`,
      }),
    )
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw fromTemporal(error, eventId);
    });
  const result: unknown = await reader
    .bounded(() => client.workflow.getHandle(workflowId).result(), ANSWER_MS)
    .catch((error: unknown) => {
      if (isGrpcDeadlineError(error)) return undefined;
      if (error instanceof WorkflowFailedError) {
        throw new ResealError('no_answer', 'somebody ended the review before it was recorded: send it again', {
          cause: error,
        });
      }
      throw fromTemporal(error, eventId);
    });
  if (result === undefined)
    return { digest, status: 'pending', message: 'it is kept, and recorded as soon as the register answers' };
  const outcome = reviewOutcomeSchema.safeParse(result);
  if (!outcome.success) throw new ResealError('no_answer', `what became of the review of ${eventId} cannot be read`);
  if (outcome.data.outcome === 'refused') {
    const { code, message } = outcome.data;
    return { digest, status: 'refused', reason: code, message };
  }
  const { at, by } = outcome.data;
  return { digest, status: 'accepted', at, by };
}
