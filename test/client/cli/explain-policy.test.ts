import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpApi } from '../../../client/api/http-api.js';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import { explanationSchema, type Explanation } from '../../../domain/explanation.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { reseal } from '../terminal.js';

const policies = fileURLToPath(new URL('../../../deploy/policies/', import.meta.url));
let folder: string;
let people: People;
let api: MachineApi;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-explain-'));
  people = makePeople();
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  const named = { bob: ['watch'], carol: ['platform'] } as Record<string, string[]>;
  const crew = people.roster.people.map((person) => ({ ...person, groups: named[person.id] ?? [] }));
  writeFileSync(join(folder, 'roster.yaml'), JSON.stringify({ version: 1, people: crew }));
  writeFileSync(join(folder, 'night.yaml'), readFileSync(join(policies, 'night-watch.yaml'), 'utf8'));
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const here = (...argv: string[]) => reseal(api, ['policy', 'explain', ...argv], { cwd: folder, env: { TZ: 'UTC' } });
const night = (...argv: string[]) =>
  here('--file', 'night.yaml', '--roster', 'roster.yaml', '--reason-code', 'incident', ...argv);
const explained = (text: string): Explanation => explanationSchema.parse(JSON.parse(text));

describe('when a request is explained from files', () => {
  const wanted = ['--profile', 'investigate', '--duration', '30m'];

  it('shows every check and exits 0 where it would be admitted', async () => {
    const ran = await night('--as', 'bob', ...wanted, '--at', '2026-07-01T22:30:00Z');
    expect(ran.status).toBe(0);
    expect(ran.out).toContain('would be admitted');
    expect(ran.out).toMatch(/rule +passed +rule watch-at-night/);
    expect(ran.out).toContain('none: granted at once, a review owed');
    expect(ran.err).toContain('the register was not asked');
  });

  it('exits 3 and says what the nearest rule wanted and when it opens, by the summer clock of Lisbon', async () => {
    const ran = await night('--as', 'bob', ...wanted, '--at', '2026-07-01T12:00:00Z', '-o', 'json');
    expect(ran.status).toBe(3);
    expect(explained(ran.out)).toMatchObject({
      passes: false,
      usage: 'none',
      refusal: {
        code: 'no_rule_matches',
        rule: 'watch-at-night',
        wanted: 'time: every day 22:00 to 06:30 Europe/Lisbon',
        passes_at: '2026-07-01T21:00:00.000Z',
      },
      admitted_from: '2026-07-01T21:00:00.000Z',
    });
  });

  it('names who may, where it is allowed by name only', async () => {
    const ran = await night('--as', 'carol', ...wanted, '--at', '2026-07-01T22:30:00Z');
    expect(ran.status).toBe(3);
    expect(ran.out).toContain('immediate_not_allowed');
    expect(ran.out).toContain('group:watch');
    expect(ran.out).toContain('not by waiting');
  });

  it.each([
    [['--as', 'bob', '--profile', 'investigate', '--at', 'tonight'], '--at is a time with its zone'],
    [['--as', 'bob', '--profile', 'investigate', '--at', '2026-07-01T22:30:00'], '--at is a time with its zone'],
    [['--as', 'bob', '--profile', 'investigate', '--duration', 'long'], '--duration is a duration'],
    [['--profile', 'investigate'], 'who would ask?'],
    [['--as', 'zoe', '--profile', 'investigate'], 'nobody on the roster is called zoe'],
  ])('exits 2 for %j', async (argv, said) => {
    const ran = await night(...argv);
    expect(ran.status).toBe(2);
    expect(ran.err).toContain(said);
  });

  it('wants to know who is in which group', async () => {
    const ran = await here('--file', 'night.yaml', '--as', 'bob', '--profile', 'x', '--reason-code', 'incident');
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('--roster FILE');
  });
});

describe('when the policy in force is asked', () => {
  it('says the same over HTTP as directly, in every word', async () => {
    const app = gatewayApp({ api });
    const http = new HttpApi({
      url: 'http://gateway.test',
      fetch: async (url, init) => app.request(url, init),
    });
    const at = '2026-07-01T12:00:00.000Z';
    for (const profile of ['security-admin', 'nobody'])
      for (const duration_seconds of [600, 1800, 20_000]) {
        const question = { person: 'alice', profile, reason_code: 'incident' as const, duration_seconds, at };
        expect(await http.explain(question)).toEqual(await api.explain(question));
      }
    const ran = await here('--as', 'alice', '--profile', 'security-admin', '--reason-code', 'incident', '-o', 'json');
    expect(explained(ran.out)).toMatchObject({ passes: true, usage: 'register', approvals_wanted: 2 });
  });

  it.each([
    [{}, 'person'],
    [{ person: 'alice', profile: 'security-admin', reason_code: 'because' }, 'reason_code'],
    [{ person: 'alice', profile: 'security-admin', reason_code: 'incident', at: 'now' }, 'at'],
    [{ person: 'alice', profile: 'security-admin', reason_code: 'incident', more: 1 }, 'the question'],
  ])('answers 400 for %j', async (question, member) => {
    const answer = await gatewayApp({ api }).request('/v1/explain', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    });
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    expect(answer.status).toBe(400);
    expect(error.code).toBe('malformed');
    expect(error.message).toContain(member);
  });
});
