import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Request } from '../../../domain/request.js';
import type { StandingOfThings } from '../../../client/cli/standing-of-things.js';
import { ReportRate } from '../../../client/gateway/runbook-tokens.js';
import { ResealError } from '../../../client/api/reseal-error.js';
import { MachineApi } from '../machine-api.js';
import { MemoryIncidents } from '../memory-incidents.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedAct, signedRequest } from '../signed.js';
import { reseal, type Ran } from '../terminal.js';

const WAITING = '00000000000000a1';
const ACTIVE = '00000000000000a2';
const LATE = '00000000000000a3';
const REVIEW = '00000000000000a4';
const DENIED = '00000000000000a5';

let people: People;
let api: MachineApi;
const asked: Record<string, Request> = {};
const requestOf = (id: string): Request => asked[id] ?? aliceAsks(id);

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(async () => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  for (const id of [WAITING, ACTIVE, LATE, REVIEW, DENIED]) {
    asked[id] = aliceAsks(id);
    await api.open(await signedRequest(people, requestOf(id)), id);
  }
  const inTenMinutes = new Date(Date.now() + 630_000).toISOString();
  api.show(ACTIVE, { state: 'active', status: 'active', expires_at: inTenMinutes });
  api.show(LATE, { state: 'resealing', status: 'active', flags: ['rollback_overdue'] });
  const review = { owed_since: inTenMinutes, overdue_at: inTenMinutes, reviewed_at: null, reviewed_by: null };
  api.show(REVIEW, { state: 'expired', status: 'expired', review });
  await api.speak(DENIED, 'deny', await signedAct(people, 'bob', 'deny', requestOf(DENIED)));
});

const status = (who: string | undefined, ...more: string[]): Promise<Ran> =>
  reseal(api, ['status', ...(who === undefined ? [] : ['--as', `${who}@example.test`]), ...more], {
    env: { TZ: 'Europe/Berlin' },
  });
const ids = (views: { event_id: string }[] | null): string[] => (views ?? []).map(({ event_id }) => event_id);
const thingsOf = async (who?: string): Promise<StandingOfThings> =>
  JSON.parse((await status(who, '-o', 'json')).out) as StandingOfThings;

describe('when somebody asks how things stand', () => {
  it('tells what is open and overdue, whoever asks', async () => {
    const things = await thingsOf();
    expect(ids(things.open)).toEqual([WAITING, ACTIVE, LATE]);
    expect(ids(things.overdue)).toEqual([LATE]);
    expect(things.me).toBeNull();
    expect(things.waiting).toEqual({ approval: [], close: [], review: [] });
    expect((await status(undefined)).err).toContain('nobody said who asks');
  });

  it('tells an approver what waits for their approval, and for their review', async () => {
    const things = await thingsOf('bob');
    expect(things.me).toMatchObject({ id: 'bob' });
    expect(ids(things.waiting.approval)).toEqual([WAITING]);
    expect(ids(things.waiting.review)).toEqual([REVIEW]);
    expect(ids(things.waiting.close)).toEqual([]);
  });

  it('tells nobody to approve twice', async () => {
    await api.speak(WAITING, 'approve', await signedAct(people, 'bob', 'approve', requestOf(WAITING)));
    expect(ids((await thingsOf('bob')).waiting.approval)).toEqual([]);
    expect(ids((await thingsOf('carol')).waiting.approval)).toEqual([WAITING]);
  });

  it('tells an invoker what to close, and never to approve or review their own', async () => {
    const { waiting } = await thingsOf('alice');
    expect(ids(waiting.close)).toEqual([ACTIVE]);
    expect([...waiting.approval, ...(waiting.review ?? [])]).toEqual([]);
  });

  it('says it in a few lines, with the next command', async () => {
    const ran = await status('bob');
    expect(ran.status).toBe(0);
    expect(ran.out).toMatch(/^waiting for bob@example\.test$/m);
    expect(ran.out).toMatch(
      new RegExp(`^  approve  ${WAITING}  Security Administrator for alice@example.test, approve by in \\d+ min`, 'm'),
    );
    expect(ran.out).toMatch(new RegExp(`^  review +${REVIEW} `, 'm'));
    expect(ran.out).toMatch(new RegExp(`^overdue\\n  rollback_overdue  ${LATE} `, 'm'));
    expect(ran.err).toContain(`next: reseal approve ${WAITING}`);
    expect((await status('alice')).out).toMatch(
      new RegExp(`^  close  ${ACTIVE} .*, ends in 10 min \\(.*\\d\\d:\\d\\d CES?T\\)$`, 'm'),
    );
  });

  it('goes without reviews while there is no register', async () => {
    const list = api.list.bind(api);
    api.list = (filter) =>
      filter?.review_owed === true ? Promise.reject(new ResealError('needs_register', 'none')) : list(filter);
    const ran = await status('bob');
    expect(ran.status).toBe(0);
    expect(ran.err).toContain('which reviews are owed is not known');
  });

  it('tells the open incidents first, the worst by name, where any are served', async () => {
    expect((await thingsOf()).incidents).toBeUndefined();
    const incidents = new MemoryIncidents(Date.now);
    const runbook = {
      api: incidents,
      tokens: async () => [],
      roster: async () => people.roster,
      rate: new ReportRate(),
    };
    const run = (...argv: string[]) => reseal(api, ['status', ...argv], { runbook });
    const calm = await run();
    expect(calm.out + calm.err).not.toContain('incident');
    const about = { source: 'test', description: '', evidence: {}, reporter: 'test', host: 'edge-1' };
    for (const kind of ['prompt_injection', 'integrity_violation'] as const)
      await incidents.report({ ...about, report_id: '0'.repeat(16), class: kind });
    const worst = [...incidents.records.keys()][1] ?? '';
    const told = await run();
    expect(told.out).toMatch(
      new RegExp(
        `^2 incidents are open, the worst ${worst}: critical integrity_violation on edge-1, contained\n\noverdue$`,
        'm',
      ),
    );
    expect(told.err).toContain('next: reseal incident status\n');
    expect(JSON.parse((await run('-o', 'json')).out)).toMatchObject({ incidents: { open: 2, worst: { id: worst } } });
    incidents.stats = () => Promise.reject(new ResealError('register_unreachable', 'away'));
    const away = await run();
    expect([away.status, away.err]).toEqual([0, expect.stringContaining('which incidents are open is not known')]);
  });

  it('refuses a stranger', async () => {
    expect((await status('eve')).status).toBe(2);
  });
});

describe('when somebody goes on watching', () => {
  const watching = (argv: string[], stdoutTTY: boolean): Promise<Ran> => {
    setTimeout(() => api.show(WAITING, { state: 'denied', ended_at: new Date().toISOString() }), 500);
    return reseal(api, argv, { signal: AbortSignal.timeout(3500), stdoutTTY, env: { TZ: 'UTC' } });
  };

  it('writes one line a change off a terminal, and exits 130 at Ctrl-C', async () => {
    const ran = await watching(['status', '--watch', '--as', 'bob@example.test'], false);
    expect(ran.status).toBe(130);
    expect(ran.out).not.toContain('\u001b');
    expect(ran.out).toMatch(
      new RegExp(`^${WAITING}  \\d\\d:\\d\\d:\\d\\d UTC  awaiting_approval .*waits for you$`, 'm'),
    );
    expect(ran.out).toMatch(new RegExp(`^${WAITING}  is neither open nor overdue any more$`, 'm'));
    expect(ran.out.match(new RegExp(`^${LATE}`, 'gm'))).toHaveLength(1);
  });

  it('draws the list again on a terminal', async () => {
    const ran = await watching(['breakglass', 'list', '--open', '--watch'], true);
    expect(ran.status).toBe(130);
    // eslint-disable-next-line no-control-regex -- what moves the cursor is looked for
    const [first = '', ...later] = ran.out.split(/\u001b\[\d+A/);
    expect(first).toContain(WAITING);
    expect(first).toContain('every 2 s; Ctrl-C ends');
    expect(later.length).toBeGreaterThan(0);
    expect(later.at(-1)).not.toContain(WAITING);
  });

  it('writes the ceremonies that changed as JSON, one a line', async () => {
    const ran = await watching(['breakglass', 'list', '--watch', '-o', 'json'], true);
    const told = ran.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event_id: string; state: string });
    expect(told.slice(0, 5).map(({ event_id }) => event_id)).toEqual([WAITING, ACTIVE, LATE, REVIEW, DENIED]);
    expect(told.slice(5)).toMatchObject([{ event_id: WAITING, state: 'denied' }]);
  });

  it('ends by itself with the ceremony that is checked', async () => {
    const ran = await watching(['breakglass-check', WAITING, '--watch'], false);
    expect(ran.status).toBe(0);
    expect(ran.out.trim().split('\n')).toHaveLength(2);
    expect(ran.out).toMatch(/denied/);
  });
});

describe("when Sentinel's names are used", () => {
  it.each([
    ['list', ['--open', '-o', 'json']],
    ['list', ['--state', 'denied', '-o', 'json']],
    ['check', [DENIED, '-o', 'json']],
  ])('breakglass-%s answers as breakglass %s does', async (name, argv) => {
    const [own, theirs] = await Promise.all([
      reseal(api, ['breakglass', name, ...argv], { now: () => 0 }),
      reseal(api, [`breakglass-${name}`, ...argv], { now: () => 0 }),
    ]);
    const known = (text: string): unknown => JSON.parse(text.replace(/"now": "[^"]*"/, '"now": ""'));
    expect(theirs.status).toBe(0);
    expect(known(theirs.out)).toEqual(known(own.out));
  });

  it('breakglass-close closes', async () => {
    const argv = ['breakglass-close', WAITING, '--as', 'alice@example.test', '--key', people.keyOf('alice')];
    expect((await reseal(api, [...argv, '--reason', 'done', '--wait', 'ended'])).status).toBe(4);
    expect(api.states.get(WAITING)?.phase).toBe('cancelled');
  });
});
