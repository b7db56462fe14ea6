import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { z } from 'zod';
import type { CeremonyState } from '../domain/ceremony-state.js';
import { eventIdSchema } from '../domain/identifiers.js';
import { SIGNAL_ACTS, signedStatementSchema } from '../domain/statement.js';

/** The server suggests continue-as-new at 4,096 events; a ceremony that was flooded does so earlier. */
const MAX_EVENTS = 2000;

/** What a state that an earlier version carried over does not have. */
const ADDED_SINCE = { warrant: null, renewals: 0, renewing: false, prior: [], extension: null };

const breakGlassInputSchema = z.strictObject({
  event_id: eventIdSchema,
  envelope: signedStatementSchema,
  state: z
    .custom<CeremonyState>((value) => typeof value === 'object' && value !== null && 'phase' in value)
    .transform((state) => ({ ...ADDED_SINCE, ...state }))
    .optional(),
  pending: z.array(z.strictObject({ signal: z.enum(SIGNAL_ACTS), envelope: signedStatementSchema })).default([]),
  max_events: z.number().int().min(50).default(MAX_EVENTS),
});

/**
 * Anybody who can write to the namespace can start a workflow with any bytes: what is not an input ends here, cleanly, and
 * a state counts only where this run continues another.
 */
export function inputOf(raw: unknown): z.output<typeof breakGlassInputSchema> {
  const parsed = breakGlassInputSchema.safeParse(isContinued() ? raw : withoutState(raw));
  if (parsed.success) return parsed.data;
  throw ApplicationFailure.nonRetryable(
    'this is not the input of a ceremony: start one through the gateway or the reseal command',
    'invalid_input',
  );
}

const resealInputSchema = breakGlassInputSchema.pick({ event_id: true, state: true, pending: true });

/** The same for `reseal`, which needs no more than an event id. */
export function resealInputOf(raw: unknown): z.output<typeof resealInputSchema> {
  const parsed = resealInputSchema.safeParse(isContinued() ? raw : withoutState(raw));
  if (parsed.success) return parsed.data;
  throw ApplicationFailure.nonRetryable('expected {event_id}', 'invalid_input');
}

/** Set by the server alone, when a run of this workflow continued as new. */
const isContinued = (): boolean => workflowInfo().continuedFromExecutionRunId !== undefined;

function withoutState(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([name]) => name !== 'state' && name !== 'pending'));
}
