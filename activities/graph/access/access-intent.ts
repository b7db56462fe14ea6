import { ApplicationFailure } from '@temporalio/common';

import type { Effect, Target } from '../../../domain/effects/effects.js';
import type { Intent } from '../../../domain/intent.js';
import { DISABLED, exclusion, type AccessTarget, type Toggle } from './access-toggle.js';

/** An intent about a Conditional Access policy, with what it means for one. */
export interface AccessIntent {
  readonly intent: Intent;
  readonly tuple: AccessTarget;
  readonly toggle: Toggle;
  readonly deadline: string;
}

/** The same of an intent. Fails for good where it is another kind's: whoever schedules activities can send any here. */
export function accessOf(intent: Intent): AccessIntent {
  const { deadline } = intent;
  return { intent, ...accessTarget(intent), deadline };
}

/** What such an effect acts on, and its one change. */
export function accessTarget(target: Target): { tuple: AccessTarget; toggle: Toggle } {
  switch (target.kind) {
    case 'entra.ca_exclusion':
      return { tuple: target.tuple, toggle: exclusion(target.tuple) };
    case 'entra.ca_policy': {
      const { disabled_policy_id: policy_id, ...tuple } = target.tuple;
      return { tuple: { ...tuple, policy_id }, toggle: DISABLED };
    }
    default:
      throw ApplicationFailure.nonRetryable(`${target.kind} is not about an access policy`, 'intent_of_another_kind');
  }
}

export const isAccessKind = (kind: Effect['kind']): kind is 'entra.ca_exclusion' | 'entra.ca_policy' =>
  kind === 'entra.ca_exclusion' || kind === 'entra.ca_policy';
