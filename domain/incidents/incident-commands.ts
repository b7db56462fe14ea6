import type { ContainmentAction } from './classes.js';
import { toRelease, type IncidentMachine } from './incident-state.js';

/** One thing that should be under way. Same key, same piece of work. */
export type IncidentCommand =
  | { do: 'standing'; key: string }
  | { do: 'contain'; key: string; action: ContainmentAction; persist: boolean }
  | { do: 'bind'; key: string }
  | { do: 'attest'; key: string }
  | { do: 'issue'; key: string }
  | { do: 'release'; key: string; action: ContainmentAction; persist: boolean }
  | { do: 'health'; key: string }
  | { do: 'append'; key: string };

/** Everything that should be under way: derived from the state alone, so that a restart needs nothing else. */
export function incidentCommands(state: IncidentMachine, nowMs: number): IncidentCommand[] {
  const wanted = phaseCommands(state, nowMs);
  if (state.pokes > state.heard_pokes && state.phase !== 'resolved')
    wanted.push({ do: 'standing', key: `standing/${state.heard_pokes}` });
  if (state.outbox.length > 0) wanted.push({ do: 'append', key: `append/${state.appended}` });
  return wanted;
}

function phaseCommands(state: IncidentMachine, nowMs: number): IncidentCommand[] {
  const { incident, round, actions, attestation, release } = state;
  const of = `${incident.generation}/${round}`;
  switch (state.phase) {
    case 'containing': {
      const open = actions.filter((one) => one.state !== 'held');
      if (open.length === 0) return [{ do: 'bind', key: `bind/${of}` }];
      return open.map(({ action, state: is }) => {
        const persist = is === 'tried';
        return { do: 'contain', key: `contain/${of}/${action}${persist ? '/until' : ''}`, action, persist };
      });
    }
    case 'contained':
      if (attestation.state !== 'running') return [];
      return [{ do: 'attest', key: `attest/${of}/${attestation.attempt}/${attestation.waits}` }];
    case 'releasing': {
      if (release === null) return [];
      if (release.warrant === null) return [{ do: 'issue', key: `issue/${of}/${release.asks}` }];
      const [action] = toRelease(state);
      if (action === undefined) return [];
      return [{ do: 'release', key: `release/${of}/${action}/${release.asks}`, action, persist: release.failing }];
    }
    case 'checking_health':
      if (state.health_at !== null && nowMs < state.health_at) return [];
      return [{ do: 'health', key: `health/${of}/${state.health_asks}` }];
    case 'resolved':
      return [];
  }
}

/**
 * When the incident next has something to do by itself, in epoch ms; a latch has no such time. What is due already has none
 * either: it is under way, and waking for it would never let it end.
 */
export function incidentWake(state: IncidentMachine, nowMs: number): number | undefined {
  const { phase, attestation, health_at } = state;
  const at = phase === 'contained' ? attestation.next_at : phase === 'checking_health' ? health_at : null;
  return at === null || at <= nowMs ? undefined : at;
}

/** Resolved, and the ledger has all of it. */
export const isIncidentOver = (state: IncidentMachine): boolean =>
  state.phase === 'resolved' && state.outbox.length === 0;
