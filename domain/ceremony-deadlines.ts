import { isEnd, type CeremonyState, type EndCause } from './ceremony-state.js';
import { epochMs } from './identifiers.js';

/** How long a request waits for a register that cannot be reached. Until then nobody knows the policy's own window. */
const ADMISSION_PATIENCE_MS = 30 * 60_000;

/** The deadline that governs the phase, if one does. */
export function deadlineOf(state: CeremonyState): { at: number; cause: EndCause } | undefined {
  if (isEnd(state.phase) || state.phase === 'resealing' || state.ending !== null) return undefined;
  if (state.signed !== null) return { at: epochMs(state.signed.intent.deadline), cause: 'deadline' };
  if (state.approval_by !== null) return { at: epochMs(state.approval_by), cause: 'window' };
  if (state.phase === 'requested') return { at: epochMs(state.started_at) + ADMISSION_PATIENCE_MS, cause: 'window' };
  return undefined;
}

/** When the policy's fallback opens for a ceremony that still waits for approvals and has not reached it; epoch ms. */
export function fallbackFrom({ phase, opened, admission, flags }: CeremonyState): number | undefined {
  const fallback = opened?.terms.approvals.fallback;
  if (phase !== 'awaiting_approval' || flags.includes('fallback_open')) return undefined;
  if (fallback === undefined || admission === null) return undefined;
  return epochMs(admission.at) + fallback.after * 1000;
}
