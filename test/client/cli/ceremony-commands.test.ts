import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CeremonyView } from '../../../domain/view.js';
import { requestStatementSchema } from '../../../domain/statement.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { reseal, type Ran } from '../terminal.js';

let people: People;
let api: MachineApi;

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(() => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
});

const as = (name: string): string[] => ['--as', `${name}@example.test`, '--key', people.keyOf(name)];
const JUSTIFICATION = 'Contain the mailbox rule of INC-4711';
const asked = [
  'breakglass',
  '--profile',
  'security-admin',
  '--reason-code',
  'incident',
  '--justification',
  JUSTIFICATION,
];
const open = (...more: string[]): Promise<Ran> => reseal(api, [...asked, ...as('alice'), '-o', 'json', ...more]);
const viewIn = ({ out }: Ran): CeremonyView => JSON.parse(out) as CeremonyView;
const opened = async (): Promise<string> => viewIn(await open()).event_id;

describe('when a role is asked for', () => {
  it('signs the resolved request, says accepted at once, and prints the ceremony as data only', async () => {
    const ran = await open('--ticket', 'INC-4711', '--duration', '45m', '--principal', 'Bob@example.test');
    expect(ran.status).toBe(0);
    const view = viewIn(ran);
    expect(view).toMatchObject({
      state: 'awaiting_approval',
      profile: 'security-admin',
      reason_code: 'incident',
      justification: JUSTIFICATION,
      ticket: 'INC-4711',
      duration_seconds: 2700,
      invoker: 'alice@example.test',
      principal: 'bob@example.test',
      principal_id: 'b0b00000-0000-4000-8000-000000000002',
      policy_digest: digestOf(testPolicy),
    });
    expect(ran.err).toContain(`accepted: event ${view.event_id}`);
    expect(ran.err).toContain(`next: an approver runs: reseal approve ${view.event_id}`);
  });

  it('mints another event id each time', async () => {
    expect(await opened()).toMatch(/^[0-9a-f]{16}$/);
    expect(await opened()).not.toBe(await opened());
  });

  it('shows a table with times near and exact, and no escape sequences off a terminal', async () => {
    const ran = await reseal(api, [...asked, ...as('alice')], { env: { TZ: 'Asia/Kolkata' } });
    expect(ran.status).toBe(0);
    expect(ran.out).toMatch(/^state +awaiting_approval$/m);
    expect(ran.out).toMatch(/^asked +(now|\d+ s ago) \((\d{4}-\d\d-\d\d )?\d\d:\d\d IST\)$/m);
    expect(ran.out).toMatch(/^approve by +in (29 min|30 min) \((\d{4}-\d\d-\d\d )?\d\d:\d\d IST\)$/m);
    expect(ran.out).not.toContain('\u001b');
  });

  it('colours on a terminal, unless NO_COLOR says otherwise', async () => {
    const argv = [...asked, ...as('alice')];
    expect((await reseal(api, argv, { stdoutTTY: true })).out).toContain('\u001b[36mawaiting_approval');
    expect((await reseal(api, argv, { stdoutTTY: true, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
    expect((await reseal(api, [...argv, '--no-color'], { stdoutTTY: true })).out).not.toContain('\u001b');
  });

  it.each([
    ['3 for an unknown profile', ['--profile', 'nope'], 3, 'security-admin'],
    ['3 for a misspelt profile', ['--profile', 'security-amdin'], 3, 'Did you mean security-admin?'],
    ['3 for a timebox under ten minutes', ['--duration', '5m'], 3, 'duration_too_short'],
    ['3 for a timebox over the limit', ['--duration', '5h'], 3, 'duration_too_long'],
    ['2 for a short justification', ['--justification', 'because'], 2, '--justification'],
    ['2 for control characters in it', ['--justification', `${JUSTIFICATION}\u001b[2J`], 2, '--justification'],
    ['2 for another reason code', ['--reason-code', 'fun'], 2, '--reason-code'],
    ['2 for a duration that is none', ['--duration', 'soon'], 2, '--duration'],
    ['2 for an event id that is none', ['--event-id', 'me'], 2, '--event-id'],
    ['2 for a principal that nobody knows', ['--principal', 'eve@example.test'], 2, 'eve@example.test'],
    ['2 for something else to wait for', ['--wait', 'forever'], 2, '--wait'],
  ])('exits %s and starts nothing', async (_name, more, status, says) => {
    const ran = await open(...more);
    expect(ran.status).toBe(status);
    expect(ran.err).toContain(says);
    expect(ran.out).toBe('');
    expect(api.states.size).toBe(0);
  });

  describe('with an approval elsewhere', () => {
    const PIM = 'entra_pim=0a5c3e1f-7d2b-4e86-9c41-b8f6d3a20e57';
    const named = (...said: string[]): string[] => said.flatMap((one) => ['--prerequisite', one]);
    beforeEach(() => {
      const [[name, profile] = ['', undefined]] = Object.entries(testPolicy.profiles);
      if (profile === undefined) throw new Error('no profile');
      const policy = { ...testPolicy, profiles: { [name]: { ...profile, prerequisites: ['entra_pim'] } } };
      api = new MachineApi({ policy, roster: people.roster, now: Date.now });
    });

    it('has its id in what is signed, and shows it to whoever approves', async () => {
      const { event_id } = viewIn(await open(...named(PIM, 'servicenow=CHG0030192')));
      const signed = requestStatementSchema.parse(JSON.parse(api.states.get(event_id)?.envelope.payload ?? ''));
      expect(signed.request.prerequisites).toEqual([
        { system: 'entra_pim', approval_id: '0a5c3e1f-7d2b-4e86-9c41-b8f6d3a20e57' },
        { system: 'servicenow', approval_id: 'CHG0030192' },
      ]);
      const shown = await reseal(api, ['approve', event_id, ...as('bob')], { typed: 'no\n' });
      expect(shown.err + shown.out).toContain('entra_pim 0a5c3e1f-7d2b-4e86-9c41-b8f6d3a20e57, servicenow CHG0030192');
    });

    it.each([
      ['3 where the profile wants one and none is named', [], 3, 'prerequisite_missing'],
      ['3 where another is named', ['servicenow=CHG0030192'], 3, '--prerequisite entra_pim=ID'],
      ['2 for a name without an id', ['entra_pim'], 2, '--prerequisite is SYSTEM=ID, such as entra_pim=GUID'],
      ['2 for an id without a name', [`=${PIM}`], 2, '--prerequisite is SYSTEM=ID'],
      ['2 for an approval of Entra PIM that is no GUID', ['entra_pim=CHG0030192'], 2, 'entra_pim is named by its GUID'],
      ['2 for one system twice', [PIM, PIM], 2, 'each system once'],
      ['2 for an id with a space in it', [PIM, 'servicenow=a b'], 2, '--prerequisite'],
    ] as [string, string[], number, string][])('exits %s, and starts nothing', async (_name, said, status, says) => {
      const ran = await open(...named(...said));
      expect(ran).toMatchObject({ status, out: '' });
      expect(ran.err).toContain(says);
      expect(api.states.size).toBe(0);
    });
  });

  it('exits 3 when admission refuses, and says why', async () => {
    const ran = await reseal(api, [...asked, '--as', 'alice@example.test', '--key', people.keyOf('mallory')]);
    expect(ran.status).toBe(3);
    expect(ran.out).toContain('bad_signature');
  });

  it('names the flag that is missing and asks nobody off a terminal', async () => {
    const ran = await reseal(api, ['breakglass', ...as('alice')]);
    expect(ran).toMatchObject({ status: 2, out: '' });
    expect(ran.err).toContain('--profile is missing');
  });

  it('asks a person on a terminal, unless --no-input', async () => {
    const argv = ['breakglass', '--profile', 'security-admin', '--reason-code', 'incident', ...as('alice')];
    const ran = await reseal(api, argv, { typed: `${JUSTIFICATION}\n` });
    expect(ran.status).toBe(0);
    expect(ran.out).toContain(`incident: ${JUSTIFICATION}`);
    const silent = await reseal(api, [...argv, '--no-input'], { typed: `${JUSTIFICATION}\n` });
    expect(silent.status).toBe(2);
    expect(silent.err).toContain('--justification is missing');
  });
});

describe('when somebody waits', () => {
  /** Ends as soon as the ceremony is read for the first time after admission. */
  async function waiting(wait: string, view: Partial<CeremonyView>): Promise<Ran> {
    const id = (Math.random() * 2 ** 52).toString(16).padStart(16, '0').slice(0, 16).replace('.', '0');
    api.show(id, view);
    return open('--wait', wait, '--event-id', id);
  }
  const ended = { ended_at: '2026-01-01T00:00:00.000Z' };

  it.each([
    ['active', 'active', 0],
    ['active', 'active_unverified', 0],
    ['active', 'refused', 3],
    ['active', 'not_granted', 3],
    ['active', 'denied', 4],
    ['active', 'cancelled', 4],
    ['active', 'revoked', 4],
    ['active', 'unapproved', 5],
    ['ended', 'closed', 0],
    ['ended', 'expired', 0],
    ['ended', 'revoked', 0],
    ['ended', 'denied', 4],
    ['ended', 'unapproved', 5],
    ['ended', 'not_granted', 3],
  ] as const)('for %s and it becomes %s, exits %i', async (wait, state, status) => {
    const ran = await waiting(wait, state.startsWith('active') ? { state } : { state, ...ended });
    expect(ran.status).toBe(status);
    expect(viewIn(ran).state).toBe(state);
    expect(ran.err.includes('WARNING')).toBe(state === 'active_unverified');
  });

  it('exits 8 when it stops waiting while privilege may stand', async () => {
    const standing = { state: 'resealing', status: 'active' } as const;
    const id = '00000000000000aa';
    api.show(id, standing);
    const timeout = await open('--wait', 'ended', '--event-id', id, '--timeout', '1s');
    expect(timeout.status).toBe(8);
    expect(timeout.err).toContain('NOT confirmed');
    const signal = AbortSignal.timeout(300);
    const interrupted = await reseal(api, ['breakglass', 'watch', id], { signal });
    expect(interrupted.status).toBe(8);
  });

  it('says until when an active privilege stands when it stops watching', async () => {
    const id = await opened();
    api.show(id, { state: 'active', status: 'active', expires_at: new Date(Date.now() + 750_000).toISOString() });
    const options = { signal: AbortSignal.timeout(300), env: { TZ: 'Europe/Berlin' } };
    const ran = await reseal(api, ['breakglass', 'watch', id], options);
    expect(ran.status).toBe(8);
    expect(ran.err).toMatch(/the privilege stands, .* ends it by itself in 12 min \(.*\d\d:\d\d CES?T\)/);
  });

  it('exits 5 when the time to wait is over before anything was granted, 130 when interrupted', async () => {
    expect((await open('--wait', 'active', '--timeout', '1s')).status).toBe(5);
    const id = await opened();
    expect((await reseal(api, ['breakglass', 'watch', id], { signal: AbortSignal.timeout(300) })).status).toBe(130);
  });

  it('watches with one line a change', async () => {
    const id = await opened();
    const until = '2026-01-01T00:30:00.000Z';
    api.show(
      id,
      {},
      { state: 'active', expires_at: until },
      { state: 'active', expires_at: until },
      { state: 'expired', ...ended },
    );
    const ran = await reseal(api, ['breakglass', 'watch', id], { env: { TZ: 'Europe/Berlin' } });
    expect(ran.status).toBe(0);
    const lines = ran.out.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain('awaiting_approval  0 of 2 approvals');
    expect(lines[1]).toContain('active  until 01:30:00 CET');
  });
});

describe('when people speak', () => {
  it('shows what is approved before it signs, and the ceremony accepts it', async () => {
    const id = await opened();
    const ran = await reseal(api, ['approve', id, ...as('bob'), '-o', 'json']);
    expect(ran.err).toContain('Security Administrator');
    expect(ran.err).toContain(`incident: ${JUSTIFICATION}`);
    expect(ran.err).toContain('alice@example.test (a11ce000-0000-4000-8000-000000000001)');
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({ event_id: id, act: 'approve', person: 'bob', status: 'accepted' });
    expect(api.states.get(id)?.approvals).toHaveLength(1);
  });

  it('signs nothing when the person says no on a terminal', async () => {
    const id = await opened();
    const ran = await reseal(api, ['approve', id, ...as('bob')], { typed: 'n\n' });
    expect(ran.status).toBe(4);
    expect(api.states.get(id)?.verdicts).toHaveLength(0);
    expect((await reseal(api, ['approve', id, ...as('bob')], { typed: 'y\n' })).status).toBe(0);
    expect((await reseal(api, ['approve', id, ...as('carol'), '--yes'], { typed: '' })).status).toBe(0);
    expect(api.states.get(id)?.approvals).toHaveLength(2);
  });

  it.each([
    ['the invoker', 'alice', 'alice', 'is_invoker'],
    ['a forger', 'bob', 'mallory', 'bad_signature'],
  ])('exits 4 with the reason in words for %s', async (_who, person, key, code) => {
    const id = await opened();
    const ran = await reseal(api, ['approve', id, '--as', `${person}@example.test`, '--key', people.keyOf(key)]);
    expect(ran.status).toBe(4);
    expect(ran.err).toContain(`refused: ${code}: `);
  });

  it('exits 7 and signs nothing when the ceremony is about another request than the one handed out', async () => {
    const id = await opened();
    api.show(id, { request_digest: 'f'.repeat(64) });
    const ran = await reseal(api, ['approve', id, ...as('bob')]);
    expect(ran.status).toBe(7);
    expect(api.states.get(id)?.verdicts).toHaveLength(0);
  });

  it('exits 7 when the request handed out is not what its statement says', async () => {
    const id = await opened();
    const state = api.states.get(id);
    if (state === undefined) throw new Error('no state');
    const statement = requestStatementSchema.parse(JSON.parse(state.envelope.payload));
    const payload = state.envelope.payload.replace(statement.request.justification, `${JUSTIFICATION}!`);
    api.states.set(id, { ...state, envelope: { ...state.envelope, payload } });
    const ran = await reseal(api, ['approve', id, ...as('bob')]);
    expect(ran.status).toBe(7);
    expect(api.states.get(id)?.verdicts).toHaveLength(0);
  });

  it('denies, and a later close is refused', async () => {
    const id = await opened();
    expect((await reseal(api, ['deny', id, ...as('bob'), '--reason', 'not during the freeze'])).status).toBe(0);
    expect(api.states.get(id)?.phase).toBe('denied');
    const ran = await reseal(api, ['breakglass', 'close', id, ...as('alice')]);
    expect(ran.status).toBe(4);
    expect(ran.err).toContain('wrong_state');
  });

  it('answers a second kill of a ceremony that is being resealed with where it is, and exits 0', async () => {
    const id = await opened();
    const rollback = { requested_at: new Date().toISOString() } as CeremonyView['rollback'];
    await reseal(api, ['deny', id, ...as('bob')]);
    const resealing = { state: 'resealing', status: 'active', cause: 'kill', ended_by: 'carol', rollback } as const;
    api.show(id, resealing);
    const ran = await reseal(api, ['breakglass', 'kill', id, ...as('bob'), '-o', 'json']);
    expect(ran.status).toBe(0);
    expect(ran.err).toMatch(/already being resealed: kill by carol, begun (now|\d+ s ago) \(/);
    expect(JSON.parse(ran.out)).toMatchObject({ reason: 'wrong_state', already: 'resealing' });
    api.show(id, resealing, { state: 'revoked', ended_at: '2026-01-01T00:00:00.000Z' });
    expect((await reseal(api, ['breakglass', 'close', id, ...as('alice'), '--wait', 'ended'])).status).toBe(0);
  });

  it('tells the scope, the end and its mark in words', async () => {
    const id = await opened();
    const closed = { state: 'closed', cause: 'close', ended_by: 'alice', mark: 'standing' } as const;
    api.show(id, { ...closed, directory_scope_id: '/', ended_at: '2026-01-01T00:00:00.000Z' });
    const { out } = await reseal(api, ['breakglass', 'check', id]);
    expect(out).toMatch(/^scope +\/ \(the whole directory\) in \S+$/m);
    expect(out).toMatch(/^cause +close by alice$/m);
    expect(out).toMatch(/^end mark +recorded by the authority: nothing more can be granted for it$/m);
    const watched = await reseal(api, ['breakglass', 'watch', id]);
    expect(watched.err + watched.out).toMatch(/closed {2}by alice$/m);
  });

  it('tells nobody without the right that a ceremony is being resealed', async () => {
    const id = await opened();
    api.show(id, { state: 'resealing', status: 'active', cause: 'kill' });
    const ran = await reseal(api, ['breakglass', 'close', id, ...as('carol')]);
    expect(ran.status).toBe(4);
    expect(ran.err).toContain('not_entitled');
    expect(ran.err).not.toContain('already');
  });

  it('asks before a kill on a terminal, and takes --yes for an answer', async () => {
    const id = await opened();
    const no = await reseal(api, ['breakglass', 'kill', id, ...as('bob')], { typed: '\n' });
    expect(no.status).toBe(4);
    expect(no.err).toContain('kill: Security Administrator is taken from alice@example.test now');
    expect(no.err).toContain(`kill ${id} as bob@example.test? [y/N] `);
    expect(api.states.get(id)?.verdicts).toHaveLength(0);
    expect((await reseal(api, ['breakglass', 'kill', id, ...as('bob'), '--yes'], { typed: '' })).status).toBe(0);
  });

  it('tells how far the ceremony is after an approval', async () => {
    const id = await opened();
    expect((await reseal(api, ['approve', id, ...as('bob')])).err).toContain('awaiting_approval  1 of 2 approvals');
  });

  it('says that a statement that was sent is heard without whoever sent it, and exits 130', async () => {
    const id = await opened();
    api.verdict = () => Promise.resolve({ status: 'pending' as const });
    const ran = await reseal(api, ['deny', id, ...as('bob')], { signal: AbortSignal.timeout(500) });
    expect(ran.status).toBe(130);
    expect(ran.err).toContain('stopped waiting: the deny was sent, and is heard without you');
    expect(ran.err).toContain(`next: reseal breakglass check ${id}`);
  });

  it('kills and waits for the end', async () => {
    const id = await opened();
    const ran = await reseal(api, ['breakglass', 'kill', id, ...as('bob'), '--wait', 'ended', '-o', 'json']);
    expect(ran.err).toContain('accepted: kill');
    expect(viewIn(ran)).toMatchObject({ state: 'cancelled', cause: 'kill', ended_by: 'bob' });
    expect(ran.status).toBe(4);
  });
});

describe('when something is wrong with the question', () => {
  it.each([
    ['an unknown event', ['breakglass', 'check', '0123456789abcdef'], 'reseal breakglass list'],
    ['something that is no event id', ['breakglass', 'check', 'it'], '16 lower-case hex'],
    ['nobody acting', ['approve', '0123456789abcdef'], '--as UPN'],
    ['no key', ['approve', '0123456789abcdef', '--as', 'bob@example.test'], '--key PATH'],
    ['a key that is not there', ['approve', '0123456789abcdef', '--as', 'bob', '--key', '/nowhere'], '/nowhere'],
    ['another output', ['breakglass', 'list', '-o', 'toml'], 'table, json, yaml'],
    [
      'a state that is none',
      ['breakglass', 'list', '--state', 'actve'],
      '--state: "actve" is none. Did you mean active',
    ],
    ['a status that is none', ['breakglass', 'list', '--status', 'close'], 'Did you mean closed?'],
    ['a limit that is none', ['breakglass', 'list', '--limit', '0'], '--limit is a whole number from 1 to 500'],
    ['a time that is none', ['breakglass', 'list', '--since', '2026-31-31'], '--since: "2026-31-31" is not a time'],
    ['no event', ['breakglass', 'check'], 'EVENT is missing'],
    ['a misspelt reason code', [...asked, '--reason-code', 'inicdent'], 'Did you mean incident?'],
    ['a misspelt command', ['breakglas'], 'Did you mean breakglass?'],
    ['a misspelt option', ['breakglass', 'list', '--opne'], 'Did you mean --open?'],
    ['an unknown command', ['frobnicate'], 'unknown command'],
    ['an unknown option', ['breakglass', 'list', '--colour'], '--colour'],
  ])('exits 2 for %s and says what to do', async (_name, argv, says) => {
    const ran = await reseal(api, argv);
    expect(ran.status).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toContain(says);
    expect(ran.err).not.toMatch(/^\s+at /m);
  });

  it('shows where an internal error came from only with RESEAL_DEBUG', async () => {
    api.get = () => Promise.reject(new TypeError('boom'));
    const argv = ['breakglass', 'check', '0123456789abcdef'];
    const quiet = await reseal(api, argv);
    expect(quiet.status).toBe(1);
    expect(quiet.err).not.toMatch(/^\s+at /m);
    expect((await reseal(api, argv, { env: { RESEAL_DEBUG: '1' } })).err).toMatch(/^\s+at /m);
  });

  it.each([
    ['a person', ['approve', '0123456789abcdef', '--as', 'eve\nreseal: approved']],
    ['an event id', ['breakglass', 'check', 'x\nreseal: approved']],
    ['a command', ['x\nreseal: approved']],
    ['an option', ['breakglass', 'list', '--x\nreseal: approved']],
    ['a profile', [...asked, '--profile', 'x\nreseal: approved']],
  ])('never lets %s with a line break in it forge a line', async (_name, argv) => {
    const ran = await reseal(api, argv, {
      env: { RESEAL_AS: 'bob@example.test', RESEAL_KEY: people.keyOf('bob') },
    });
    expect(ran.status).toBeGreaterThan(0);
    expect(ran.err).toContain('reseal: approved');
    expect(ran.err).not.toMatch(/^reseal: approved/m);
  });

  it('never lets text of others drive the terminal', async () => {
    const id = await opened();
    const evil = 'x\u001b]0;owned\u0007\u202egnp.exe';
    api.show(id, { ticket: evil, justification: `${evil}\nstate  active` });
    const table = await reseal(api, ['breakglass', 'check', id]);
    const json = await reseal(api, ['breakglass', 'check', id, '-o', 'json']);
    const yaml = await reseal(api, ['breakglass', 'check', id, '-o', 'yaml']);
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    for (const { out } of [table, json, yaml]) expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(table.out.match(/^state /gm)).toHaveLength(1);
    expect((JSON.parse(json.out) as CeremonyView).ticket).toBe(evil);
  });
});
