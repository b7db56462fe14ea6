import { describe, expect, it } from 'vitest';

import { surveyOutcomeSchema } from '../../../../domain/outcomes.js';
import type { EffectOf } from '../../../../domain/effects/effects.js';
import type { Request } from '../../../../domain/request.js';
import { isoSeconds } from '../../../../activities/graph/pim/role-rules.js';
import { digestOf } from '../../../../proofs/canonical-json.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { applyIn, inAWorld } from '../in-a-world.js';
import { ALICE, BOB, SECURITY_READER, USER_ADMINISTRATOR, type World } from '../world.js';

let world: World;
const freshWorld = inAWorld((fresh) => {
  world = fresh;
});

function request(change: Partial<Request> = {}, effect: Partial<EffectOf<'entra.directory_role'>> = {}): Request {
  return {
    event_id: '0123456789abcdef',
    profile: 'user-admin',
    reason_code: 'incident',
    justification: 'the directory needs a hand tonight',
    ticket: null,
    duration_seconds: 1800,
    invoker: { person: 'alice', upn: 'alice@example.test' },
    principal: { object_id: ALICE, upn: 'Alice@Example.test' },
    effect: {
      kind: 'entra.directory_role',
      tenant_id: world.tenant,
      role_template_id: USER_ADMINISTRATOR,
      role_name: 'User Administrator',
      directory_scope_id: '/',
      end_sessions: true,
      ...effect,
    },
    policy_digest: '2'.repeat(64),
    requested_at: '2026-06-01T10:00:00.000Z',
    ...change,
  };
}

async function survey(asked = request(), options: RunOptions = {}) {
  const input = { request: asked, request_digest: '1'.repeat(64) };
  const ran = await runAttempts(world.verifier.survey, input, world.clock, options);
  expect(surveyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}

describe('surveying a target', () => {
  it('keeps every holder of the role and everything the principal has, and binds them by a digest', async () => {
    await world.control('/assignments', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: SECURITY_READER, via: 'direct' });
    await world.control('/eligibilities', { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR });
    const { result } = await survey();
    if (result.outcome !== 'surveyed') throw new Error(result.code);
    expect(result.survey.holders).toHaveLength(1);
    expect(result.survey.holders[0]).toMatch(new RegExp(`^${BOB}\\|${USER_ADMINISTRATOR}\\|/\\|`));
    expect(result.survey.principal_assignments).toHaveLength(2);
    expect(result.survey.principal_assignments.some((key) => key.startsWith('eligible:'))).toBe(true);
    expect(world.entry('surveyed')).toMatchObject({ outcome: 'surveyed', survey_digest: digestOf(result.survey) });
  });

  it('reads the role across pages', async () => {
    await world.control('/assignments', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
    for (let number = 0; number < 120; number += 1) {
      const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      await world.control('/users', { id, user_principal_name: `u${number}@example.test` });
      await world.control('/assignments', { principal_id: id, role_definition_id: USER_ADMINISTRATOR });
    }
    const { result } = await survey();
    expect(result.outcome === 'surveyed' && result.survey.holders.length).toBe(121);
  });

  it('waits for a principal that was just created', async () => {
    const id = 'c0ffee00-0000-4000-8000-000000000001';
    const { result, attempts } = await survey(request({ principal: { object_id: id, upn: 'new@example.test' } }), {
      before: async (attempt) => {
        if (attempt === 2) await world.control('/users', { id, user_principal_name: 'new@example.test' });
      },
    });
    expect(result.outcome).toBe('surveyed');
    expect(attempts).toBe(2);
  });

  it('goes on after reads that failed', async () => {
    await world.fault({ method: 'GET', path: '/roleManagement', effect: 'html', status: 502, times: 2 });
    const { result, failures } = await survey();
    expect(result.outcome).toBe('surveyed');
    expect(failures.length).toBeGreaterThan(0);
  });
});

describe('refusing a target', () => {
  const refusal = async (asked: Request): Promise<string | undefined> => {
    const { result } = await survey(asked);
    if (result.outcome === 'surveyed') return undefined;
    expect(world.entry('surveyed')).toMatchObject({ outcome: 'refused', code: result.code });
    return result.code;
  };

  it('that is not there, after looking four times', async () => {
    const asked = request({ principal: { object_id: 'dead0000-0000-4000-8000-00000000dead', upn: 'x@example.test' } });
    const { result, attempts } = await survey(asked);
    expect(result).toMatchObject({ outcome: 'refused', code: 'principal_not_found' });
    expect(attempts).toBe(4);
  });

  it('that is somebody else than the request says', async () => {
    const principal = { object_id: ALICE, upn: 'bob@example.test' };
    expect(await refusal(request({ principal }))).toBe('principal_upn_differs');
  });

  it('that is disabled', async () => {
    const user = { id: BOB, user_principal_name: 'bob@example.test', account_enabled: false };
    await world.control('/users', user);
    const principal = { object_id: BOB, upn: 'bob@example.test' };
    expect(await refusal(request({ principal }))).toBe('principal_disabled');
  });

  it('that is protected', async () => {
    world.protectedIds.add(ALICE);
    expect(await refusal(request())).toBe('principal_protected');
  });

  it('whose role is unknown or called otherwise', async () => {
    const unknown = { role_template_id: 'dead0000-0000-4000-8000-00000000dead' };
    expect(await refusal(request({}, unknown))).toBe('role_not_found');
    expect(await refusal(request({}, { role_name: 'Security Reader' }))).toBe('role_name_differs');
  });

  it('whose role’s policy does not allow the timebox and the grace after it', async () => {
    await world.control('/policies', { max_active_duration: 'PT30M' });
    expect(await refusal(request())).toBe('policy_forbids_duration');
    await world.control('/policies', { max_active_duration: 'PT40M' });
    expect(await refusal(request())).toBeUndefined();
  });

  it('that has the role already, or is about to', async () => {
    const tuple = { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR };
    await world.control('/assignments', { ...tuple, starts_at: '2026-06-01T12:00:00Z' });
    expect(await refusal(request())).toBe('foreign_assignment');
    await world.control('/assignments', { ...tuple, via: 'direct' });
    expect(await refusal(request())).toBe('foreign_assignment');
  });
});

describe('surveying again what an earlier run of the same event was granted', () => {
  const grant = async (event_id: string): Promise<void> => {
    const { result } = await applyIn(world, world.intent({ event_id }));
    expect(result.outcome).toBe('granted');
  };

  it('counts it neither as foreign nor as part of what was there before', async () => {
    await grant(request().event_id);
    const { result } = await survey();
    expect(result).toMatchObject({ outcome: 'surveyed', survey: { holders: [], principal_assignments: [] } });
  });

  it('refuses all the same when it is of another event, or somebody else’s stands beside it', async () => {
    await grant('ffffffffffffffff');
    expect((await survey()).result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment' });
    world = freshWorld();
    await grant(request().event_id);
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR, via: 'direct' });
    expect((await survey()).result).toMatchObject({ outcome: 'refused', code: 'foreign_assignment' });
  });
});

describe('isoSeconds', () => {
  it('reads days and times, and nothing that it could misread', () => {
    expect(['PT8H', 'P180D', 'P1DT1H1M1S', 'PT0S'].map(isoSeconds)).toEqual([28_800, 15_552_000, 90_061, 0]);
    expect(['P1H', 'P1M', 'PT', 'P', '8H', ''].map(isoSeconds)).toEqual(Array(6).fill(undefined));
  });
});
