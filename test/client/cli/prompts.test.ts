import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { policySchema, type Policy } from '../../../domain/policy.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { reseal } from '../terminal.js';

let people: People;
let api: MachineApi;
const policy: Policy = policySchema.parse({
  ...testPolicy,
  profiles: {
    ...testPolicy.profiles,
    'helpdesk-admin': {
      action: 'entra.directory_role',
      role: { template_id: '729827e3-9c14-49f7-bb1b-9608f156bbb8', name: 'Helpdesk Administrator' },
      approvals: { min_approvers: 1, approvers: ['group:security'] },
      timebox: { default: '15m', max: '1h' },
    },
  },
});

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(() => {
  api = new MachineApi({ policy, roster: people.roster, now: Date.now });
});

const as = (name: string): string[] => ['--as', `${name}@example.test`, '--key', people.keyOf(name)];
const WHY = 'Contain the mailbox rule of INC-4711';

describe('when something is missing on a terminal', () => {
  it('asks for profile, reason code, justification and duration, by number, name and default', async () => {
    const typed = `2\nincident\n${WHY}\n\n`;
    const ran = await reseal(api, ['breakglass', ...as('alice')], { typed });
    expect(ran.status).toBe(0);
    expect(ran.err).toContain('  1  security-admin  Security Administrator, 30 min, 2 approvals');
    expect(ran.err).toContain('  2  helpdesk-admin  Helpdesk Administrator, 15 min, 1 approval');
    expect(ran.err).toContain('for how long, at most 1 h [15m]: ');
    const [state] = [...api.states.values()];
    expect(state?.opened?.request).toMatchObject({
      profile: 'helpdesk-admin',
      reason_code: 'incident',
      justification: WHY,
      duration_seconds: 900,
    });
  });

  it('says what is wrong with an answer and asks again', async () => {
    const typed = `3\nhelpdesk-admn\nHelpdesk-Admin\nboredom\nsecurity\nbecause\n${WHY}\n5m\n2h\nsoon\n45m\n`;
    const ran = await reseal(api, ['breakglass', ...as('alice')], { typed });
    expect(ran.status).toBe(0);
    for (const says of [
      '"3" is none of them.',
      '"helpdesk-admn" is none of them. Did you mean helpdesk-admin?',
      '"boredom" is none of them.',
      'it has 7 characters, and 20 to 1,000 are wanted',
      'at least 10m',
      'at most 1 h',
      '"soon" is not a duration such as 30m or 1h30m',
    ]) {
      expect(ran.err).toContain(says);
    }
    const [state] = [...api.states.values()];
    expect(state?.opened?.request).toMatchObject({ reason_code: 'security', duration_seconds: 2700 });
  });

  it('shows the first of many, and takes the name of any', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 25 }, (_, index) => [`p${index}`, policy.profiles['helpdesk-admin']]),
    );
    const wide = policySchema.parse({ ...testPolicy, profiles: many });
    api = new MachineApi({ policy: wide, roster: people.roster, now: Date.now });
    const ran = await reseal(api, ['breakglass', ...as('alice')], { typed: `p24\n1\n${WHY}\n\n` });
    expect(ran.status).toBe(0);
    expect(ran.err).toContain('  20  p19  Helpdesk Administrator');
    expect(ran.err).not.toContain('  21  p20');
    expect(ran.err).toContain('  … and 5 more: type its name');
  });

  it('does not ask for a duration where nothing else was missing', async () => {
    const argv = ['breakglass', '--profile', 'helpdesk-admin', '--reason-code', 'incident', '--justification', WHY];
    const ran = await reseal(api, [...argv, ...as('alice')], { typed: '' });
    expect(ran.status).toBe(0);
    expect(ran.err).not.toContain('for how long');
  });

  it('names the flag when no answer comes', async () => {
    const ran = await reseal(api, ['breakglass', ...as('alice')], { typed: '1\n' });
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('--reason-code is missing: incident, maintenance, security, recovery, other');
    expect(api.states.size).toBe(0);
  });

  it('sends nothing and exits 130 at Ctrl-C', async () => {
    const ran = await reseal(api, ['breakglass', ...as('alice')], { typed: '1\n', signal: AbortSignal.abort() });
    expect(ran.status).toBe(130);
    expect(ran.err).toContain('interrupted: nothing was sent');
    expect(api.states.size).toBe(0);
  });

  it('lets a person pick the ceremony', async () => {
    await reseal(api, ['breakglass', ...as('alice')], { typed: `1\n1\n${WHY}\n\n` });
    const [id = ''] = [...api.states.keys()];
    const ran = await reseal(api, ['breakglass', 'check'], { typed: '1\n' });
    expect(ran.status).toBe(0);
    expect(ran.err).toMatch(new RegExp(`  1  ${id}  awaiting_approval, security-admin for alice@example.test, `));
    expect(ran.out).toContain(id);
    expect((await reseal(api, ['approve', ...as('bob')], { typed: '1\ny\n' })).status).toBe(0);
    expect(api.states.get(id)?.approvals).toHaveLength(1);
  });

  it('says so when there is nothing to pick', async () => {
    const ran = await reseal(api, ['approve', ...as('bob')], { typed: '1\n' });
    expect(ran.status).toBe(2);
    expect(ran.err).toContain('no ceremony is waiting for an approval of bob@example.test');
  });
});

describe('when nobody can be asked', () => {
  it.each([
    ['--profile', ['breakglass']],
    ['--reason-code', ['breakglass', '--profile', 'helpdesk-admin']],
    ['--justification', ['breakglass', '--profile', 'helpdesk-admin', '--reason-code', 'incident']],
    ['EVENT', ['approve']],
    ['EVENT', ['breakglass', 'kill']],
  ])('names %s and exits 2, off a terminal and with --no-input', async (flag, argv) => {
    for (const options of [{}, { typed: '1\n1\n1\n' }]) {
      const ran = await reseal(api, [...argv, ...as('alice'), '--no-input'], options);
      expect(ran).toMatchObject({ status: 2, out: '' });
      expect(ran.err).toContain(`${flag} is missing`);
    }
  });
});
