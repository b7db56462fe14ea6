import { describe, expect, it } from 'vitest';
import { incidentCommands, incidentWake } from '../../../domain/incidents/incident-commands.js';
import { newIncident } from '../../../domain/incidents/incident-state.js';

const NOW = Date.parse('2026-03-14T12:00:00Z');
const opened = newIncident(
  {
    incident_id: 'INC-20260314-120000-0001',
    generation: 1,
    class: 'tool_call_burst',
    severity: 'medium',
    host: 'edge-1',
    source: 'gateway',
    containment_actions: ['freeze_agent'],
    created_at: '2026-03-14T12:00:00Z',
    latched: false,
    requirements: { require_ack: true, acknowledgements: 1, signed: false, require_reattest: false, artifacts: [] },
  },
  { transition: 'standing/1', envelope: { payloadType: 'test', payload: '', signatures: [] } },
);

describe('when an incident wakes by itself', () => {
  it('is the next time at which it asks how the host is', () => {
    const state = { ...opened, phase: 'checking_health' as const, health_at: NOW + 5000 };
    expect(incidentWake(state, NOW)).toBe(NOW + 5000);
    expect(incidentCommands(state, NOW).map((command) => command.do)).not.toContain('health');
  });

  it('is never while what was due is under way: a workflow that woke for it would spin', () => {
    const state = { ...opened, phase: 'checking_health' as const, health_at: NOW };
    expect(incidentWake(state, NOW)).toBeUndefined();
    expect(incidentCommands(state, NOW).map((command) => command.do)).toContain('health');
    const waiting = { ...opened, phase: 'contained' as const };
    expect(incidentWake({ ...waiting, attestation: { ...waiting.attestation, next_at: NOW } }, NOW)).toBeUndefined();
  });
});
