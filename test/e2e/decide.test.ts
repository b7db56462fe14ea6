import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../../domain/decide.js';
import { decisionLogEntrySchema, decisionSchema, type Decision } from '../../domain/decision.js';
import { findPerson } from '../../domain/roster.js';
import type { EventView } from '../../client/api/reseal-api.js';
import { readPolicyFile, readRosterFile } from '../../client/config/policy-file.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { ResealProcess } from '../support/dev-process.js';
import { ROLE, tenantOf, testPolicy } from '../support/people.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-decide-'));
const log = join(folder, 'decisions.jsonl');
let stack: CeremonyStack;

/** p60 asks nobody, and erin may have p59 whenever she likes. */
const POLICY = `${testPolicy()}
  p60:
    action: entra.directory_role
    tenant_id: ${tenantOf(60)}
    role: { template_id: ${ROLE.template_id}, name: ${ROLE.name} }
    timebox: { default: 30m, max: 1h }
    approvals: { min_approvers: 0, approvers: [group:security], immediate: [person:alice] }
standing:
  - { name: always, allow: [person:erin], profiles: [p59], max_session: 45m }
`;

beforeAll(async () => {
  stack = await CeremonyStack.start({ policyYaml: POLICY, decisionLog: log });
  mkdirSync(join(folder, '.reseal'));
  writeFileSync(join(folder, '.reseal', 'dev.json'), JSON.stringify(stack.stack.dev));
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function posted(question: object): Promise<Decision> {
  const headers = { 'content-type': 'application/json' };
  const url = `${stack.stack.dev.gateway_url}/v1/decide`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(question) });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return decisionSchema.parse(await answer.json());
}
const decided = ({ profile }: Asked, person = 'alice', more: object = {}): Promise<Decision> =>
  posted({ person, profile, ...more });
const codes = ({ reasons }: Decision): string[] => reasons.map(({ code }) => code);
/** The same but for when it was asked. */
const timeless = ({ at: _at, expires_at: _expires, ...rest }: Decision) => rest;

/** The register's own row, however old it is. */
async function rowState(event: string): Promise<string | undefined> {
  const text = 'SELECT state FROM register.events WHERE event_id = $1';
  return (await stack.stack.database.query<{ state: string }>(text, [event]))[0]?.state;
}

describe('a ceremony that is active, then killed', () => {
  it('allows its principal for what remains, and nobody from the kill on, though the register knows nothing of it', async () => {
    const asked = await stack.ask({ invoker: 'alice', principal: 'erin' });
    expect(codes(await decided(asked, 'erin'))).toContain('not_active_yet');
    await stack.approve(asked);
    const active = await stack.untilState(asked.event, 'active');

    const allowed = await decided(asked, 'erin@corp.example', { session_seconds: 36_000 });
    expect(allowed).toMatchObject({
      effect: 'allow',
      source: 'approved_request',
      proof: 'ledger',
      break_glass_event_id: asked.event,
      person: 'erin',
    });
    expect(allowed.session_seconds).toBeLessThanOrEqual(1800);
    expect(allowed.session_seconds).toBeGreaterThan(1700);
    expect(Date.parse(allowed.expires_at ?? '')).toBeLessThanOrEqual(Date.parse(active.expires_at ?? ''));
    expect(Date.parse(allowed.expires_at ?? '')).toBeGreaterThan(Date.parse(active.expires_at ?? '') - 1000);
    // Who asked for it has nothing out of it.
    expect(codes(await decided(asked, 'alice'))).toEqual(['no_standing_rule', 'no_open_ceremony', 'no_open_ceremony']);

    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted' });
    const killed = await decided(asked, 'erin');
    expect(await rowState(asked.event)).toBe('active');
    expect(killed.effect).toBe('deny');
    expect(codes(killed)).toContain('resealing');
    await stack.advance(asked.event, '6m');
    await stack.until(asked.event, ({ ended_at }) => ended_at !== null);
    await expect.poll(() => rowState(asked.event), { timeout: 20_000 }).toBe('revoked');
    expect(codes(await decided(asked, 'erin'))).toContain('no_open_ceremony');
  });

  it('is not overtaken: a kill that was sent and not yet judged is waited for', async () => {
    const asked = await stack.activate();
    expect((await decided(asked)).effect).toBe('allow');
    await stack.signal(asked.event, 'kill', await stack.act(asked, 'carol', 'kill'));
    const after = await Promise.all([decided(asked), decided(asked), decided(asked)]);
    for (const decision of after) expect(codes(decision)).toContain('resealing');
  });
});

describe('time in a ceremony', () => {
  it('is its own: a session ends with the timebox there, and there is none after it', async () => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '20m');
    const { now, expires_at } = (await stack.view(asked.event)) as EventView;
    const late = await decided(asked);
    expect(late).toMatchObject({ effect: 'allow', break_glass_event_id: asked.event });
    expect(late.session_seconds).toBeLessThanOrEqual(600);
    expect(Date.parse(late.at)).toBeGreaterThanOrEqual(Date.parse(now));
    expect(Date.parse(late.expires_at ?? '')).toBeLessThanOrEqual(Date.parse(expires_at ?? ''));
    await stack.advance(asked.event, '10m');
    expect((await decided(asked)).effect).toBe('deny');
  });
});

describe('the same decision', () => {
  it('comes through HTTP, the command, the command without the gateway, and the function', async () => {
    const asked = await stack.activate();
    expect((await decided(asked)).effect).toBe('allow');
    const { digest, policy } = await readPolicyFile(stack.stack.layout.policy);
    const roster = await readRosterFile(stack.stack.layout.roster);
    const questions = [
      { person: 'alice', profile: asked.profile },
      { person: 'bob', profile: asked.profile },
      { person: 'erin', profile: 'p59' },
      { person: 'alice', profile: 'p58' },
      { person: 'alice', profile: 'nowhere' },
    ];
    for (const { person, profile } of questions) {
      const overHttp = await posted({ person, profile, session_seconds: 60 });
      const command = ['decide', '--profile', profile, '--person', person, '--session', '1m', '-o', 'json'];
      const view = (await stack.view(asked.event)) as EventView;
      const event = { ...view, object_id: null, proof: 'ledger' as const, doubt: null };
      const found = findPerson(roster, person)!;
      const byFunction = decide({
        policy,
        policy_digest: digest,
        person: found,
        profile,
        events: [event],
        now_ms: Date.now(),
        session_seconds: 60,
      });
      expect(timeless(byFunction)).toEqual(timeless(overHttp));
      for (const more of [[], ['--direct']]) {
        const { status, stdout } = await ResealProcess.run(['--no-input', ...command, ...more], folder);
        expect(status).toBe(overHttp.effect === 'allow' ? 0 : 3);
        const byCommand = decisionSchema.parse(JSON.parse(stdout));
        // The embedded database is the stack's own process's: without the gateway there is the workflow's word alone.
        const proof = more.length > 0 && overHttp.proof === 'ledger' ? 'workflow' : overHttp.proof;
        expect(timeless(byCommand)).toEqual({ ...timeless(overHttp), proof });
      }
    }
  });
});

describe('a ceremony that nobody approved', () => {
  it('allows as break-glass', async () => {
    const asked = await stack.ask({ profile: 'p60' });
    await stack.untilState(asked.event, 'active');
    const expected = { source: 'break_glass', proof: 'ledger', break_glass_event_id: asked.event };
    expect(await decided(asked)).toMatchObject(expected);
  });
});

describe('the gateway log of decisions', () => {
  it('holds a line of each answer, and nothing that people wrote', async () => {
    await posted({ person: 'erin', profile: 'p59' });
    const text = readFileSync(log, 'utf8');
    const lines = text.trimEnd().split('\n');
    const entries = lines.map((line) => decisionLogEntrySchema.parse(JSON.parse(line)));
    expect(entries.at(-1)).toMatchObject({ effect: 'allow', source: 'standing', rule: 'always', person: 'erin' });
    expect(entries.some(({ effect }) => effect === 'deny')).toBe(true);
    expect(text).not.toContain('A test that needs');
  });
});
