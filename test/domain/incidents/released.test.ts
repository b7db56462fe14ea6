import { describe, expect, it } from 'vitest';
import { instant } from '../../../domain/identifiers.js';
import { stepIncident } from '../../../domain/incidents/incident-machine.js';
import { newIncident, type IncidentMachine } from '../../../domain/incidents/incident-state.js';
import { incidentOf, receiptOf, T0 } from './samples.js';

const ACTION = 'freeze_agent' as const;
const opened = newIncident(incidentOf('tool_call_burst'), receiptOf('standing/1'));
const releasing: IncidentMachine = {
  ...opened,
  phase: 'releasing',
  release: { warrant: 'w', evidence: null, asks: 1, results: [], failing: false, resolved_by: 'bob' },
};

/** The answer to the release of the incident's one action, and what a second identity sees then. */
const released = (over: { success?: boolean; left?: boolean }, observed: 'contained' | 'released') => {
  const at = instant(T0);
  const outcome = { outcome: 'released', action: ACTION, success: true, completed_at: at, ...over } as const;
  const receipt = receiptOf('released/1/freeze_agent');
  const seen = { observed, detail: '', at, receipt };
  const event = { generation: 1, round: 1, action: ACTION, outcome: { ...outcome, receipt }, seen } as const;
  return stepIncident(releasing, { type: 'released', ...event }, T0);
};

describe('an action that was undone', () => {
  it('is done when a second identity sees it undone', () => {
    expect(released({}, 'released').phase).toBe('checking_health');
  });

  it('is not done while it is seen to hold', () => {
    expect(released({}, 'contained')).toMatchObject({ phase: 'releasing', release: { failing: true } });
  });

  it('is done where it was left contained on purpose: it holds for another incident, or was not ours to undo', () => {
    expect(released({ left: true }, 'contained').phase).toBe('checking_health');
  });

  it('is not done when it failed, whatever was left', () => {
    expect(released({ success: false, left: true }, 'contained').phase).toBe('releasing');
  });
});
