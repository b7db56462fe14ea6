import { Context } from '@temporalio/activity';

import type { Receipt } from '../../domain/entry.js';
import type { EffectTasks } from '../../domain/tasks.js';
import { passGate, type GateDeps } from '../graph/grant/grant-gate.js';
import type { Answered, Verb } from './tool-deps.js';

/**
 * Applies the event's own intent once more, through the same gate as the ceremony's grant: what stands is adopted, and
 * nothing comes of it that the intent does not carry. What was removed before is not granted again.
 */
export const writeDirectoryRole =
  (gate: GateDeps, tasks: Pick<EffectTasks, 'apply'>): Verb =>
  async ({ input, signed }) => {
    const { evidence, warrant = null, withheld } = input;
    if (evidence === undefined)
      return refused(withheld?.code ?? 'warrant_absent', withheld?.message ?? 'the authority gave no warrant for it');
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
export const removeDirectoryRole =
  (tasks: Pick<EffectTasks, 'rollback'>): Verb =>
  async ({ signed }) => {
    const outcome = await tasks.rollback({ signed, round: 1 });
    switch (outcome.outcome) {
      case 'removed': {
        const result = { removed: true, word: outcome.word, at: outcome.at };
        return { ok: true, result, data: { ...result, ...callsIn(outcome.receipt) } };
      }
      case 'nothing_seen': {
        const result = { removed: false, at: outcome.at };
        return { ok: true, result, data: { ...result, ...callsIn(outcome.receipt) } };
      }
      case 'too_short':
        return refused('too_short', `Graph removes nothing in its first five minutes: again after ${outcome.retry_at}`);
      case 'not_authentic':
        return refused('token_foreign', "the authority's signature on the intent does not verify");
    }
  };

const CALLS = ['attempt', 'client_request_ids', 'application_id', 'removal_request_id', 'warrant_id'];

/** What the ceremony's entry would have said of the calls themselves: the tool's entry stands in its place. */
function callsIn({ envelope }: Receipt): Record<string, unknown> {
  const { data } = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as { data: object };
  return Object.fromEntries(Object.entries(data).filter(([name]) => CALLS.includes(name)));
}

const refused = (code: string, message: string): Answered => ({ ok: false, code, message });
