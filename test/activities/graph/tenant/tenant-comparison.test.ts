import { describe, expect, it } from 'vitest';

import { absenceOutcomeSchema, surveyOutcomeSchema, type Survey } from '../../../../domain/outcomes.js';
import type { Request } from '../../../../domain/request.js';
import { runAttempts } from '../attempts.js';
import { grantedIn, inAWorld, MINUTE } from '../in-a-world.js';
import { ADMIN, BOB, SECURITY_READER, USER_ADMINISTRATOR, type World } from '../world.js';

const POLICY = 'ca000000-0000-4000-8000-000000000001';
const APPLICATION = 'a9900000-0000-4000-8000-000000000001';
const POLICIES = '/identity/conditionalAccess/policies';

let world: World;
let signed: ReturnType<World['intent']>;
inAWorld((fresh) => {
  world = fresh;
  signed = world.intent();
});

/** A tenant with a policy and an application, surveyed for a tier-0 role unless said otherwise. */
async function surveyed(tier0 = true): Promise<Survey> {
  await world.control('/access-policies', { id: POLICY });
  await world.control('/applications', { id: APPLICATION, app_id: APPLICATION, display_name: 'Portal' });
  const { tuple, event_id, policy_digest } = signed.intent;
  const request: Request = {
    event_id,
    profile: 'user-admin',
    reason_code: 'incident',
    justification: 'the directory needs a hand tonight',
    ticket: null,
    duration_seconds: 1800,
    invoker: { person: 'alice', upn: 'alice@example.test' },
    principal: { object_id: tuple.principal_id, upn: 'alice@example.test' },
    effect: {
      kind: 'entra.directory_role',
      tenant_id: world.tenant,
      role_template_id: USER_ADMINISTRATOR,
      role_name: 'User Administrator',
      directory_scope_id: '/',
      end_sessions: true,
    },
    policy_digest,
    requested_at: '2026-06-01T10:00:00.000Z',
  };
  const input = { request, request_digest: '1'.repeat(64), ...(tier0 ? { tier0: true as const } : {}) };
  const { result } = await runAttempts(world.verifier.survey, input, world.clock);
  const outcome = surveyOutcomeSchema.parse(result);
  if (outcome.outcome !== 'surveyed') throw new Error(outcome.message);
  return outcome.survey;
}

async function removed(): Promise<void> {
  world.clock.advance(10 * MINUTE);
  const { result } = await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
  expect(result).toMatchObject({ outcome: 'removed' });
}

async function confirmed(survey: Survey) {
  const input = { signed, survey, round: 1, settle_until: null, patience: 3, shown: world.shown };
  const ran = await runAttempts(world.verifier.verifyRolledBack, input, world.clock, { maxAttempts: 200 });
  const outcome = absenceOutcomeSchema.parse(ran.result);
  if (outcome.outcome !== 'absent') throw new Error(outcome.outcome);
  return { findings: outcome.findings, entry: world.entry('confirmed'), ...ran };
}

describe('before and after a ceremony for a tier-0 role', () => {
  it('says that nothing else is different, and what that covers', async () => {
    const survey = await surveyed();
    await grantedIn(world, signed);
    await removed();
    const { findings, entry, attempts } = await confirmed(survey);
    expect(attempts).toBe(5);
    expect(findings).toEqual([]);
    expect(entry).toMatchObject({ tenant_difference_count: 0, tenant_not_compared: [], tenant_differences: [] });
    const parts = (told: unknown): unknown[] => (told as { part: string; count: number }[]).map(({ count }) => count);
    expect(parts(entry['tenant_after'])).toEqual([0, 0, 1, 1]);
    expect(entry['tenant_after']).toEqual(world.entry('surveyed')['tenant']);
  });

  it('names what others changed in the window, and who where that can be said', async () => {
    const survey = await surveyed();
    await grantedIn(world, signed);
    await world.control('/assignments', { principal_id: BOB, role_definition_id: SECURITY_READER });
    await world.control('/eligibilities', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
    await world.control('/access-policies', { id: POLICY, state: 'disabled' });
    await world.graph('POST', `/applications/${APPLICATION}/addPassword`, `user:${ADMIN}:mfa`, {});
    await removed();
    const { findings, entry } = await confirmed(survey);
    const rows = entry['tenant_differences'] as { part: string; change: string; verdict: string; by: string | null }[];
    expect(rows.map(({ part, change }) => `${change} ${part}`)).toEqual([
      'added assignments',
      'added eligibilities',
      'changed access_policies',
      'changed applications',
    ]);
    expect(rows[0]).toMatchObject({ verdict: 'foreign', by: ADMIN });
    expect(findings.filter(({ code }) => code === 'foreign_change')).toHaveLength(4);
    expect(findings[0]?.detail).toContain(BOB);
  });

  it('leaves out what another ceremony explains', async () => {
    const survey = await surveyed();
    await grantedIn(world, signed);
    const other = world.intent({
      event_id: 'fedcba9876543210',
      tuple: { ...signed.intent.tuple, principal_id: BOB, role_template_id: SECURITY_READER },
    });
    await grantedIn(world, other);
    await removed();
    const { findings, entry } = await confirmed(survey);
    expect(entry['tenant_differences']).toMatchObject([{ part: 'assignments', verdict: 'explained' }]);
    expect(findings).toEqual([]);
  });

  it('ends also where a part cannot be read, says so, and calls nothing absent', async () => {
    const survey = await surveyed();
    await grantedIn(world, signed);
    await removed();
    await world.fault({ method: 'GET', path: POLICIES, effect: 'status', status: 403, times: null });
    const { findings, entry, failures } = await confirmed(survey);
    expect(failures.map(({ type }) => type)).toContain('snapshot_incomplete');
    expect(entry['tenant_not_compared']).toEqual([{ part: 'access_policies', code: 'Authorization_RequestDenied' }]);
    expect(entry['tenant_differences']).toEqual([]);
    expect(findings).toEqual([]);
  });

  it('surveys also where a part cannot be read, after some tries', async () => {
    await world.fault({ method: 'GET', path: POLICIES, effect: 'status', status: 403, times: null });
    const survey = await surveyed();
    expect(survey.tenant?.find(({ part }) => part === 'access_policies')).toMatchObject({ state: 'unreadable' });
    expect(survey.tenant?.filter(({ state }) => state === 'read')).toHaveLength(3);
  });

  it('does not tell what a single stale read showed', async () => {
    const survey = await surveyed();
    await grantedIn(world, signed);
    await removed();
    // A policy that another changes and puts back is shown by replicas in between.
    await world.control('/access-policies', { id: POLICY, state: 'disabled' });
    const input = { signed, survey, round: 1, settle_until: null, patience: 3, shown: world.shown };
    let looked = false;
    const ran = await runAttempts(world.verifier.verifyRolledBack, input, world.clock, {
      maxAttempts: 200,
      before: async (attempt) => {
        if (attempt !== 6) return;
        looked = true;
        await world.control('/access-policies', { id: POLICY, state: 'enabled' });
      },
    });
    expect(looked).toBe(true);
    expect(ran.result).toMatchObject({ outcome: 'absent', findings: [] });
  });
});

describe('for any other role', () => {
  it('reads nothing of the tenant, before or after', async () => {
    const survey = await surveyed(false);
    expect(survey).not.toHaveProperty('tenant');
    await grantedIn(world, signed);
    await removed();
    const { entry } = await confirmed(survey);
    expect(entry).not.toHaveProperty('tenant_after');
    const { calls } = await world.truth();
    expect(calls.filter(({ path }) => path.includes('/applications') || path.includes(POLICIES))).toEqual([]);
  });
});
