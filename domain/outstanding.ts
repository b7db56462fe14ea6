import type { CeremonyState, Extension } from './ceremony-state.js';
import { epochMs } from './identifiers.js';
import type { Outstanding } from './reseal.js';

/** Whether an intent stands, or may come to stand, whose deadline is later than the one in force. */
export const isOutstanding = (extension: Extension | null): boolean =>
  extension !== null &&
  (extension.step === 'issuing' ||
    extension.step === 'updating' ||
    (extension.step === 'refused' && extension.signed !== null));

/**
 * What a reseal must know of it: the provider may hold the grant until the later dead-man, and a call that is on its way
 * may still reach it.
 */
export function outstandingOf(extension: Extension | null): Outstanding {
  if (extension === null || !isOutstanding(extension)) return {};
  const dead_man = extension.signed?.intent.dead_man ?? undefined;
  const unsettled = extension.step === 'updating' || extension.unanswered;
  return { ...(dead_man === undefined ? {} : { dead_man }), ...(unsettled ? { unsettled: true } : {}) };
}

/** When the provider ends it by itself, at the latest; null before anything was recorded. RFC 3339 UTC. */
export function latestDeadMan({ signed, extension }: Pick<CeremonyState, 'signed' | 'extension'>): string | null {
  const inForce = signed?.intent.dead_man ?? null;
  const later = extension?.signed?.intent.dead_man ?? undefined;
  return later !== undefined && (inForce === null || epochMs(later) > epochMs(inForce)) ? later : inForce;
}
