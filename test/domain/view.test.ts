import { describe, expect, it } from 'vitest';
import { ENDS, PHASES, type CeremonyState } from '../../domain/ceremony-state.js';
import { sentinelStatus, viewOf } from '../../domain/view.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

describe('Sentinel’s status', () => {
  const signed = scene.intentUntil(scene.T0 + scene.HOUR);
  const at = (phase: CeremonyState['phase'], intent: CeremonyState['signed']) =>
    sentinelStatus({ ...run().state, phase, signed: intent });

  it('is none as long as no intent is recorded', () => {
    for (const phase of [...PHASES, ...ENDS]) expect(at(phase, null)).toBeNull();
  });

  it('is active from the intent until the end', () => {
    for (const phase of ['issuing', 'granting', 'active', 'active_unverified', 'resealing'] as const)
      expect(at(phase, signed)).toBe('active');
  });

  it.each([
    ['closed', 'closed'],
    ['revoked', 'closed'],
    ['expired', 'expired'],
    ['not_granted', null],
  ] as const)('is, after %s, %s', (phase, status) => {
    expect(at(phase, signed)).toBe(status);
  });
});

describe('the view of a ceremony', () => {
  it('is a copy: whoever changes it changes no state', () => {
    const ceremony = run().toActive();
    const view = viewOf(ceremony.state);
    view.flags.push('x');
    view.approvals.length = 0;
    view.rollback.confirmed_at = 'x';
    expect(viewOf(ceremony.state)).toMatchObject({ flags: [], approvals: [{}, {}], rollback: { confirmed_at: null } });
  });

  it('has every member from the first moment on, unknown ones null', () => {
    const blank = viewOf(run().state);
    const full = viewOf(run().toResealing().removed().absent().state);
    expect(Object.keys(blank)).toEqual(Object.keys(full));
    expect(blank).toMatchObject({
      event_id: scene.EVENT,
      state: 'requested',
      status: null,
      profile: null,
      approvals: [],
    });
    expect(JSON.stringify(blank)).not.toContain('undefined');
  });

  it('tells what was asked, by whom, who approved and until when', () => {
    const ceremony = run().toActive();
    expect(viewOf(ceremony.state)).toMatchObject({
      workflow_id: `breakglass/${scene.EVENT}`,
      profile: 'global-admin',
      reason_code: 'incident',
      justification: scene.REQUEST.justification,
      invoker: 'alice@example.test',
      principal: 'pat@example.test',
      status: 'active',
      state: 'active',
      approvals: [
        { approver: 'bob@example.test', method: 'software' },
        { approver: 'carol@example.test', method: 'software' },
      ],
      approvals_wanted: 2,
      expires_at: new Date(ceremony.deadline).toISOString(),
      dead_man_at: new Date(ceremony.deadline + 10 * scene.MINUTE).toISOString(),
      ticket: 'INC-1',
      policy_digest: scene.POLICY_DIGEST,
      request_digest: scene.REQUEST_DIGEST,
    });
  });

  it('tells who ended it and why, also while it reseals', () => {
    const ceremony = run().toActive().say(scene.sam, 'kill');
    expect(viewOf(ceremony.state)).toMatchObject({
      state: 'resealing',
      cause: 'kill',
      ended_by: 'sam',
      mark: 'pending',
    });
    expect(viewOf(ceremony.marked().state).mark).toBe('standing');
  });

  it('carries no signature, key or envelope', () => {
    const shown = JSON.stringify(viewOf(run().toActive().state));
    for (const secret of ['signature', 'envelope', 'payload']) expect(shown).not.toContain(secret);
  });
});
