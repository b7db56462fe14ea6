import { EXTENSION_REFUSALS, LAST_EXTENSION_MS } from '../../../domain/extension.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { Refusal } from '../../../domain/refusal.js';
import type { Evidence } from '../../../domain/tasks.js';

/**
 * Why nothing is extended any more: the deadline that holds is less than a minute away, and the ceremony ends there whatever
 * becomes of a later one. The gate has judged that the intent follows from this evidence. `nowMs` is epoch milliseconds.
 */
export function tooLateToExtend({ extension }: Evidence, nowMs: number): Refusal | undefined {
  const deadline = extension?.prior.at(-1)?.intent.deadline;
  const left = deadline === undefined ? 0 : epochMs(deadline) - nowMs;
  if (left > LAST_EXTENSION_MS) return undefined;
  return { code: 'extension_too_late', message: EXTENSION_REFUSALS.extension_too_late };
}
