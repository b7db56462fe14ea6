import { describe, expect, it } from 'vitest';
import { instant } from '../../../domain/identifiers.js';
import { newIncident } from '../../../domain/incidents/incident-state.js';
import { incidentTimeline } from '../../../domain/incidents/incident-timeline.js';
import type { IncidentView } from '../../../domain/incidents/view.js';
import { viewOfIncident } from '../../../domain/incidents/view-of-incident.js';
import { bindingOf, incidentOf, receiptOf, T0 } from './samples.js';

const at = (seconds: number): string => instant(T0 + seconds * 1000);
const opened = viewOfIncident(newIncident(incidentOf('integrity_violation'), receiptOf('standing/1')), T0);

const refused: IncidentView = {
  ...opened,
  state: 'contained',
  containment_results: [
    { action: 'freeze_agent', success: true, completed_at: at(2) },
    { action: 'disable_airlock', success: true, completed_at: at(1) },
    { action: 'force_vault_relock', success: true, completed_at: at(3) },
  ],
  containment_binding: bindingOf(1),
  contained_at: at(3),
  acknowledgements: [{ person: 'bob', at: at(60), method: 'software', statement_digest: bindingOf(7) }],
  attestation: {
    ...opened.attestation,
    attempt: 2,
    state: 'refused',
    failed_check: 'PCR_NOT_GOLDEN',
    expected: 'sha256 PCR 23 is 1a50, expected 0000',
    at: at(50),
  },
  missing: ['attestation_refused'],
  flags: ['latched', 'attestation_refused'],
};

describe('the timeline of an incident', () => {
  it('tells what it is, what happened in its order, and what it waits for', () => {
    expect(incidentTimeline(refused).replaceAll('\\', '').split('\n')).toEqual([
      '**contained** · latched · attestation_refused',
      '',
      'critical integrity_violation on node-1',
      '',
      '- `12:00:00Z` opened by test',
      '- `12:00:01Z` disable_airlock holds',
      '- `12:00:02Z` freeze_agent holds',
      '- `12:00:03Z` force_vault_relock holds',
      '- `12:00:03Z` contained: every action holds',
      '- `12:00:50Z` attestation 2 **refused**: PCR_NOT_GOLDEN: sha256 PCR 23 is 1a50, expected 0000',
      '- `12:01:00Z` acknowledged by bob (software)',
      '',
      'Missing before it can be resolved:',
      '',
      '- **attestation_refused**: the latest re-attestation was refused: mend what it names, and ask for another',
      '',
      '`reseal incident get INC-20260314-120000-0001` tells the commands.',
    ]);
  });

  it('names the action that does not hold, and why', () => {
    const results = [
      { action: 'freeze_agent' as const, success: false, error: 'connect ECONNREFUSED', completed_at: at(9) },
    ];
    const text = incidentTimeline({ ...opened, state: 'containment_failed', containment_results: results });
    expect(text.replaceAll('\\', '')).toContain(
      '- `12:00:09Z` freeze_agent **failed**, and is tried again: connect ECONNREFUSED',
    );
  });

  it('says when nothing but a person is missing', () => {
    expect(incidentTimeline({ ...refused, missing: [] })).toContain('Nothing is missing: somebody has to resolve it.');
  });

  it('tells the release in its order, and wants nothing of anybody afterwards', () => {
    const health = { integrity: 'trusted', attestor: 'trusted', incident_recorder: null, trusted: false, at: at(102) };
    const released = [{ action: 'freeze_agent' as const, success: true, completed_at: at(101) }];
    const resolve = { at: at(100), by: 'bob', missing: [] };
    const end = { state: 'resolved', missing: [], flags: [], resolved_at: at(103), ended_at: at(103) } as const;
    const text = incidentTimeline({ ...refused, ...end, flags: [], missing: [], released, health, resolve });
    expect(text.replaceAll('\\', '').split('\n').slice(-4)).toEqual([
      '- `12:01:40Z` bob asked to resolve it',
      '- `12:01:41Z` freeze_agent undone',
      '- `12:01:42Z` integrity says trusted, attestor says trusted, incident recorder says nothing',
      '- `12:01:43Z` ended: **resolved**',
    ]);
  });

  it('keeps the words of a hostile host and sensor inside their own line, and stays under 10 KiB', () => {
    const hostile = '\n\n# [x](https://evil.example) ![y](https://evil.example) <img src=x> | `c` ';
    const long = `${hostile}${'<'.repeat(5_000)}`;
    const text = incidentTimeline({
      ...refused,
      source: long,
      attestation: { ...refused.attestation, failed_check: long, expected: long },
      containment_results: Array.from({ length: 8 }, () => ({
        action: 'log_alert' as const,
        success: false,
        error: long,
        completed_at: at(4),
      })),
      health: { integrity: long, attestor: long, incident_recorder: long, trusted: false, at: at(90) },
    });
    expect(text).not.toMatch(/(?<!\\)[[\]<>#|]/);
    expect(text.split('\n').filter((line) => line.startsWith('- `'))).toHaveLength(13);
    expect(new TextEncoder().encode(text).length).toBeLessThan(10 * 1024);
  });
});
