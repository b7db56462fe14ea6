import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';

let people: People;
let api: MachineApi;
let app: Hono;

beforeAll(() => {
  people = makePeople();
});
afterAll(() => people.dispose());
beforeEach(() => {
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  app = gatewayApp({ api });
});

const JSON_BODY = { 'content-type': 'application/json' };
const post = async (body: string, headers: Record<string, string> = JSON_BODY): Promise<[number, unknown]> => {
  const response = await app.request('/v1/audit/imports', { method: 'POST', headers, body });
  const json = (await response.json()) as { error?: { code: string } };
  return [response.status, json.error?.code ?? json];
};
const batch = (lines: { line: number; text: string }[], more: object = {}): string =>
  JSON.stringify({ lines, dry_run: false, skip_invalid: false, ...more });

describe('GET /v1/audit', () => {
  it('answers lines after what was read', async () => {
    api.audit = [1, 2, 3].map((seq) => ({ seq, line: `line ${seq}` }));
    const response = await app.request('/v1/audit?after=1&limit=1');
    expect([response.status, await response.json()]).toEqual([200, { lines: [{ seq: 2, line: 'line 2' }] }]);
  });

  it('hands on what is asked for, and nothing else', async () => {
    const asked: unknown[] = [];
    api.auditLines = async (filter) => {
      asked.push(filter);
      return [];
    };
    await app.request('/v1/audit?since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z&last=5');
    await app.request('/v1/audit');
    expect(asked).toEqual([
      { since: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z', last: 5, limit: 200 },
      { limit: 200 },
    ]);
  });

  it.each(['after=-1', 'after=x', 'limit=501', 'limit=0', 'last=0', 'since=yesterday', 'order=desc'])(
    'refuses ?%s',
    async (query) => {
      const response = await app.request(`/v1/audit?${query}`);
      const { error } = (await response.json()) as { error: { code: string } };
      expect([response.status, error.code]).toEqual([400, 'usage']);
    },
  );
});

describe('POST /v1/audit/imports', () => {
  it('takes more than other bodies may hold, and answers what became of it', async () => {
    const lines = Array.from({ length: 10 }, (_, index) => ({ line: index + 1, text: 'x'.repeat(20_000) }));
    expect(await post(batch(lines))).toEqual([200, expect.objectContaining({ lines: 10, imported: 10 })]);
    expect(api.imported[0]?.lines).toEqual(lines);
  });

  it.each([
    ['no JSON', '{', JSON_BODY, 400, 'malformed'],
    ['no lines', batch([]), JSON_BODY, 400, 'malformed'],
    ['a member too many', batch([{ line: 1, text: 'x' }], { key: 'k' }), JSON_BODY, 400, 'malformed'],
    ['a line number that is none', batch([{ line: 0, text: 'x' }]), JSON_BODY, 400, 'malformed'],
    ['a form', batch([{ line: 1, text: 'x' }]), { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    [
      'a page of another site',
      batch([{ line: 1, text: 'x' }]),
      { ...JSON_BODY, origin: 'http://evil.example' },
      403,
      'foreign_origin',
    ],
    [
      '300 KiB of lines',
      batch(Array.from({ length: 5 }, () => ({ line: 1, text: 'x'.repeat(60_000) }))),
      JSON_BODY,
      400,
      'malformed',
    ],
    ['a megabyte', 'x'.repeat(1024 * 1024), JSON_BODY, 413, 'too_large'],
  ])('refuses %s', async (_name, body, headers, status, code) => {
    expect(await post(body, headers)).toEqual([status, code]);
    expect(api.imported).toEqual([]);
  });

  it('leaves the bound of other bodies as it was', async () => {
    const response = await app.request('/v1/events', {
      method: 'POST',
      headers: JSON_BODY,
      body: 'x'.repeat(65 * 1024),
    });
    expect(response.status).toBe(413);
  });
});
