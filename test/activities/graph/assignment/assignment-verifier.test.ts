import { beforeEach, describe, expect, it } from 'vitest';

import { instant } from '../../../../domain/identifiers.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import { auditOutcomeSchema, watchOutcomeSchema, type Survey } from '../../../../domain/outcomes.js';
import { ASSIGNER, ASSIGNMENTS, AssignmentWorld } from './assignment-world.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ADMIN, ALICE, BOB, SECURITY_READER, type World } from '../world.js';

let world: World;
let plain: AssignmentWorld;
let survey: Survey;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
});
beforeEach(async () => {
  plain = new AssignmentWorld(world);
  survey = await plain.surveyed();
  signed = plain.intent();
});

async function removed(): Promise<void> {
  world.clock.advance(10 * MINUTE);
  await plain.rollback(signed);
}

describe('surveying a plain role assignment', () => {
  const refusal = async (over: object = {}) => {
    const outcome = await plain.survey(plain.request(over));
    return outcome.outcome === 'refused' ? outcome.code : outcome.outcome;
  };

  it('refuses what stands already, or is something else than asked', async () => {
    expect(await refusal()).toBe('surveyed');
    expect(await refusal({ role_name: 'Reader' })).toBe('role_name_differs');
    expect(await refusal({ role_template_id: ADMIN })).toBe('role_not_found');
    world.protectedIds.add(ALICE);
    expect(await refusal()).toBe('principal_protected');
    world.protectedIds.delete(ALICE);
    await plain.outside();
    expect(await refusal()).toBe('foreign_assignment');
  });

  it('asks nothing of PIM, which the tenant may not have', async () => {
    const { calls } = await world.truth();
    expect(calls.filter(({ path }) => path.includes('Schedule'))).toEqual([]);
    expect(world.entry('surveyed')).toMatchObject({
      tool: 'breakglass.microsoft_graph.read_plain_role_assignment',
    });
  });
});

describe('while it stands', () => {
  const verify = async () => (await runAttempts(plain.verifier.verify, { signed, survey }, world.clock)).result;
  const watch = async (over = survey, options: RunOptions = {}) => {
    const { result } = await runAttempts(plain.verifier.watch, { signed, survey: over }, world.clock, options);
    return watchOutcomeSchema.parse(result);
  };

  it('is seen by three agreeing reads, and so is who else got the role', async () => {
    const assignment_id = await plain.granted(signed);
    expect(await verify()).toMatchObject({ outcome: 'present', ends_at: null, findings: [] });
    expect(world.entry('verified')).toMatchObject({ assignment_id });
    await plain.outside({ principal_id: BOB });
    world.clock.advance(10 * MINUTE);
    expect((await verify()).findings).toMatchObject([{ code: 'foreign_change' }]);
  });

  it('is not seen where it does not stand', async () => {
    await expect(
      runAttempts(plain.verifier.verify, { signed, survey }, world.clock, { maxAttempts: 5 }),
    ).rejects.toThrow('not_yet_agreed');
  });

  it('is watched: what the principal gave to another is told once, and that ours is gone', async () => {
    await plain.granted(signed);
    await expect(watch(survey, { maxAttempts: 1 })).rejects.toThrow('nothing_new');
    await plain.outside({ principal_id: BOB, created_by_user: ALICE });
    world.clock.advance(10 * MINUTE);
    const told = await watch();
    expect(told.findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
    const next = { ...survey, holders: told.holders };
    await expect(watch(next, { maxAttempts: 1 })).rejects.toThrow('nothing_new');
    await plain.outside({ remove: true });
    const gone = await watch(next);
    expect(gone.findings).toMatchObject([{ code: 'provider_ended_early' }]);
    await expect(watch({ ...survey, holders: gone.holders }, { maxAttempts: 1 })).rejects.toThrow('nothing_new');
  });

  it('is watched no longer than until its deadline', async () => {
    await plain.granted(signed);
    world.clock.advance(31 * MINUTE);
    await expect(watch(survey, { maxAttempts: 1 })).rejects.toThrow('watch_over');
  });
});

describe('once it is taken back', () => {
  it('is confirmed by five agreeing reads, with what else changed', async () => {
    await plain.granted(signed);
    await plain.outside({ role_definition_id: SECURITY_READER });
    await removed();
    const { outcome, attempts } = await plain.checked(signed, survey);
    expect(outcome).toMatchObject({ outcome: 'absent', findings: [{ code: 'foreign_change' }] });
    expect(attempts).toBe(5);
    expect(world.entry('confirmed')).toMatchObject({ reads_agreeing: 5, dead_man: null });
  });

  it('is present when our own still stands, and will be removed again', async () => {
    await plain.granted(signed);
    world.clock.advance(10 * MINUTE);
    expect((await plain.checked(signed, survey)).outcome.outcome).toBe('present');
    expect(world.entry('reappeared')).toMatchObject({ present_reads: 3 });
  });

  it('waits for the audit log where another gave it again, and then leaves it', async () => {
    await plain.granted(signed);
    await removed();
    world.clock.advance(10 * MINUTE);
    await plain.outside();
    const { outcome, failures } = await plain.checked(signed, survey);
    expect(failures.map(({ type }) => type)).toContain('assignment_unattributed');
    const findings = outcome.outcome === 'absent' ? outcome.findings : [];
    expect(findings.find(({ code }) => code === 'foreign_assignment')?.detail).toContain(ADMIN);
    expect(await plain.standing()).toHaveLength(1);
  });

  it('calls it ours where nobody can be named for it after ten minutes', async () => {
    await plain.granted(signed);
    await removed();
    await world.control('/audits', { latency_seconds: 86_400 });
    await plain.outside();
    expect((await plain.checked(signed, survey)).outcome.outcome).toBe('present');
  });

  it('leaves what stands alone where nothing of ours was ever made', async () => {
    await plain.outside();
    const { outcome } = await plain.checked(signed, survey, { refused: true });
    const findings = outcome.outcome === 'absent' ? outcome.findings : [];
    expect(findings.map(({ code }) => code)).toContain('foreign_assignment');
    expect(await plain.standing()).toHaveLength(1);
  });

  it('is present though a workflow was made to believe that the grant was refused: the log says whose it is', async () => {
    await plain.granted(signed);
    world.clock.advance(10 * MINUTE);
    expect((await plain.checked(signed, survey, { refused: true })).outcome.outcome).toBe('present');
  });

  it('does not take a failed read for absence', async () => {
    await plain.granted(signed);
    await removed();
    await world.fault({ method: 'GET', path: ASSIGNMENTS, effect: 'status', status: 503, times: 4 });
    const { outcome, attempts } = await plain.checked(signed, survey);
    expect(outcome.outcome).toBe('absent');
    expect(attempts).toBe(9);
  });
});

describe('the audit log, minutes later', () => {
  async function audited() {
    const ended_at = instant(world.clock.now());
    const { result } = await runAttempts(plain.verifier.audit, { signed, ended_at }, world.clock);
    return { outcome: auditOutcomeSchema.parse(result).outcome, entry: world.entry('audited') };
  }

  it('names both changes, and nobody else', async () => {
    await plain.granted(signed);
    await removed();
    const { outcome, entry } = await audited();
    expect(outcome).toBe('audited');
    expect(entry).toMatchObject({ added: { by: ASSIGNER }, removed: { by: ASSIGNER }, others: [] });
  });

  it('names who took ours away and gave it again', async () => {
    await plain.granted(signed);
    world.clock.advance(MINUTE);
    await plain.outside({ remove: true });
    world.clock.advance(MINUTE);
    await plain.outside();
    await removed();
    const { entry } = await audited();
    expect(entry).toMatchObject({ removed: { by: ADMIN }, others: [{ by: ADMIN }] });
  });

  it('does not take somebody else’s assignment for ours', async () => {
    await plain.outside();
    world.clock.advance(MINUTE);
    await plain.outside({ remove: true });
    expect((await audited()).outcome).toBe('missing');
  });
});
