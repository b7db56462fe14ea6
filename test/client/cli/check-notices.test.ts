import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ResealError } from '../../../client/api/reseal-error.js';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import type { NoticeDelivery, NoticeView } from '../../../domain/notice-view.js';
import type { CeremonyView } from '../../../domain/view.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { reseal } from '../terminal.js';

const at = '2026-11-21T03:00:00.000Z';
const delivery = (over: Partial<NoticeDelivery>): NoticeDelivery => ({
  channel: 'desk',
  state: 'waiting',
  attempts: [],
  next_at: '2026-11-21T03:05:00.000Z',
  ...over,
});
const failed = (attempt: number, code: string, status: number | null) => ({ attempt, at, code, status });
const notice = (over: Partial<NoticeView>): NoticeView => ({
  id: 'notice_1',
  type: 'requested',
  at,
  deliveries: [],
  ...over,
});

describe('reseal breakglass check', () => {
  let people: People;
  let api: MachineApi;
  let event: string;

  beforeAll(() => {
    people = makePeople();
  });
  afterAll(() => people.dispose());
  beforeEach(async () => {
    api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
    const asked = ['breakglass', '--profile', 'security-admin', '--reason-code', 'incident', '-o', 'json'];
    const why = ['--justification', 'Contain the mailbox rule of INC-4711'];
    const as = ['--as', 'alice@example.test', '--key', people.keyOf('alice')];
    event = (JSON.parse((await reseal(api, [...asked, ...why, ...as])).out) as CeremonyView).event_id;
  });

  const check = async (...more: string[]) => reseal(api, ['breakglass', 'check', event, ...more]);

  it.each([
    [
      'delivered',
      delivery({ state: 'delivered', attempts: [{ attempt: 1, at, code: null, status: 204 }] }),
      /→ desk delivered 03:00:00/,
    ],
    ['still waiting', delivery({}), /→ desk waiting$/m],
    [
      'to be sent again',
      delivery({ attempts: [failed(1, 'timeout', null), failed(2, 'http_status', 503)] }),
      /→ desk not delivered yet: 503, 2 of 6, next 03:05:00/,
    ],
    [
      'given up',
      delivery({ state: 'dead', attempts: [failed(6, 'ECONNREFUSED', null)] }),
      /→ desk not delivered: ECONNREFUSED, given up/,
    ],
    [
      'refused by Amazon',
      delivery({ state: 'dead', attempts: [failed(6, 'Throttling', 400)] }),
      /→ desk not delivered: Throttling 400, given up/,
    ],
  ])('shows a notice that is %s', async (_, one, line) => {
    api.told = [notice({ deliveries: [one] })];
    const { out, status } = await check();
    expect(status).toBe(0);
    expect(out).toMatch(/^notice {5}03:00:00.* requested/m);
    expect(out).toMatch(line);
  });

  it('shows a pressing one that no channel hears of', async () => {
    api.told = [notice({ type: 'rollback_overdue' })];
    expect((await check()).out).toContain('rollback_overdue: no channel hears of it');
  });

  it('gives them to programs with the ceremony', async () => {
    api.told = [notice({ deliveries: [delivery({})] })];
    const view = JSON.parse((await check('-o', 'json')).out) as CeremonyView & { notices: NoticeView[] };
    expect(view).toMatchObject({ event_id: event, notices: api.told });
  });

  it.each(['needs_register', 'register_unreachable', 'not_found'] as const)(
    'shows the ceremony all the same where nobody knows of notices: %s',
    async (code) => {
      api.notices = () => Promise.reject(new ResealError(code, 'no'));
      const table = await check();
      expect(table).toMatchObject({ status: 0 });
      expect(table.out).not.toContain('notice ');
      expect(JSON.parse((await check('-o', 'json')).out)).not.toHaveProperty('notices');
    },
  );

  it('lets nothing that a channel answered move the terminal', async () => {
    api.told = [notice({ deliveries: [delivery({ state: 'dead', attempts: [failed(1, '\u001b[2J\nok', null)] })] })];
    expect((await check()).out).not.toContain('\u001b[2J');
  });
});

describe('GET /v1/events/{id}/notices', () => {
  it('answers what people were told, and refuses what is no event id', async () => {
    const api = new MachineApi({ policy: testPolicy, roster: { version: 1, people: [] }, now: Date.now });
    api.told = [notice({ deliveries: [delivery({})] })];
    const app = gatewayApp({ api });
    const answer = await app.request('/v1/events/0123456789abcdef/notices');
    expect({ status: answer.status, body: await answer.json() }).toEqual({ status: 200, body: { notices: api.told } });
    expect((await app.request('/v1/events/x/notices')).status).toBe(400);
  });
});
