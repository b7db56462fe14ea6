import { beforeEach, describe, expect, it } from 'vitest';

import { instant } from '../../../../domain/identifiers.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import { auditOutcomeSchema, watchOutcomeSchema, type Survey } from '../../../../domain/outcomes.js';
import { AccessWorld, POLICY, type AccessKind } from './access-world.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ADMIN, ALICE, BOB, type World } from '../world.js';

let world: World;
let access: AccessWorld;
let survey: Survey;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
});
beforeEach(async () => {
  access = new AccessWorld(world);
  await access.policy({ exclude_users: [BOB] });
  world.clock.advance(10 * MINUTE);
  survey = await access.surveyed();
  signed = access.intent();
});

async function removed(of = signed): Promise<void> {
  world.clock.advance(10 * MINUTE);
  await access.rollback(of);
}

describe('surveying a policy', () => {
  const refusal = async (kind: AccessKind, over: object = {}) => {
    const outcome = await access.survey(access.request(kind, over));
    return outcome.outcome === 'refused' ? outcome.code : outcome.outcome;
  };

  it('keeps what it says, and binds it by a digest', () => {
    expect(survey.holders).toEqual(expect.arrayContaining(['state:enabled', `excluded:${BOB}`]));
    expect(world.entry('surveyed')).toMatchObject({ policy: { policy_id: POLICY, excluded_count: 1 } });
  });

  it('refuses what would change nothing, or something else than asked', async () => {
    expect(await refusal('entra.ca_exclusion')).toBe('surveyed');
    expect(await refusal('entra.ca_policy')).toBe('surveyed');
    expect(await refusal('entra.ca_exclusion', { policy_name: 'Another' })).toBe('policy_name_differs');
    expect(await refusal('entra.ca_exclusion', { policy_id: ADMIN })).toBe('policy_not_found');
    await access.policy({ exclude_users: [ALICE] });
    expect(await refusal('entra.ca_exclusion')).toBe('already_excluded');
    await access.policy({ exclude_users: [], include_users: [BOB] });
    expect(await refusal('entra.ca_exclusion')).toBe('policy_does_not_hold');
    await access.policy({ state: 'disabled' });
    expect(await refusal('entra.ca_policy')).toBe('policy_not_enabled');
    world.protectedIds.add(POLICY);
    expect(await refusal('entra.ca_policy')).toBe('protected_policy');
  });
});

describe('while it stands', () => {
  const verify = async () => (await runAttempts(access.verifier.verify, { signed, survey }, world.clock)).result;
  const watch = async (over = survey, options: RunOptions = {}) => {
    const { result } = await runAttempts(access.verifier.watch, { signed, survey: over }, world.clock, options);
    return watchOutcomeSchema.parse(result);
  };

  it('is seen by three agreeing reads, with what others changed', async () => {
    await access.granted(signed);
    expect(await verify()).toMatchObject({ outcome: 'present', ends_at: null, findings: [] });
    await access.policy({ exclude_users: [BOB, ALICE, ADMIN] });
    expect((await verify()).findings).toMatchObject([{ code: 'foreign_change' }]);
  });

  it('is watched: another’s change is told once, and that ours is gone', async () => {
    await access.granted(signed);
    await expect(watch(survey, { maxAttempts: 1 })).rejects.toThrow('nothing_new');
    await access.policy({ exclude_users: [ALICE] });
    const told = await watch();
    expect(told.findings).toMatchObject([{ code: 'foreign_change' }]);
    expect(told.findings[0]?.detail).toContain(BOB);
    const next = { ...survey, holders: told.holders };
    await expect(watch(next, { maxAttempts: 1 })).rejects.toThrow('nothing_new');
    await access.policy({ exclude_users: [] });
    expect((await watch(next)).findings).toMatchObject([{ code: 'provider_ended_early' }]);
  });
});

describe('once it is taken back', () => {
  it('is confirmed by five agreeing reads, and says that the policy holds again', async () => {
    await access.granted(signed);
    await removed();
    const { outcome, attempts } = await access.checked(signed, survey);
    expect(outcome).toMatchObject({ outcome: 'absent', findings: [] });
    expect(attempts).toBe(5);
    expect(world.entry('confirmed')).toMatchObject({ effective: { holds: 'yes' }, policy: { state: 'enabled' } });
  });

  it('says what others changed, and where the policy does not hold for other reasons', async () => {
    await access.granted(signed);
    await access.policy({ state: 'enabledForReportingButNotEnforced' });
    await removed();
    const { outcome } = await access.checked(signed, survey);
    const details = outcome.outcome === 'absent' ? outcome.findings.map(({ detail }) => detail).join('\n') : '';
    expect(details).toContain('enabledForReportingButNotEnforced');
    expect(details).toContain('does not hold');
    expect(world.entry('confirmed')).toMatchObject({ effective: { holds: 'no' } });
  });

  it('is present when our own write comes to be seen after all, and will be removed again', async () => {
    await access.granted(signed);
    world.clock.advance(10 * MINUTE);
    const { outcome } = await access.checked(signed, survey);
    expect(outcome.outcome).toBe('present');
    expect(world.entry('reappeared')).toMatchObject({ present_reads: 3 });
  });

  it('waits for the audit log where another has put it back, and then leaves it', async () => {
    await access.granted(signed);
    await removed();
    await access.policy({ exclude_users: [BOB, ALICE] });
    const { outcome, failures } = await access.checked(signed, survey);
    expect(failures.map(({ type }) => type)).toContain('policy_unattributed');
    expect(outcome).toMatchObject({ outcome: 'absent' });
    const findings = outcome.outcome === 'absent' ? outcome.findings : [];
    expect(findings.find(({ code }) => code === 'foreign_assignment')?.detail).toContain(ADMIN);
    expect((await access.truth()).excluded).toContain(ALICE);
  });

  it('calls it ours where nobody can be named for it after ten minutes', async () => {
    await access.granted(signed);
    await removed();
    await world.control('/audits', { latency_seconds: 86_400 });
    await access.policy({ exclude_users: [BOB, ALICE] });
    expect((await access.checked(signed, survey)).outcome.outcome).toBe('present');
  });

  it('leaves what stands alone where nothing of ours was ever made', async () => {
    await access.policy({ exclude_users: [BOB, ALICE] });
    const { outcome } = await access.checked(signed, survey, { refused: true });
    expect(outcome).toMatchObject({ outcome: 'absent' });
    expect(world.entry('confirmed')).toMatchObject({ effective: { holds: 'no' } });
  });

  it('is confirmed whatever the policy was called meanwhile', async () => {
    await access.granted(signed);
    await access.policy({ display_name: `${'a'.repeat(199)}😀`, exclude_users: [BOB, ALICE] });
    await removed();
    expect(world.entry('removal')).toMatchObject({ outcome: 'removed' });
    expect((await access.checked(signed, survey)).outcome).toMatchObject({ outcome: 'absent' });
  });

  it('believes its own log, and not who says that every answer was a refusal', async () => {
    await access.granted(signed);
    const { outcome } = await access.checked(signed, survey, { refused: true });
    expect(outcome.outcome).toBe('present');
    expect((await access.rollback(signed)).result).toMatchObject({ outcome: 'removed' });
  });

  it('asks no log about what was there before anything was issued', async () => {
    await access.policy({ exclude_users: [BOB, ALICE] });
    world.clock.advance(10 * MINUTE);
    await world.control('/audits', { latency_seconds: 86_400 });
    const intent = access.intent();
    const shown = [world.said(intent, { type: 'not_granted' })];
    const { outcome, attempts } = await access.checked(intent, survey, { refused: true, shown });
    expect(outcome).toMatchObject({ outcome: 'absent' });
    expect(attempts).toBe(5);
  });

  it('does not take a failed read for absence', async () => {
    await access.granted(signed);
    await removed();
    await world.fault({
      method: 'GET',
      path: `/identity/conditionalAccess/policies`,
      effect: 'status',
      status: 503,
      times: 4,
    });
    const { outcome, attempts } = await access.checked(signed, survey);
    expect(outcome.outcome).toBe('absent');
    expect(attempts).toBe(9);
  });
});

describe('the logs, minutes later', () => {
  async function audited(of = signed) {
    const ended_at = instant(world.clock.now());
    const { result } = await runAttempts(access.verifier.audit, { signed: of, ended_at }, world.clock);
    return { outcome: auditOutcomeSchema.parse(result), entry: world.entry('audited') };
  }
  const signIn = (user_id: string, minutes: number) =>
    world.control('/sign-ins', {
      user_id,
      at: instant(world.clock.now() + minutes * MINUTE),
      policies: [{ id: POLICY, result: 'notApplied' }],
    });

  it('name both changes and the sign-ins of the window, without addresses', async () => {
    await access.granted(signed);
    await signIn(ALICE, 1);
    await signIn(BOB, 1);
    await signIn(ALICE, 60);
    await removed();
    const { outcome, entry } = await audited();
    expect(outcome.outcome).toBe('audited');
    expect(entry).toMatchObject({ others: [], others_count: 0, undone: [] });
    expect(entry['sign_ins']).toMatchObject({
      of: ALICE,
      count: 1,
      complete: true,
      rows: [{ user_id: ALICE, policy_result: 'notApplied', error_code: 0 }],
    });
    expect(JSON.stringify(entry)).not.toContain('192.0.2.7');
  });

  it('are everybody’s where the policy was off for everybody', async () => {
    const off = access.intent('entra.ca_policy');
    await access.granted(off);
    await signIn(BOB, 1);
    await removed(off);
    expect((await audited(off)).entry['sign_ins']).toMatchObject({ of: null, count: 1, rows: [{ user_id: BOB }] });
  });

  it('tell who else changed the policy', async () => {
    await access.granted(signed);
    await access.policy({ exclude_users: [BOB, ALICE, ADMIN] });
    await removed();
    const { entry } = await audited();
    expect(entry).toMatchObject({ others: [{ by: ADMIN }], others_count: 1, undone: [] });
  });

  it('tell that a write of ours undid another’s, should it ever have', async () => {
    await access.granted(signed);
    await world.control('/access-policies', { id: POLICY, exclude_users: [BOB, ALICE, ADMIN] });
    await world.control('/access-policies', {
      id: POLICY,
      exclude_users: [BOB],
      created_by_app: '44444444-0000-4000-8000-000000000004',
    });
    expect((await audited()).entry['undone']).toMatchObject([{ added: [], removed: [ADMIN] }]);
  });

  it('are said to be unreadable where they are, and not waited for', async () => {
    await access.granted(signed);
    await removed();
    await world.fault({ method: 'GET', path: '/auditLogs/signIns', effect: 'status', status: 403, times: null });
    const { outcome, entry } = await audited();
    expect(outcome.outcome).toBe('audited');
    expect(entry['sign_ins']).toEqual({ unreadable: 'Authorization_RequestDenied' });
  });

  it('are missing after a day', async () => {
    await access.granted(signed);
    await removed();
    await world.control('/audits', { latency_seconds: 90_000 });
    expect((await audited()).outcome.outcome).toBe('missing');
  });
});
