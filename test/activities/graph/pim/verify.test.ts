import { describe, expect, it } from 'vitest';

import type { SignedIntent } from '../../../../domain/intent.js';
import { verifyOutcomeSchema, watchOutcomeSchema } from '../../../../domain/outcomes.js';
import { asSigned } from '../../../../domain/watched.js';
import { digestOf } from '../../../../proofs/canonical-json.js';
import { generateRoleKey } from '../../../../proofs/role-key.js';
import { runAttempts, type RunOptions, type StillTrying } from '../attempts.js';
import { grantedIn, inAWorld, MINUTE, NOTHING } from '../in-a-world.js';
import { ADMIN, ALICE, BOB, SECURITY_READER, USER_ADMINISTRATOR, withEmptyList, WRITER, type World } from '../world.js';
import { roleTuple } from '../../../../activities/graph/pim/pim-wire.js';

let world: World;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  signed = world.intent();
});

const granted = (): Promise<void> => grantedIn(world, signed);

async function verify(survey = NOTHING, options: RunOptions = {}) {
  const ran = await runAttempts(world.verifier.verify, { signed, survey }, world.clock, options);
  expect(verifyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}

function signedData(): object {
  const { findings, added, removed } = world.entry('watched');
  return { findings, added, removed };
}

async function watch(survey = NOTHING, options: RunOptions = {}) {
  const ran = await runAttempts(world.verifier.watch, { signed, survey }, world.clock, options);
  expect(watchOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  // What it found is signed, so that a workflow which takes the receipt alone comes to the same.
  const read = asSigned(ran.result, signed.intent.event_id, survey);
  expect({ ...read, holders: read.holders.toSorted() }).toEqual({
    ...ran.result,
    holders: ran.result.holders.toSorted(),
  });
  expect(ran.result.receipt?.transition).toBe(`watched/${digestOf(signedData()).slice(0, 32)}`);
  return ran;
}

/** Bob under our write identity, with the marker of another ceremony that `key` signed. */
const grantBob = (key = world.authority): Promise<void> => {
  const tuple = { ...roleTuple(signed.intent.tuple), principal_id: BOB };
  return world.assign(world.intent({ event_id: 'ffffffffffffffff', tuple }, key), WRITER);
};

describe('verifying a grant', () => {
  it('takes three agreeing reads, five seconds apart and one an attempt', async () => {
    await granted();
    const began = world.clock.now();
    const { result, attempts, failures } = await verify();
    expect(result).toMatchObject({ outcome: 'present', ends_at: signed.intent.dead_man, findings: [] });
    expect(attempts).toBe(3);
    expect(failures.every(({ delayMs }) => delayMs >= 5000)).toBe(true);
    expect(world.clock.now() - began).toBeGreaterThanOrEqual(10_000);
    expect(world.entry('verified')['reads']).toHaveLength(3);
  });

  it('starts anew after a read that disagrees', async () => {
    await granted();
    let attempt = 0;
    const run = () => verify(NOTHING, { before: (number) => void (attempt = number) });
    const { attempts } = await withEmptyList('roleAssignmentScheduleInstances', run, () => attempt === 2);
    expect(attempts).toBe(5);
  });

  it('agrees in the end though replicas lag', async () => {
    await granted();
    await world.control('/lag', { ms: 120_000 });
    const { result, failures } = await verify();
    expect(result.outcome).toBe('present');
    expect(failures.length).toBeGreaterThan(3);
  });

  it('neither counts nor forgets on a read that failed', async () => {
    await granted();
    await world.fault({ method: 'GET', path: '/roleManagement', effect: 'status', status: 503, times: 3 });
    const { result, failures } = await verify();
    expect(result.outcome).toBe('present');
    expect(failures.map(({ type }) => type)).toContain('graph_ambiguous');
  });

  it('does not read again right away when it is started too soon', async () => {
    await granted();
    const { failures } = await verify(NOTHING, {
      before: (attempt) => (attempt === 2 ? world.clock.advance(-4000) : undefined),
    });
    expect(failures.map(({ type }) => type)).toEqual(['not_yet_agreed', 'read_too_soon', 'not_yet_agreed']);
  });

  it("does not take somebody else's assignment of the tuple for ours", async () => {
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR });
    await expect(verify(NOTHING, { maxAttempts: 6 })).rejects.toThrow('not_attributed');
  });

  it('reads back an end that is later than intended', async () => {
    await granted();
    const ends_at = '2026-06-01T20:00:00.000Z';
    await world.control('/assignments', {
      principal_id: ALICE,
      role_definition_id: USER_ADMINISTRATOR,
      ends_at,
    });
    expect((await verify()).result.ends_at).toBe(ends_at);
  });

  it('tells of a target that our write identity made without a mark of the authority', async () => {
    await granted();
    await grantBob(generateRoleKey());
    const { findings } = (await verify()).result;
    expect(findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
    expect(findings[0]?.detail).toContain(BOB);
  });

  it("lets another ceremony's grant be", async () => {
    await granted();
    await grantBob();
    expect((await verify()).result.findings).toEqual([]);
  });

  it('tells of what the granted principal made', async () => {
    await granted();
    const assignment = { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR, created_by_user: ALICE };
    await world.control('/assignments', assignment);
    expect((await verify()).result.findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
  });

  it("tells of somebody else's change as such", async () => {
    await granted();
    await world.control('/assignments', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: SECURITY_READER });
    await world.control('/eligibilities', { principal_id: ALICE, role_definition_id: SECURITY_READER });
    const { findings } = (await verify()).result;
    expect(findings.map(({ code }) => code)).toEqual(['foreign_change', 'foreign_change', 'foreign_change']);
    expect(findings[0]?.detail).toContain(ADMIN);
  });

  it('says nothing of what the survey knew', async () => {
    await world.control('/assignments', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
    const request = { ...REQUEST, event_id: '0123456789abcdef' };
    request.effect = { ...request.effect, tenant_id: world.tenant };
    const input = { request, request_digest: '1'.repeat(64) };
    const { result } = await runAttempts(world.verifier.survey, input, world.clock);
    if (result.outcome !== 'surveyed') throw new Error(result.code);
    await granted();
    expect((await verify(result.survey)).result.findings).toEqual([]);
  });

  it('signs nothing about an intent that the authority did not sign', async () => {
    await granted();
    signed = { ...signed, intent: { ...signed.intent, event_id: 'ffffffffffffffff' } };
    await expect(verify(NOTHING, { maxAttempts: 2 })).rejects.toThrow('intent_not_authentic');
    expect(world.entries.filter(({ type }) => type === 'verified')).toEqual([]);
  });
});

describe('watching a grant', () => {
  it('polls every five minutes and returns only with something to tell', async () => {
    await granted();
    const { result, failures } = await watch(NOTHING, {
      before: async (attempt) => {
        const assignment = { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR };
        if (attempt === 4) await world.control('/assignments', assignment);
      },
    });
    expect(result.findings).toMatchObject([{ code: 'foreign_change' }]);
    expect(failures.slice(1, 3).map(({ delayMs }) => delayMs)).toEqual([5 * MINUTE, 5 * MINUTE]);
    expect(failures.at(-1)).toMatchObject({ type: 'newcomer_seen_once', delayMs: 5100 });
  });

  it('does not tell the same twice', async () => {
    await granted();
    await world.control('/assignments', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
    const { result } = await watch();
    const survey = { ...NOTHING, holders: result.holders };
    await expect(watch(survey, { maxAttempts: 5 })).rejects.toThrow('nothing_new');
  });

  it('stays silent about its own grant and another ceremony’s', async () => {
    await granted();
    await grantBob();
    await expect(watch(NOTHING, { maxAttempts: 5 })).rejects.toThrow('nothing_new');
    const asked = (await world.truth()).calls.filter(({ path }) => path.includes('ScheduleRequests?'));
    expect(asked).toHaveLength(2);
  });

  it('waits for the audit log to name who assigned outside PIM: the granted principal', async () => {
    await granted();
    const tuple = { principalId: BOB, roleDefinitionId: USER_ADMINISTRATOR, directoryScopeId: '/' };
    const made = await world.graph('POST', '/roleManagement/directory/roleAssignments', `user:${ALICE}`, tuple);
    expect(made.status).toBe(201);
    const { result, failures } = await watch();
    expect(result.findings).toMatchObject([{ code: 'unexpected_target_detected' }]);
    expect(failures.map(({ type }) => type)).toContain('newcomer_unattributed');
  });

  it('tells of an assignment outside PIM though the audit log never names anybody', async () => {
    await granted();
    await world.control('/audits', { latency_seconds: 86_400 });
    await world.control('/assignments', {
      principal_id: BOB,
      role_definition_id: USER_ADMINISTRATOR,
      via: 'direct',
    });
    const began = world.clock.now();
    const { result } = await watch();
    expect(result.findings).toMatchObject([{ code: 'foreign_change' }]);
    expect(world.clock.now() - began).toBeLessThan(12 * MINUTE);
  });

  it('looks once for an extension when the deadline has passed, then reads no more, and answers nothing', async () => {
    await granted();
    let read = 0;
    const calls = async (): Promise<number> =>
      (await world.truth()).calls.filter(({ client_request_id }) => client_request_id !== null).length;
    const watching = watch(NOTHING, {
      maxAttempts: 12,
      before: async () => {
        if (world.clock.now() < Date.parse(signed.intent.deadline)) return;
        if (read === 0) {
          await world.control('/assignments', { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR });
          read = await calls();
        }
      },
    });
    const failures = await watching.then(
      () => [],
      (error: unknown) => (error as StillTrying).failures,
    );
    expect(failures).toHaveLength(12);
    const over = failures.filter(({ type }) => type === 'watch_over');
    expect(over.length).toBeGreaterThan(1);
    expect(over.every(({ delayMs }) => delayMs === 24 * 60 * MINUTE)).toBe(true);
    expect(failures.slice(0, -over.length).every(({ type }) => type !== 'watch_over')).toBe(true);
    expect(read).toBeGreaterThan(0);
    expect(await calls()).toBe(read + 1);
  });

  it('notices that the end was moved', async () => {
    await granted();
    await world.control('/assignments', {
      principal_id: ALICE,
      role_definition_id: USER_ADMINISTRATOR,
      ends_at: '2026-06-02T00:00:00.000Z',
      created_by_user: ALICE,
    });
    expect((await watch()).result.findings).toMatchObject([{ code: 'ends_later_than_intended' }]);
  });
});

const REQUEST = {
  event_id: '0123456789abcdef',
  profile: 'user-admin',
  reason_code: 'incident' as const,
  justification: 'the directory needs a hand tonight',
  ticket: null,
  duration_seconds: 1800,
  invoker: { person: 'alice', upn: 'alice@example.test' },
  principal: { object_id: ALICE, upn: 'alice@example.test' },
  effect: {
    kind: 'entra.directory_role' as const,
    tenant_id: '',
    role_template_id: USER_ADMINISTRATOR,
    role_name: 'User Administrator',
    directory_scope_id: '/',
    end_sessions: true,
  },
  policy_digest: '2'.repeat(64),
  requested_at: '2026-06-01T10:00:00.000Z',
};
