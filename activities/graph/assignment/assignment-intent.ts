import { ApplicationFailure } from '@temporalio/common';

import type { Effect, Target } from '../../../domain/effects/effects.js';
import type { AssignmentTuple } from '../../../domain/effects/role-assignment.js';
import type { IntentOf, Intent } from '../../../domain/intent.js';

/** The same intent. Fails for good where it is another kind's: whoever schedules activities can send any here. */
export function assignmentIntent(intent: Intent): IntentOf<'entra.role_assignment'> {
  if (intent.kind === 'entra.role_assignment') return intent;
  throw ofAnotherKind(intent.kind);
}

/** What such an effect acts on. Fails for good for another kind's. */
export function assignmentTuple(target: Target): AssignmentTuple {
  if (target.kind === 'entra.role_assignment') return target.tuple;
  throw ofAnotherKind(target.kind);
}

const ofAnotherKind = (kind: Effect['kind']) =>
  ApplicationFailure.nonRetryable(`${kind} is not a plain role assignment`, 'intent_of_another_kind');
