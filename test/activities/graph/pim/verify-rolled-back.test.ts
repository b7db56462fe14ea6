import { describe, expect, it } from 'vitest';

import { instant } from '../../../../domain/identifiers.js';
import type { Receipt } from '../../../../domain/entry.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import { absenceOutcomeSchema, type Survey } from '../../../../domain/outcomes.js';
import { generateRoleKey } from '../../../../proofs/role-key.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { grantedIn, HELD, inAWorld, MINUTE, NOTHING } from '../in-a-world.js';
import { ALICE, BOB, USER_ADMINISTRATOR, withEmptyList, WRITER, type World } from '../world.js';

let world: World;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  signed = world.intent();
});

interface Asked {
  survey?: Survey | null;
  settleMs?: number;
  patience?: number;
  round?: number;
  shown?: Receipt[];
}

async function check(
  { survey = NOTHING, settleMs, patience = 3, round = 1, shown = world.shown }: Asked = {},
  options: RunOptions = {},
) {
  const settle_until = settleMs === undefined ? null : new Date(world.clock.now() + settleMs).toISOString();
  const input = { signed, survey, round, settle_until, patience, shown };
  const ran = await runAttempts(world.verifier.verifyRolledBack, input, world.clock, { maxAttempts: 200, ...options });
  expect(absenceOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return ran;
}

const granted = (): Promise<void> => grantedIn(world, signed);

async function grantedAndRemoved(): Promise<void> {
  await granted();
  world.clock.advance(10 * MINUTE);
  const { result } = await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
  expect(result).toMatchObject({ outcome: 'removed', word: 'revoked' });
}

describe('when it is gone', () => {
  it('takes five agreeing reads, five seconds apart', async () => {
    await grantedAndRemoved();
    const began = world.clock.now();
    const { result, attempts, failures } = await check();
    if (result.outcome !== 'absent') throw new Error('present');
    expect(attempts).toBe(5);
    expect(failures.every(({ delayMs }) => delayMs >= 5000)).toBe(true);
    expect(Date.parse(result.observed_at)).toBe(began);
    expect(Date.parse(result.confirmed_at) - began).toBeGreaterThanOrEqual(20_000);
    const { reads } = world.entry('confirmed') as { reads: { at: string; absent: boolean }[] };
    expect(reads).toHaveLength(5);
    expect(reads.every(({ absent }) => absent)).toBe(true);
  });

  it('starts anew after a stale read that shows it still', async () => {
    await grantedAndRemoved();
    await world.control('/lag', { ms: 90_000 });
    const began = world.clock.now();
    const { result, failures } = await check({ patience: 24 });
    if (result.outcome !== 'absent') throw new Error('present');
    expect(failures.length).toBeGreaterThan(5);
    expect(Date.parse(result.observed_at)).toBeGreaterThan(began);
    expect(Date.parse(result.confirmed_at) - Date.parse(result.observed_at)).toBeGreaterThanOrEqual(20_000);
  });

  it('does not confirm before the settle window is over, and reads less and less often through it', async () => {
    await grantedAndRemoved();
    const began = world.clock.now();
    const { result, failures } = await check({ settleMs: 20 * MINUTE });
    if (result.outcome !== 'absent') throw new Error('present');
    expect(Date.parse(result.observed_at)).toBe(began);
    expect(Date.parse(result.confirmed_at) - began).toBe(20 * MINUTE);
    const delays = failures.map(({ delayMs }) => delayMs);
    expect(Math.max(...delays)).toBe(120_000);
    expect(delays.length).toBeLessThan(20);
  });

  it('counts from the last read that disagreed, in the middle of a run too', async () => {
    await granted();
    let attempt = 0;
    const shown = [world.said(signed)];
    const run = () => check({ patience: 3, shown }, { before: (number) => void (attempt = number) });
    // Invisible but for the fourth read.
    const hidden = () => withEmptyList('roleAssignmentScheduleInstances', run, () => attempt !== 4);
    const { result, attempts } = await hidden();
    expect(result.outcome).toBe('absent');
    expect(attempts).toBe(9);
  });

  it('needs no survey', async () => {
    await grantedAndRemoved();
    expect((await check({ survey: null })).result.outcome).toBe('absent');
  });

  it('does not take a failed read for absence', async () => {
    await grantedAndRemoved();
    await world.fault({ method: 'GET', path: '/roleManagement', effect: 'status', status: 403, times: 4 });
    const { result, failures } = await check();
    expect(result.outcome).toBe('absent');
    expect(failures.filter(({ type }) => type === 'graph_denied')).toHaveLength(4);
    expect(failures).toHaveLength(8);
  });
});

describe('where five reads would be enough', () => {
  const stranger = generateRoleKey();
  const lengthOf = async (shown: Receipt[], round = 1): Promise<number> => {
    const began = world.clock.now();
    const { result } = await check({ shown, round });
    if (result.outcome !== 'absent') throw new Error('present');
    return Date.parse(result.confirmed_at) - began;
  };

  it.each(['removal', 'not_granted'] as const)("takes the effect's signed word for it: %s", async (type) => {
    expect(await lengthOf([world.said(signed, { type })])).toBeLessThan(MINUTE);
    expect(world.entry('confirmed')).toMatchObject({ settle_until: null });
  });

  it.each<[string, () => Receipt]>([
    ['signed by somebody else', () => world.said(signed, {}, stranger)],
    ['that the provider only says is gone', () => world.said(signed, { data: { word: 'gone' } })],
    ['of another round', () => world.said(signed, { transition: 'removal/2' })],
    ['of another intent', () => world.said(world.intent({ evidence_digest: '4'.repeat(64) }))],
    ['of another event', () => world.said(signed, { event_id: 'fedcba9876543210' })],
    ['of a refusal that left a call behind', () => refused({ clean: false })],
    ['of a refusal to a run of somebody else’s', () => refused({ run_id: '11111111-0000-0000-0000-000000000000' })],
    ['of a refusal to nobody', () => refused({ run_id: '' })],
    ['of a grant', () => world.said(signed, { type: 'granted', transition: 'granted' })],
  ])('waits for the whole window upon a word %s, and says so', async (_, said) => {
    const until = new Date(world.clock.now() + 20 * MINUTE).toISOString();
    expect(await lengthOf([said()])).toBe(20 * MINUTE);
    expect(world.entry('confirmed')).toMatchObject({ settle_until: until });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no list', 'removed'],
    ['no receipts', [null, 7, {}, { transition: 'removal/1' }]],
  ])('waits for the whole window where it is shown %s', async (_, shown) => {
    expect(await lengthOf(shown as Receipt[])).toBe(20 * MINUTE);
  });

  it('waits no longer than until the provider ends it anyway', async () => {
    world.clock.advance(35 * MINUTE);
    expect(await lengthOf([])).toBe(5 * MINUTE);
  });

  it('counts the window from when the server first asked, whatever a heartbeat says', async () => {
    const at = world.clock.now() - 60 * MINUTE;
    const run = { absent: 4, first_absent_at: at, absent_at: [at], present: 0, last_at: at };
    const details = { run, sightings: {}, findings: [], settled: [], client_request_ids: [] };
    const began = world.clock.now();
    const { result } = await check({ shown: [] }, { from: { attempt: 5, details } });
    if (result.outcome !== 'absent') throw new Error('present');
    expect(Date.parse(result.confirmed_at) - began).toBe(20 * MINUTE);
  });

  const refused = (data: Record<string, unknown>): Receipt => world.said(signed, { type: 'not_granted', data });
});

describe('what a heartbeat says was read before, which anybody may have written', () => {
  const told = (absent: number, at = world.clock.now() - 30_000) => ({
    run: { absent, first_absent_at: at, absent_at: Array.from({ length: absent }, () => at), present: 0, last_at: at },
    sightings: {},
    findings: [],
    settled: [],
    client_request_ids: [],
  });
  const from = async (attempt: number, absent: number) => {
    const { result, attempts } = await check(
      { shown: [world.said(signed)] },
      { from: { attempt, details: told(absent) } },
    );
    expect(result.outcome).toBe('absent');
    return attempts - attempt + 1;
  };

  it('counts where there were as many attempts', async () => {
    expect(await from(5, 4)).toBe(1);
    expect(await from(3, 2)).toBe(3);
  });

  it.each([
    [1, 4],
    [2, 4],
    [4, 4],
    [1, 1],
  ])(
    'counts for nothing where it says more reads than there were attempts: attempt %i, %i reads',
    async (attempt, absent) => {
      expect(await from(attempt, absent)).toBe(5);
      const { reads } = world.entry('confirmed') as { reads: { at: string }[] };
      expect(reads.every(({ at }) => Date.parse(at) >= Date.parse('2026-06-01T10:00:00.000Z'))).toBe(true);
    },
  );
});

describe('when it is there again', () => {
  it('says so after as many agreeing reads as it was told to wait for', async () => {
    await granted();
    const { result, attempts } = await check({ patience: 6, round: 2 });
    expect(result.outcome).toBe('present');
    expect(attempts).toBe(6);
    expect(world.entries.at(-1)?.transition).toBe('reappeared/2');
  });

  it('sees a late grant that appears in the settle window', async () => {
    const { result } = await check(
      { settleMs: 20 * MINUTE },
      { before: (attempt) => (attempt === 6 ? world.assign(signed, WRITER) : undefined) },
    );
    expect(result.outcome).toBe('present');
  });

  it('counts one whose request is not visible as ours', async () => {
    await granted();
    const { result } = await withEmptyList('roleAssignmentScheduleRequests', () => check());
    expect(result.outcome).toBe('present');
  });
});

describe('when the intent is not the authority’s', () => {
  it('says so after three attempts, and signs nothing about it', async () => {
    signed = { ...signed, intent: { ...signed.intent, deadline: '2030-01-01T00:00:00.000Z' } };
    const { result, failures } = await check();
    expect(result).toEqual({ outcome: 'not_authentic', at: instant(world.clock.now()) });
    expect(failures.map(({ type }) => type)).toEqual(['intent_not_authentic', 'intent_not_authentic']);
    expect(world.entries).toEqual([]);
  });
});

describe('when somebody else’s stands', () => {
  it('is absent all the same, with a finding that is told once', async () => {
    await world.control('/assignments', HELD);
    const { result } = await check();
    if (result.outcome !== 'absent') throw new Error('present');
    expect(result.findings.map(({ code }) => code)).toEqual(['foreign_assignment']);
  });

  it('tells one made outside PIM', async () => {
    await world.control('/assignments', { ...HELD, via: 'direct' });
    const { result } = await check({ survey: null });
    expect(result).toMatchObject({ outcome: 'absent', findings: [{ code: 'foreign_assignment' }] });
  });

  it('does not count one of our write identity without a mark: rollback would leave it, so it is told', async () => {
    await world.assign(world.intent({}, generateRoleKey()), WRITER);
    const { result } = await check();
    expect(result).toMatchObject({ outcome: 'absent', findings: [{ code: 'unexpected_target_detected' }] });
  });

  it('tells what else has changed since the survey', async () => {
    await grantedAndRemoved();
    const assignment = { principal_id: BOB, role_definition_id: USER_ADMINISTRATOR };
    await world.control('/assignments', { ...assignment, created_by_user: ALICE });
    const { result } = await check();
    expect(result).toMatchObject({ outcome: 'absent', findings: [{ code: 'unexpected_target_detected' }] });
  });
});
