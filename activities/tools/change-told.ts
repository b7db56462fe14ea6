import type { Receipt } from '../../domain/entry.js';
import type { RollbackOutcome } from '../../domain/outcomes.js';
import type { ToolInput } from '../../domain/tool-call.js';
import type { Answered } from './tool-deps.js';

/** What a tool that changes something answers, from what the ceremony's own activities answer. */

export const refused = (code: string, message: string): Answered => ({ ok: false, code, message });

/** Why a write has nothing to rest on: the authority's word, where it gave one. */
export const withheldFrom = ({ withheld }: ToolInput): Answered =>
  refused(withheld?.code ?? 'warrant_absent', withheld?.message ?? 'the authority gave no warrant for it');

/** What came of the reseal's own removal. */
export function removed(outcome: RollbackOutcome): Answered {
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
}

const CALLS = ['attempt', 'client_request_ids', 'application_id', 'removal_request_id', 'warrant_id', 'assignment_id'];

/** What the ceremony's entry would have said of the calls themselves: the tool's entry stands in its place. */
export function callsIn({ envelope }: Receipt): Record<string, unknown> {
  const { data } = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as { data: object };
  return Object.fromEntries(Object.entries(data).filter(([name]) => CALLS.includes(name)));
}
