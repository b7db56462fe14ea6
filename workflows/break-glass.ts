import { continueAsNew } from '@temporalio/workflow';
import { newCeremony } from '../domain/ceremony-state.js';
import type { BreakGlassInput, CeremonyResult } from './protocol.js';
import { inputOf } from './input.js';
import { runCeremony } from './run-ceremony.js';

/**
 * One privileged emergency: asked, approved, granted for a timebox, and resealed, whatever happens in between. The
 * machine in `domain/ceremony.ts` decides; this workflow keeps under way what it wants and tells it what came back.
 */
export async function breakGlass(raw: BreakGlassInput): Promise<CeremonyResult> {
  const input = inputOf(raw);
  const state = input.state ?? newCeremony(input.event_id, input.envelope, Date.now());
  const run = await runCeremony(state, input.pending, input.max_events);
  if (!run.finished) {
    const { event_id, envelope, max_events } = input;
    await continueAsNew<typeof breakGlass>({ event_id, envelope, max_events, state: run.state, pending: run.pending });
  }
  return { event_id: input.event_id, end: run.state.phase };
}
