import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { decisionLog } from '../../../client/decide/decision-log.js';
import { gatewayApp } from '../../../client/gateway/gateway-app.js';
import { startGateway, type Gateway } from '../../../client/gateway/start-gateway.js';
import { HttpApi } from '../../../client/api/http-api.js';
import { decisionSchema } from '../../../domain/decision.js';
import { policySchema } from '../../../domain/policy.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';

const policy = policySchema.parse({
  ...testPolicy,
  standing: [{ name: 'on-call', allow: ['person:carol'], max_session: '20m' }],
});
const QUESTION = { person: 'carol', profile: 'security-admin' };
const JSON_TYPE = { 'content-type': 'application/json' };

type Body = NonNullable<RequestInit['body']>;

let people: People;
let folder: string;
let log: string;
let asked: number;
let api: MachineApi;
let app: Hono;

beforeAll(() => {
  people = makePeople();
});
afterAll(() => {
  people.dispose();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-gateway-'));
  log = join(folder, 'decisions.jsonl');
  asked = 0;
  api = new MachineApi({ policy, roster: people.roster, now: Date.now });
  const real = api.decide.bind(api);
  api.decide = (question) => {
    asked += 1;
    return real(question);
  };
  app = gatewayApp({ api, decisionLog: decisionLog(log) });
  return () => rmSync(folder, { recursive: true, force: true });
});

const post = (body: Body | undefined, headers: Record<string, string> = JSON_TYPE): Promise<Response> =>
  Promise.resolve(app.request('/v1/decide', { method: 'POST', headers, ...(body === undefined ? {} : { body }) }));
const ask = (question: unknown): Promise<Response> => post(JSON.stringify(question));
const codeIn = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code;
const lines = (): string[] => readFileSync(log, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1);

describe('when a decision is asked for', () => {
  it('answers 200 whether it is allowed or refused, and writes each down', async () => {
    const allowed = await ask({ ...QUESTION, person: 'Carol@example.test', session_seconds: 600 });
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('cache-control')).toBe('no-store');
    expect(decisionSchema.parse(await allowed.json())).toMatchObject({
      effect: 'allow',
      source: 'standing',
      rule: 'on-call',
      person: 'carol',
      session_seconds: 600,
    });
    const refused = await ask({ ...QUESTION, person: 'bob' });
    expect(refused.status).toBe(200);
    expect(decisionSchema.parse(await refused.json())).toMatchObject({ effect: 'deny', session_seconds: 0 });
    expect(lines().map((line) => (JSON.parse(line) as { effect: string }).effect)).toEqual(['allow', 'deny']);
  });

  it('gives no answer that it cannot write down', async () => {
    const failures: string[] = [];
    app = gatewayApp({ api, decisionLog: decisionLog(folder), log: ({ code }) => failures.push(code) });
    const response = await ask(QUESTION);
    const text = await response.text();
    expect(response.status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'log_unwritable' } });
    expect(text).not.toMatch(/allow"|effect|expires_at/);
    expect(text).not.toContain(folder);
    expect(failures).toEqual(['log_unwritable']);
  });

  it('says that it knows nobody of that name', async () => {
    const response = await ask({ ...QUESTION, person: 'eve' });
    expect([response.status, await codeIn(response)]).toEqual([404, 'unknown_person']);
    expect(lines()).toEqual([]);
  });
});

describe('what is not such a question', () => {
  const big = JSON.stringify({ ...QUESTION, pad: 'x'.repeat(64 * 1024) });
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const spaced = (n: number): string => `${' '.repeat(n - JSON.stringify(QUESTION).length)}${JSON.stringify(QUESTION)}`;
  const streamed = (): ReadableStream<Uint8Array> => {
    let sent = 0;
    return new ReadableStream({
      pull(controller) {
        if ((sent += 1) > 1_000) controller.close();
        else controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
    });
  };

  it.each<[string, unknown]>([
    ['an unknown member', { ...QUESTION, admin: true }],
    ['a member of the wrong case', { ...QUESTION, Session_Seconds: 60 }],
    ['no person', { profile: 'security-admin' }],
    ['no profile', { person: 'carol' }],
    ['an empty person', { ...QUESTION, person: '' }],
    ['a person that is too long', { ...QUESTION, person: 'c'.repeat(257) }],
    ['a person that is a list', { ...QUESTION, person: ['carol'] }],
    ['a person that is null', { ...QUESTION, person: null }],
    ['a profile that is a path', { ...QUESTION, profile: '../security-admin' }],
    ['a profile in capitals', { ...QUESTION, profile: 'SECURITY-ADMIN' }],
    ['a profile that is too long', { ...QUESTION, profile: 'p'.repeat(65) }],
    ['a session of nothing', { ...QUESTION, session_seconds: 0 }],
    ['a session before now', { ...QUESTION, session_seconds: -60 }],
    ['half a second', { ...QUESTION, session_seconds: 0.5 }],
    ['a session in words', { ...QUESTION, session_seconds: '1h' }],
    ['a session that is null', { ...QUESTION, session_seconds: null }],
    ['a session beyond all numbers', { ...QUESTION, session_seconds: 2 ** 60 }],
    ['a list', [QUESTION]],
    ['a text', 'carol'],
    ['a number', 1],
    ['null', null],
  ])('is refused: %s', async (_what, question) => {
    const response = await ask(question);
    expect([response.status, await codeIn(response)]).toEqual([400, 'malformed']);
    expect([asked, lines()]).toEqual([0, []]);
  });

  it.each<[string, () => Body | undefined, number, string]>([
    ['no body', () => undefined, 400, 'malformed'],
    ['an empty body', () => '', 400, 'malformed'],
    ['half of a body', () => '{"person":"carol"', 400, 'malformed'],
    ['two bodies', () => JSON.stringify(QUESTION).repeat(2), 400, 'malformed'],
    ['a member twice', () => '{"person":"bob","person":"carol","profile":"security-admin"}', 400, 'malformed'],
    ['a prototype', () => '{"person":"carol","profile":"security-admin","__proto__":{}}', 400, 'malformed'],
    ['a number beyond all numbers', () => '{"person":"carol","profile":"x","session_seconds":1e999}', 400, 'malformed'],
    ['a byte order mark', () => `\ufeff${JSON.stringify(QUESTION)}`, 400, 'malformed'],
    ['bytes that are no UTF-8', () => Uint8Array.from([0x22, 0xff, 0x22]), 400, 'malformed'],
    ['UTF-16', () => Buffer.from(JSON.stringify(QUESTION), 'utf16le'), 400, 'malformed'],
    ['half a character', () => '{"person":"\\ud800","profile":"x"}', 400, 'malformed'],
    ['a deep nest', () => deep, 400, 'malformed'],
    ['something compressed', () => gzipSync(JSON.stringify(QUESTION)), 400, 'malformed'],
    ['more than 64 KiB', () => big, 413, 'too_large'],
    ['a byte more than 64 KiB, though most of it is space', () => spaced(64 * 1024 + 1), 413, 'too_large'],
    ['a stream without an end in sight', streamed, 413, 'too_large'],
  ])('is refused: %s', async (_what, body, status, code) => {
    const init = { method: 'POST', headers: JSON_TYPE, body: body(), duplex: 'half' };
    const response = await app.request('/v1/decide', init as RequestInit);
    expect([response.status, await codeIn(response)]).toEqual([status, code]);
    expect([asked, lines()]).toEqual([0, []]);
  });

  it('takes a body of exactly 64 KiB', async () => {
    expect((await post(spaced(64 * 1024))).status).toBe(200);
  });

  it.each([
    ['no content type', {}],
    ['a text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a form in parts', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['another kind of JSON', { 'content-type': 'application/json-patch+json' }],
    ['JSON in a list of texts', { 'content-type': 'application/json-seq' }],
    ['JSON in another alphabet', { 'content-type': 'application/json; charset=utf-16' }],
    ['two types at once', { 'content-type': 'application/json, text/plain' }],
    ['a type that only begins so', { 'content-type': 'application/jsonp' }],
    ['something compressed, and says so', { ...JSON_TYPE, 'content-encoding': 'gzip' }],
  ])('is not taken as %s', async (_what, headers) => {
    const response = await post(new TextEncoder().encode(JSON.stringify(QUESTION)), { ...headers });
    expect([response.status, await codeIn(response)]).toEqual([415, 'unsupported_media_type']);
    expect([asked, lines()]).toEqual([0, []]);
  });

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('is taken as %s', async (type) => {
    expect((await post(JSON.stringify(QUESTION), { 'content-type': type })).status).toBe(200);
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('is not asked with %s', async (method) => {
    const response = await app.request('/v1/decide', { method, headers: JSON_TYPE });
    expect([response.status, await codeIn(response), asked]).toEqual([404, 'not_found', 0]);
  });

  it('is not asked by pages of other sites, nor under another name of this machine', async () => {
    const foreign = await post(JSON.stringify(QUESTION), { ...JSON_TYPE, origin: 'https://evil.example' });
    expect([foreign.status, await codeIn(foreign)]).toEqual([403, 'foreign_origin']);
    const loopback = gatewayApp({ api, hosts: ['127.0.0.1'] });
    const init = { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(QUESTION) };
    expect((await loopback.request('http://rebound.example:8515/v1/decide', init)).status).toBe(403);
    expect((await loopback.request('http://127.0.0.1:8515/v1/decide', init)).status).toBe(200);
    expect(asked).toBe(1);
  });
});

describe('over a real connection', () => {
  let gateway: Gateway;
  beforeEach(async () => {
    gateway = await startGateway({ api, port: 0, decisionLog: decisionLog(log) });
    return () => gateway.close();
  });

  /** What the server sends for these very bytes, until it or the patience (in milliseconds) ends. */
  const raw = (bytes: string | Buffer, patienceMs = 2_000): Promise<string> =>
    new Promise((resolve, reject) => {
      let heard = '';
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(bytes));
      socket.setTimeout(patienceMs, () => socket.destroy());
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? resolve(heard) : reject(error),
      );
      socket.on('close', () => resolve(heard));
    });
  const head = (...more: string[]): string =>
    ['POST /v1/decide HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json', ...more, '', ''].join('\r\n');
  const body = JSON.stringify(QUESTION);

  it('answers the client, and the same twice on one connection', async () => {
    const client = new HttpApi({ url: gateway.url });
    expect(await client.decide(QUESTION)).toMatchObject({ effect: 'allow', rule: 'on-call' });
    const once = `${head(`content-length: ${body.length}`)}${body}`;
    expect((await raw(once + once)).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(lines()).toHaveLength(3);
  });

  it('believes no length: neither a shorter one, nor two, nor one beside chunks', async () => {
    expect(await raw(`${head(`content-length: ${body.length - 1}`)}${body}`)).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw(`${head('content-length: 5', `content-length: ${body.length}`)}${body}`)).toMatch(
      /^HTTP\/1\.1 400/,
    );
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect(await raw(`${head('transfer-encoding: chunked', 'content-length: 3')}${chunked}`)).toMatch(
      /^HTTP\/1\.1 400/,
    );
    expect(asked).toBe(0);
  });

  it('stops reading what is too large, announced or not', async () => {
    const flood = Buffer.alloc(256 * 1024, ' ');
    const announced = Buffer.concat([Buffer.from(head(`content-length: ${flood.length}`)), flood]);
    expect(await raw(announced)).toMatch(/^HTTP\/1\.1 413/);
    const chunk = Buffer.concat([Buffer.from(`${flood.length.toString(16)}\r\n`), flood, Buffer.from('\r\n')]);
    const unannounced = Buffer.concat([Buffer.from(head('transfer-encoding: chunked')), chunk, chunk]);
    expect(await raw(unannounced)).toMatch(/^HTTP\/1\.1 413/);
    expect(asked).toBe(0);
    expect(await new HttpApi({ url: gateway.url }).decide(QUESTION)).toMatchObject({ effect: 'allow' });
  });

  it('takes a host of another name for a page that rebinds its own', async () => {
    const rebound = head(`content-length: ${body.length}`).replace('host: 127.0.0.1', 'host: evil.example');
    expect(await raw(`${rebound}${body}`)).toMatch(/^HTTP\/1\.1 403/);
    expect(asked).toBe(0);
  });
});

describe('what answers in the place of a gateway', () => {
  it.each<[string, unknown]>([
    ['nothing of a decision', { ok: true }],
    ['half of one', { effect: 'allow' }],
    ['one with more in it than there is', undefined],
  ])('opens nothing: %s', async (_what, answer) => {
    const real = await (await ask(QUESTION)).json();
    const told = answer ?? { ...(real as object), override: true };
    const client = new HttpApi({ url: 'http://127.0.0.1:8515', fetch: async () => Response.json(told) });
    await expect(client.decide(QUESTION)).rejects.toMatchObject({ code: 'gateway_unreachable', exit: 6 });
  });
});
