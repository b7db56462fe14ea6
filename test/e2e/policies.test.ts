import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpApi } from '../../client/api/http-api.js';
import type { EventView } from '../../client/api/reseal-api.js';
import { explanationSchema, type Explanation } from '../../domain/explanation.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { termsOf } from '../../domain/policy.js';
import type { ReasonCode } from '../../domain/reason-codes.js';
import { clockAt, isOpen, nextOpening, timeWindowSchema } from '../../domain/time-window.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { readPolicy } from '../../proofs/policy-document.js';
import { crowdPerson } from '../../deploy/local/stack/crowd.js';
import type { LocalPerson } from '../../deploy/local/stack/local-world.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { ResealProcess } from '../support/dev-process.js';
import { entriesOf, hurry, isOver } from '../support/records.js';
import { signWith } from '../support/signing.js';

/**
 * The example policies, live: the same file asked through the command line, over HTTP and by a ceremony's own admission.
 * Everything that is said about a request is compared, word for word.
 */

const MINUTE = 60_000;
/** A zone in which it is deep in the night for the next half hour, so that the example's night is now. */
function zoneOfNight(): string {
  const zones = Array.from({ length: 24 }, (_, hour) => `Etc/GMT${hour < 12 ? `+${hour}` : `-${hour - 11}`}`);
  const found = zones.find((zone) => {
    const night = timeWindowSchema.parse({ from: '23:00', until: '05:00', zone });
    return isOpen(night, clockAt(Date.now())) && isOpen(night, clockAt(Date.now() + 30 * MINUTE));
  });
  if (found === undefined) throw new Error('it is night nowhere');
  return found;
}

function example(name: string): string {
  const file = fileURLToPath(new URL(`../../deploy/policies/${name}.yaml`, import.meta.url));
  return readFileSync(file, 'utf8').replaceAll('Europe/Lisbon', zoneOfNight());
}

/** Four people for each group that a policy names, everybody it names, and somebody whom it does not. */
function peopleFor(text: string): LocalPerson[] {
  const groups = [...new Set([...text.matchAll(/group:\s?([a-z-]+)/g)].map(([, group]) => group ?? ''))];
  const named = [...new Set([...text.matchAll(/person:([a-z]+)/g)].map(([, id]) => id ?? ''))];
  const members = groups.flatMap((group) => [1, 2, 3, 4].map((n): [string, string[]] => [`${group}-${n}`, [group]]));
  const everybody = [...members, ...named.map((id): [string, string[]] => [id, []]), ['stranger', []] as const];
  return everybody.map(([id, own], index) => ({
    ...crowdPerson(id, '0', [...own]),
    object_id: `9e09${String(index).padStart(4, '0')}-0000-4000-8000-000000000000`,
  }));
}

interface Question {
  person: string;
  profile: string;
  reason_code: ReasonCode;
  duration_seconds: number;
}

/** What is the same however it is asked: everything but the moment. */
const timeless = ({ at: _at, admitted_from: _from, ...rest }: Explanation): object => rest;

class LivePolicy {
  private constructor(
    readonly stack: CeremonyStack,
    readonly api: HttpApi,
    readonly inForce: PolicyInForce,
    readonly people: readonly LocalPerson[],
    private readonly file: string,
  ) {}

  static async start(name: string): Promise<LivePolicy> {
    const policyYaml = example(name);
    const people = peopleFor(policyYaml);
    const stack = await CeremonyStack.start({ policyYaml, people });
    // With the contract section that the stack's signers signed.
    const signed = readFileSync(stack.stack.layout.policy, 'utf8');
    const read = readPolicy(signed);
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    const file = join(stack.stack.layout.root, '..', `${name}.yaml`);
    writeFileSync(file, signed);
    return new LivePolicy(stack, new HttpApi({ url: stack.stack.dev.gateway_url }), read.value, people, file);
  }

  /** Through the `reseal` command, as a process of its own. */
  async byCommand(question: Question, ...more: string[]): Promise<{ status: number | null; told: Explanation }> {
    const { person, profile, reason_code, duration_seconds } = question;
    const argv = ['policy', 'explain', '--as', person, '--profile', profile, '--reason-code', reason_code];
    const ran = await ResealProcess.run(
      [...argv, '--duration', `${duration_seconds}s`, '-o', 'json', ...more],
      join(this.file, '..'),
      { RESEAL_GATEWAY_URL: this.stack.stack.dev.gateway_url },
    );
    if (ran.stdout === '') throw new Error(ran.stderr);
    return { status: ran.status, told: explanationSchema.parse(JSON.parse(ran.stdout)) };
  }

  byFile(question: Question): Promise<{ status: number | null; told: Explanation }> {
    return this.byCommand(question, '--file', this.file, '--roster', this.stack.stack.layout.roster);
  }

  /** Through a ceremony: asks for it in earnest, and waits for its admission. */
  async byCeremony(question: Question): Promise<{ asked: Asked; view: EventView }> {
    const asked = this.prepare(question);
    expect((await this.stack.send(asked)).status).toBe(200);
    await this.stack.until(asked.event, ({ state }) => state !== 'requested');
    return { asked, view: await this.api.get(asked.event) };
  }

  private prepare({ person, profile, reason_code, duration_seconds }: Question): Asked {
    const terms = termsOf(this.inForce.policy, profile);
    const invoker = this.people.find(({ id }) => id === person);
    if (terms === undefined || invoker === undefined) throw new Error(`${profile}, ${person}`);
    const event = randomBytes(8).toString('hex');
    const request = {
      event_id: event,
      profile,
      reason_code,
      justification: 'An example policy that is tried in earnest',
      ticket: null,
      duration_seconds,
      invoker: { person, upn: invoker.upn },
      principal: { object_id: invoker.object_id, upn: invoker.upn },
      effect: terms.effect,
      policy_digest: this.inForce.digest,
      requested_at: new Date().toISOString(),
    };
    const request_digest = digestOf(request);
    const statement = { ...this.stack.common(event, request_digest, person, Date.now()), act: 'request', request };
    const envelope = signWith(this.stack.keyOf(person), statement);
    return { event, profile, tenant: terms.effect.tenant_id, request, request_digest, envelope };
  }

  /** Asks all three ways, and says what they agreed on. */
  async agree(question: Question): Promise<{ told: Explanation; asked: Asked; view: EventView }> {
    const { told, status } = await this.byCommand(question);
    expect(status).toBe(told.passes ? 0 : 3);
    const http = await this.api.explain(question);
    expect(timeless(http)).toEqual(timeless(told));
    const { asked, view } = await this.byCeremony(question);
    expect(view.state === 'refused').toBe(!told.passes);
    if (told.refusal !== null) expect(view.refusal).toEqual(told.refusal);
    else {
      const [entry] = await entriesOf(this.stack, asked.event, 'request');
      const { rule, escalated, extra_approvers } = told;
      expect(entry).toMatchObject({ rule, escalated, extra_approvers });
      expect(view.approvals_wanted).toBe(told.approvals_wanted);
    }
    return { told, asked, view };
  }

  /** Ends what was asked before anything was granted. */
  async cancel(asked: Asked): Promise<void> {
    const person = asked.request['invoker'] as { person: string };
    expect(await this.stack.say(asked, person.person, 'close')).toMatchObject({ status: 'accepted' });
    await this.stack.until(asked.event, ({ ended_at }) => ended_at !== null);
  }
}

const ask = (person: string, profile: string, reason_code: ReasonCode, duration_seconds: number): Question => ({
  person,
  profile,
  reason_code,
  duration_seconds,
});

/** Starts the example once for a block of tests. */
function live(name: string): () => LivePolicy {
  let policy: LivePolicy | undefined;
  beforeAll(async () => {
    policy = await LivePolicy.start(name);
  });
  afterAll(() => policy?.stack.stop());
  return () => {
    if (policy === undefined) throw new Error('not started');
    return policy;
  };
}

describe('two-teams.yaml', () => {
  const policy = live('two-teams');

  it.each([
    [ask('security-1', 'security-admin', 'incident', 1800), 'incidents'],
    [ask('platform-1', 'global-admin', 'recovery', 900), 'incidents'],
    [ask('security-desk-1', 'security-admin', 'incident', 1800), 'no_rule_matches'],
    [ask('stranger', 'exchange-admin', 'security', 600), 'no_rule_matches'],
    [ask('security-1', 'exchange-admin', 'maintenance', 1800), 'no_rule_matches'],
    [ask('security-1', 'security-admin', 'incident', 7201), 'duration_too_long'],
    [ask('platform-1', 'global-admin', 'incident', 599), 'duration_too_short'],
  ])('says the same of %j however it is asked: %s', async (question, expected) => {
    const { told, asked } = await policy().agree(question);
    expect(told.rule ?? told.refusal?.code).toBe(expected);
    const file = await policy().byFile(question);
    expect({ ...timeless(file.told), usage: 'register' }).toEqual(timeless(told));
    if (told.passes) await policy().cancel(asked);
  });

  it('says the same of planned work, whether this is an hour for it or not', async () => {
    const question = ask('platform-2', 'exchange-admin', 'maintenance', 14_400);
    const windows = policy().inForce.policy.rules?.[1]?.time ?? [];
    const open = windows.some((window) => isOpen(window, clockAt(Date.now())));
    const { told, asked } = await policy().agree(question);
    expect(told.rule ?? told.refusal?.rule).toBe('planned-work');
    expect(told.passes).toBe(open);
    const next = Math.min(...windows.map((window) => nextOpening(window, Date.now()) ?? Infinity));
    if (told.passes) await policy().cancel(asked);
    else expect(told.admitted_from).toBe(new Date(next).toISOString());
  });

  it('grants to a quorum of both teams, and then refuses a second at once, and the next too soon', async () => {
    const { stack } = policy();
    const question = ask('security-2', 'security-admin', 'incident', 1800);
    const { asked } = await policy().agree(question);
    const stacked = await policy().agree(question);
    expect(stacked.told.refusal).toMatchObject({ code: 'stacking_invoker_profile', passes_at: null });
    await stack.approve(asked, 'security-3', 'platform-3');
    const active = await stack.untilState(asked.event, 'active');
    await stack.advance(asked.event, '6m');
    expect(await stack.say(asked, 'security-2', 'close')).toMatchObject({ status: 'accepted' });
    expect(await hurry(stack, asked.event, isOver)).toMatchObject({ state: 'closed' });
    const again = await policy().agree(question);
    expect(again.told.refusal).toMatchObject({
      code: 'cooldown',
      wanted: '10m between two grants of one invoker and profile',
    });
    expect(Date.parse(again.told.refusal?.passes_at ?? '')).toBeLessThanOrEqual(
      Date.parse(active.activated_at ?? '') + 10 * MINUTE,
    );
    const elsewhere = await policy().agree(ask('security-2', 'exchange-admin', 'incident', 1800));
    expect(elsewhere.told).toMatchObject({ passes: true, escalated: false });
    await policy().cancel(elsewhere.asked);
  });

  it('lets the desk have a session by its standing rule in its hours, and nobody else', async () => {
    const desk = policy().inForce.policy.standing?.[0]?.time[0];
    const inHours = desk !== undefined && isOpen(desk, clockAt(Date.now()));
    const decision = await policy().api.decide({ person: 'security-desk-1', profile: 'security-admin' });
    expect(decision.effect).toBe(inHours ? 'allow' : 'deny');
    const other = await policy().api.decide({ person: 'stranger', profile: 'security-admin' });
    expect(other.effect).toBe('deny');
  });
});

describe('small-team.yaml', () => {
  const policy = live('small-team');

  it.each([
    [ask('on-call-1', 'user-admin', 'incident', 1800), 'on-call'],
    [ask('dana', 'conditional-access', 'security', 900), 'no_rule_matches'],
    [ask('on-call-1', 'user-admin', 'other', 3601), 'duration_too_long'],
  ])('says the same of %j however it is asked: %s', async (question, expected) => {
    const { told, asked } = await policy().agree(question);
    expect(told.rule ?? told.refusal?.code).toBe(expected);
    if (told.passes) await policy().cancel(asked);
  });

  it('grants by its fallback to one approver after ten minutes, for half an hour', async () => {
    const { stack } = policy();
    const { asked } = await policy().agree(ask('on-call-2', 'user-admin', 'incident', 3600));
    await stack.approve(asked, 'on-call-3');
    expect((await stack.view(asked.event)).state).toBe('awaiting_approval');
    await stack.advance(asked.event, '11m');
    expect(await stack.untilState(asked.event, 'active')).toMatchObject({ quorum: 'fallback', approvals_wanted: 2 });
    expect(await stack.advanceToEnd(asked.event)).toMatchObject({ state: 'expired' });
  });
});

describe('night-watch.yaml', () => {
  const policy = live('night-watch');

  it.each([
    [ask('operations-1', 'helpdesk', 'incident', 1800), 'at-any-hour'],
    [ask('operations-1', 'investigate', 'incident', 1800), 'immediate_not_allowed'],
    [ask('watch-1', 'investigate', 'maintenance', 1800), 'no_rule_matches'],
    [ask('watch-1', 'investigate', 'incident', 3600), 'no_rule_matches'],
  ])('says the same of %j however it is asked: %s', async (question, expected) => {
    const { told, asked } = await policy().agree(question);
    expect(told.rule ?? told.refusal?.code).toBe(expected);
    if (told.passes) await policy().cancel(asked);
  });

  it('grants at once by night to the watch, and flags whoever comes again', async () => {
    const { stack } = policy();
    const question = ask('watch-2', 'investigate', 'incident', 1800);
    const { told, asked } = await policy().agree(question);
    expect(told).toMatchObject({ rule: 'watch-at-night', approvals_wanted: 0, escalated: false });
    expect(await stack.untilState(asked.event, 'active')).toMatchObject({ quorum: 'immediate', approvals: [] });
    await stack.advance(asked.event, '6m');
    expect(await stack.say(asked, 'watch-2', 'close')).toMatchObject({ status: 'accepted' });
    expect(await hurry(stack, asked.event, isOver)).toMatchObject({ state: 'closed' });
    expect((await policy().agree(question)).told.refusal).toMatchObject({ code: 'cooldown' });
    const other = await policy().agree(ask('watch-2', 'helpdesk', 'incident', 1800));
    expect(other.told).toMatchObject({ passes: true, escalated: true });
    expect(other.view.flags).toContain('escalated');
    await policy().cancel(other.asked);
  });
});
