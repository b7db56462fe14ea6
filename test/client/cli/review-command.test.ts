import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ReviewAnswer } from '../../../client/api/reseal-api.js';
import { reviewStatementSchema } from '../../../domain/statement.js';
import type { CeremonyView } from '../../../domain/view.js';
import { checkReviewStatement } from '../../../proofs/review-check.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedAct, signedRequest } from '../signed.js';
import { reseal, type Ran } from '../terminal.js';

const ID = '0123456789abcdef';
let people: People;
let api: MachineApi;

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(async () => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  const request = aliceAsks(ID);
  await api.open(await signedRequest(people, request), ID);
  await api.speak(ID, 'kill', await signedAct(people, 'alice', 'kill', request));
});

const as = (name: string): string[] => ['--as', `${name}@example.test`, '--key', people.keyOf(name)];
const review = (name: string, ...more: string[]): Promise<Ran> =>
  reseal(api, ['breakglass', 'review', ID, ...as(name), ...more]);

describe('reseal breakglass review', () => {
  it('shows what was done, signs with the note, and tells that it is recorded', async () => {
    const ran = await review('bob', '--note', '  As it should be ', '-o', 'json');
    expect(ran.status).toBe(0);
    expect(ran.err).toContain('Security Administrator');
    expect(ran.err).toContain('recorded');
    expect(ran.err).toContain(`reseal evidence export ${ID}`);
    expect(JSON.parse(ran.out)).toMatchObject({ event_id: ID, act: 'review', status: 'accepted', by: 'bob' });
    const envelope = api.reviews.get(ID);
    if (envelope === undefined) throw new Error('nothing was sent');
    expect(checkReviewStatement(envelope, people.roster).ok).toBe(true);
    const statement = reviewStatementSchema.parse(JSON.parse(envelope.payload));
    expect(statement).toMatchObject({ event_id: ID, person: 'bob', note: 'As it should be' });
  });

  it.each([
    ['the invoker', 'alice', 'invoker_cannot_review'],
    ['nobody on the roster', 'mallory', 'nobody is called'],
  ])('is refused to %s', async (_, name, why) => {
    const ran = await review(name);
    expect(ran.status).not.toBe(0);
    expect(ran.err).toContain(why);
    expect(api.reviews.size).toBe(0);
  });

  it('ends with 4 where it does not count, and tells what to run next', async () => {
    await review('bob');
    const ran = await review('carol');
    expect(ran.status).toBe(4);
    expect(ran.err).toContain('already_reviewed');
    expect(ran.err).toContain(`reseal breakglass check ${ID}`);
  });

  it('asks a person first, and signs nothing when they say no', async () => {
    const no = await reseal(api, ['breakglass', 'review', ID, ...as('bob')], { typed: 'n\n' });
    expect([no.status, api.reviews.size]).toEqual([4, 0]);
    expect(no.err).toContain('nothing was signed');
    const yes = await reseal(api, ['breakglass', 'review', ID, ...as('bob')], { typed: 'y\n' });
    expect([yes.status, api.reviews.size]).toEqual([0, 1]);
  });

  it.each([
    ['an empty note', ['--note', '  '], '--note'],
    ['a note that is too long', ['--note', 'x'.repeat(1001)], '1001'],
  ])('refuses %s before anything is signed', async (_, more, why) => {
    const ran = await review('bob', ...more);
    expect([ran.status, api.reviews.size]).toEqual([2, 0]);
    expect(ran.err).toContain(why);
  });

  it('says of a ceremony that has not ended that it has not', async () => {
    const other = 'fedcba9876543210';
    await api.open(await signedRequest(people, aliceAsks(other)), other);
    const ran = await reseal(api, ['breakglass', 'review', other, ...as('bob')]);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('awaiting_approval');
    expect(ran.err).toContain(`reseal breakglass watch ${other}`);
  });

  it('sends the same statement again while the register has not answered', async () => {
    const sent: string[] = [];
    const real = api.review.bind(api);
    api.review = async (id, envelope): Promise<ReviewAnswer> => {
      sent.push(envelope.payload);
      if (sent.length < 3) return { digest: 'a'.repeat(64), status: 'pending', message: 'on its way' };
      return real(id, envelope);
    };
    expect((await review('bob')).status).toBe(0);
    expect(sent).toHaveLength(3);
    expect(new Set(sent).size).toBe(1);
  });
});

describe('reseal breakglass check', () => {
  const check = async (overlay: Partial<CeremonyView>): Promise<string> => {
    api.show(ID, overlay);
    return (await reseal(api, ['breakglass', 'check', ID])).out;
  };
  const ago = (hours: number): string => new Date(Date.now() - hours * 3600_000).toISOString();

  it('tells since when a review is owed, and when it is overdue', async () => {
    const owed = { owed_since: ago(2), overdue_at: ago(-22), reviewed_at: null, reviewed_by: null };
    expect(await check({ review: owed })).toMatch(/review +owed since 2 h ago .*, overdue in 2[12] h/);
  });

  it('tells who reviewed it', async () => {
    const done = { owed_since: null, overdue_at: null, reviewed_at: ago(1), reviewed_by: 'bob' };
    expect(await check({ review: done })).toMatch(/review +by bob, 1 h ago/);
  });

  it('tells which rule came nearest, what it wanted, and when it would pass', async () => {
    const refusal = {
      code: 'no_rule_matches',
      message: 'no',
      rule: 'night',
      wanted: '22:00-06:00',
      passes_at: ago(-3),
    };
    const out = await check({ state: 'refused', refusal });
    expect(out).toMatch(/wanted +rule night: 22:00-06:00/);
    expect(out).toMatch(/would pass +in (3 h|2 h 59 min)/);
  });
});
