import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decisionLogEntrySchema, decisionSchema } from '../../../domain/decision.js';
import { policySchema } from '../../../domain/policy.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedRequest } from '../signed.js';
import { reseal } from '../terminal.js';

const ID = '0123456789abcdef';
const NOW = Date.parse('2026-03-04T12:00:00.000Z');
const policy = policySchema.parse({
  ...testPolicy,
  standing: [
    { name: 'on-call', allow: ['person:carol'], max_session: '20m' },
    { name: 'night', allow: ['person:bob'], max_session: '8h', time: [{ from: '22:00', until: '06:00', zone: 'UTC' }] },
  ],
});

let people: People;
let folder: string;
let api: MachineApi;
beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-decide-'));
  api = new MachineApi({ policy, roster: people.roster, now: () => NOW });
  return () => rmSync(folder, { recursive: true, force: true });
});

const decide = (...argv: string[]) =>
  reseal(api, ['decide', '--profile', 'security-admin', ...argv], { cwd: folder, now: () => NOW });
/** Alice's ceremony as readers see it once it is granted. */
async function active(): Promise<void> {
  await api.open(await signedRequest(people, aliceAsks(ID, { policy_digest: (await api.policy()).digest })), ID);
  api.show(ID, { state: 'active', quorum: 'full', expires_at: '2026-03-04T12:30:00.000Z' });
}

describe('reseal decide', () => {
  it('exits with 0 when allowed, and says by what, for how long and until when', async () => {
    const { status, out } = await decide('--person', 'carol@example.test', '--session', '5m');
    expect(status).toBe(0);
    expect(out).toMatch(/decision +allowed/);
    expect(out).toMatch(/by +standing rule on-call/);
    expect(out).toMatch(/session +5m, until 2026-03-04T12:05:00.000Z/);
  });

  it('names the ceremony, and warns where nothing but a word vouches for it', async () => {
    await active();
    const { status, out, err } = await decide('--person', 'alice', '--session', '4h');
    expect(status).toBe(0);
    expect(out).toMatch(new RegExp(`by +approved request ${ID}`));
    expect(out).toMatch(/account +a11ce000-/);
    expect(out).toMatch(/session +30m, /);
    expect(out).toContain('no: standing rule: no standing rule gives alice profile security-admin (no_standing_rule)');
    expect(err).toContain("WARNING: this rests on the workflow's word alone");
  });

  it('exits with 3 when refused, with the reason of every step and when it would pass', async () => {
    const { status, out, err } = await decide('--person', 'bob');
    expect(status).toBe(3);
    expect(out).toMatch(/decision +refused/);
    expect(out.match(/^no: /gm)).toHaveLength(3);
    expect(out).toContain('(outside_hours); passes at 2026-03-04T22:00:00.000Z');
    expect(err).not.toContain('WARNING');
  });

  it('is for whoever acts unless it says for whom', async () => {
    expect(await decide('--as', 'carol')).toMatchObject({ status: 0 });
    expect(await decide('--as', 'carol', '--person', 'bob')).toMatchObject({ status: 3 });
    const nobody = await decide();
    expect(nobody).toMatchObject({ status: 2, out: '' });
    expect(nobody.err).toContain('--person');
  });

  it('prints the decision itself as JSON and as YAML, on standard output alone', async () => {
    const { out, err } = await decide('--person', 'carol', '-o', 'json');
    expect(decisionSchema.parse(JSON.parse(out))).toMatchObject({ effect: 'allow', session_seconds: 1200 });
    expect(err).toBe('');
    expect((await decide('--person', 'carol', '-o', 'yaml')).out).toContain('effect: allow');
  });

  it.each([
    ['a person nobody knows', ['--person', 'eve'], 'nobody is called eve'],
    ['a session that is no time', ['--person', 'carol', '--session', 'long'], '"long"'],
    ['a session of nothing', ['--person', 'carol', '--session', '0s'], '"0s"'],
    ['a profile that is no name', ['--person', 'carol', '--profile', 'A/B'], 'profile'],
  ])('exits with 2 for %s', async (_what, argv, named) => {
    const { status, out, err } = await decide(...argv);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(named);
  });

  it('exits with 2 without a profile, and with 3 for one that the policy does not have', async () => {
    expect(await reseal(api, ['decide', '--person', 'carol'])).toMatchObject({ status: 2 });
    const unknown = await decide('--person', 'carol', '--profile', 'nowhere');
    expect(unknown.status).toBe(3);
    expect(unknown.out).toContain('(profile_unknown)');
  });
});

describe('reseal decide --log', () => {
  it('writes a line of every decision, refused ones too', async () => {
    await active();
    await decide('--person', 'alice', '--log', 'decisions.jsonl');
    await decide('--person', 'bob', '--log', join(folder, 'decisions.jsonl'));
    const text = readFileSync(join(folder, 'decisions.jsonl'), 'utf8');
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => decisionLogEntrySchema.parse(JSON.parse(line)));
    expect(entries).toMatchObject([
      { effect: 'allow', source: 'approved_request', break_glass_event_id: ID, person: 'alice', rule: null },
      { effect: 'deny', source: null, break_glass_event_id: null, person: 'bob' },
    ]);
    expect(text).not.toContain('INC-4711');
  });

  it('gives no answer that it cannot write', async () => {
    const { status, out, err } = await decide('--person', 'carol', '--log', folder);
    expect([status, out]).toEqual([6, '']);
    expect(err).toContain('the decision log cannot be written: EISDIR');
  });
});
