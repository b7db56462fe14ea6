import { describe, expect, it } from 'vitest';

import type { EntryPayload, EntryType } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import type { OnKill } from '../../domain/on-kill.js';
import type { ProvenAuthority, ProvenEntry } from '../../proofs/bundle-authority.js';
import { proveKill } from '../../proofs/bundle-kill.js';
import { BundleFindings } from '../../proofs/bundle-report.js';
import { ceremony, told } from './told-ceremony.js';

const AT = '2026-06-01T10:00:00.000Z';
const APPLICATION = 'a9900000-0000-4000-8000-000000000001';
const ON_KILL: OnKill = {
  triggers: ['operator_statement'],
  end_sessions: false,
  report_granted: true,
  rotate: [{ kind: 'application_secret', application_id: APPLICATION, sink: 'vault' }],
  disable_account: true,
};
const ROTATED = { result: 'done', code: null, kind: 'application_secret', target_id: APPLICATION, sink: 'vault' };

/** Nothing here looks at it: who signed an entry is found out before. */
const NOBODYS = { payloadType: '', payload: '', signatures: [] };

const entry = (type: EntryType, transition: string, data: Record<string, unknown>): EntryPayload => ({
  schema: 'reseal.entry.v1',
  event_id: ceremony.request.event_id,
  transition,
  type,
  at: AT,
  data,
});

/** What is found of these entries under an intent that says this of a kill, and after such an end. */
function proven(on_kill: OnKill | undefined, entries: readonly EntryPayload[], cause = 'kill') {
  const intent: Intent = { ...ceremony.intent, ...(on_kill === undefined ? {} : { on_kill }) };
  const findings = new BundleFindings();
  findings.facts.cause = cause;
  const listed = entries.map((one, index): ProvenEntry => ({ seq: index + 1, entry: one, body: NOBODYS }));
  proveKill({ intent: { intent } } as unknown as ProvenAuthority, listed, findings);
  return { actions: findings.facts.kill_actions, errors: findings.errors, unproven: findings.notVerified };
}

const rotated = entry('credential_rotated', 'rotate/0', ROTATED);
const disabled = entry('account_disabled', 'account_disabled', { result: 'done', code: null, was_enabled: true });
const listed = entry('granted_listed', 'granted_listed', { total: 2, settled: false, granted: [] });

describe('what a kill did besides the removal, in a bundle', () => {
  it('is told by the roles that did it', () => {
    const { actions, errors, unproven } = proven(ON_KILL, [rotated, disabled, listed]);
    expect(errors).toEqual([]);
    expect(unproven).toEqual([]);
    expect(actions).toMatchObject([
      { action: 'rotate', target: APPLICATION, result: 'done' },
      { action: 'disable_account', target: ceremony.intent.tuple.principal_id },
      { action: 'report_granted', code: 'granted_2' },
    ]);
  });

  it('is said to be unproven where the kill called for it and nobody answers', () => {
    expect(proven(ON_KILL, [disabled]).unproven).toEqual([
      expect.stringMatching(/^that application_secret of .* was rotated: the kill called for it/),
      expect.stringMatching(/^that what the principal granted to others was listed/),
    ]);
    expect(proven(ON_KILL, [], 'close').unproven).toEqual([]);
    expect(proven(ON_KILL, [], 'deadline').unproven).toEqual([]);
  });

  it.each([
    ['another target', entry('credential_rotated', 'rotate/0', { ...ROTATED, target_id: AT })],
    ['another sink', entry('credential_rotated', 'rotate/0', { ...ROTATED, sink: 'elsewhere' })],
    ['a rotation that the intent does not name', entry('credential_rotated', 'rotate/1', ROTATED)],
    ['no target at all', entry('credential_rotated', 'rotate/0', { result: 'done', code: null })],
  ])('refuses a rotation of %s', (_name, one) => {
    expect(proven(ON_KILL, [one]).errors).toMatchObject([{ code: 'kill_action_unproven', where: 'entries[0].body' }]);
  });

  it('tells which runtimes were told to halt jobs, and refuses one that the intent does not name', () => {
    const on_kill = { ...ON_KILL, halt_job: ['runner', 'agents'] };
    const halted = (runtime: string, index = 0) =>
      entry('job_halted', `job_halted/${index}`, { result: 'done', code: null, runtime, status: 204, jobs: 1 });
    const { actions, errors, unproven } = proven(on_kill, [rotated, disabled, listed, halted('runner')]);
    expect(errors).toEqual([]);
    expect(actions.at(-1)).toMatchObject({ action: 'halt_job', target: 'runner', result: 'done' });
    expect(unproven).toEqual([expect.stringMatching(/^that agents was told to halt jobs: the kill called for it/)]);
    for (const one of [halted('other'), halted('runner', 1), halted('runner', 7)])
      expect(proven(on_kill, [one]).errors).toMatchObject([{ code: 'kill_action_unproven' }]);
    expect(proven(ON_KILL, [halted('runner')]).errors).toHaveLength(1);
  });

  it('refuses all of it under an intent that says nothing of a kill, and in a whole bundle by its place', () => {
    expect(proven(undefined, [rotated, disabled, listed]).errors).toHaveLength(3);
    expect(told((payloads) => [...payloads, listed]).codes).toEqual(['kill_action_unproven entries[12].body']);
  });
});
