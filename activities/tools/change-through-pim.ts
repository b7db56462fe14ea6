import { Context } from '@temporalio/activity';

import type { EffectTasks } from '../../domain/tasks.js';
import { passGate, type GateDeps } from '../graph/grant/grant-gate.js';
import { callsIn, refused, removed, withheldFrom } from './change-told.js';
import type { Verb } from './tool-deps.js';

/**
 * Applies the event's own intent once more, a role's or a membership's, through the same gate as the ceremony's grant: what
 * stands is adopted, and nothing comes of it that the intent does not carry. What was removed before is not granted again.
 */
export const writeThroughPim =
  (gate: GateDeps, tasks: Pick<EffectTasks, 'apply'>): Verb =>
  async ({ input, signed }) => {
    const { evidence, warrant = null } = input;
    if (evidence === undefined) return withheldFrom(input);
    const given = { signed, evidence, warrant, first: false };
    const outcome = await passGate(gate, Context.current(), given, () => tasks.apply(given));
    switch (outcome.outcome) {
      case 'granted': {
        const { provider_request_id, provider_status, ends_at, adopted } = outcome;
        const result = { stands: true, provider_request_id, provider_status, ends_at, adopted };
        return { ok: true, result, data: { ...result, ...callsIn(outcome.receipt) } };
      }
      case 'refused':
        return refused(outcome.code, outcome.message);
      case 'warrant_expired':
        return refused('warrant_expired', 'the warrant was over before the provider was asked: try again');
    }
  };

/** The reseal's own removal of what this intent granted, and of nothing else. */
export const removeThroughPim =
  (tasks: Pick<EffectTasks, 'rollback'>): Verb =>
  async ({ signed }) =>
    removed(await tasks.rollback({ signed, round: 1 }));
