import { MAX_RECORDED_REFUSALS } from '../../domain/hearing.js';
import { STATEMENT_REFUSALS } from '../../domain/verdict.js';
import type { VerdictAnswer } from '../../workflows/protocol.js';
import type { StatementAnswer } from './reseal-api.js';

/**
 * What a ceremony has recorded of one statement; undefined while it may still be heard. Queries are strongly consistent
 * (https://docs.temporal.io/sending-messages#sending-queries): what was sent before the question waits, or has been heard.
 */
export function recordedAnswer({ verdict, mark, refusals, waiting }: VerdictAnswer): StatementAnswer | undefined {
  if (verdict !== null) {
    const { status, reason } = verdict;
    return reason === undefined ? { status, mark } : { status, reason, message: STATEMENT_REFUSALS[reason], mark };
  }
  if (waiting > 0 || refusals <= MAX_RECORDED_REFUSALS) return undefined;
  const message = `${refusals} statements were refused here; those after the first ${MAX_RECORDED_REFUSALS} are only counted`;
  return { status: 'unrecorded', message, mark };
}
