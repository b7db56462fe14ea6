import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { NoticeMessage, SendOutcome } from '../../../activities/notify/channel.js';
import { webhookChannel } from '../../../activities/notify/webhook.js';
import { collectGarbage } from '../../support/collect-garbage.js';
import { MISBEHAVIOUR, WebhookReceiver } from '../../support/webhook-receiver.js';

const body = JSON.stringify({ type: 'requested', summary: 'somebody asks' });
const message: NoticeMessage = {
  id: 'notice_0123456789abcdef_1',
  type: 'requested',
  event_id: '0123456789abcdef',
  summary: 'somebody asks',
  body,
};
const running = new AbortController().signal;

describe('a webhook channel', () => {
  let folder: string;
  let secret: string;
  let secretPath: string;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-webhook-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
    secret = `whsec_${randomBytes(32).toString('base64')}`;
    secretPath = path.join(folder, randomBytes(4).toString('hex'));
    await writeFile(secretPath, `${secret}\n`, { mode: 0o600 });
  });
  afterEach(() => receiver.stop());

  const send = (limitMs = 5_000, url = receiver.url, stop = running): Promise<SendOutcome> =>
    webhookChannel({ url, secret_path: secretPath }, limitMs).send(message, stop);

  it('posts the payload, signed', async () => {
    expect(await send()).toEqual({ code: null, status: 204 });
    const [got] = receiver.received;
    expect(got).toMatchObject({ method: 'POST', url: '/hook', body });
    expect(got?.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': message.id });
    expect(new Webhook(secret).verify(got?.body ?? '', got?.headers ?? {})).toEqual(JSON.parse(body));
  });

  it('takes a secret that was changed meanwhile', async () => {
    const channel = webhookChannel({ url: receiver.url, secret_path: secretPath });
    await channel.send(message, running);
    const changed = `whsec_${randomBytes(32).toString('base64')}`;
    await writeFile(secretPath, changed);
    await channel.send(message, running);
    const [, second] = receiver.received;
    expect(() => new Webhook(changed).verify(second?.body ?? '', second?.headers ?? {})).not.toThrow();
  });

  it.each([200, 202, 299])('takes %i for delivered', async (status) => {
    receiver.answers(status);
    expect(await send()).toEqual({ code: null, status });
  });

  it.each([400, 401, 404, 500, 503])('takes %i for not delivered', async (status) => {
    receiver.answers(status);
    expect(await send()).toEqual({ code: 'http_status', status });
  });

  it('hears how long to wait, and that nothing more is wanted', async () => {
    receiver.answers(429, { 'retry-after': '17' });
    expect(await send()).toEqual({ code: 'http_status', status: 429, retry_after: 17 });
    receiver.answers(503, { 'retry-after': 'Fri, 31 Dec 2027 23:59:59 GMT' });
    expect(await send()).toEqual({ code: 'http_status', status: 503 });
    receiver.answers(410);
    expect(await send()).toEqual({ code: 'http_status', status: 410, final: true });
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect (%i), to no host', async (status) => {
    const other = await WebhookReceiver.start();
    receiver.answers(status, { location: other.url });
    expect(await send()).toEqual({ code: 'redirected', status });
    expect(receiver.received).toHaveLength(1);
    expect(other.received).toEqual([]);
    await other.stop();
  });

  it.each([
    ['resets the connection', 'ECONNRESET'],
    ['closes without an answer', 'UND_ERR_SOCKET'],
    ['speaks no HTTP', 'HPE_INVALID_CONSTANT'],
    ['hangs', 'timeout'],
  ])('says so when the receiver %s', async (name, code) => {
    receiver.does(MISBEHAVIOUR[name] ?? (() => undefined));
    expect(await send(500)).toEqual({ code, status: null });
  });

  it('gives up on one that hangs, also when memory is collected meanwhile', async () => {
    receiver.does(MISBEHAVIOUR['hangs'] ?? (() => undefined));
    const sending = send(1_500);
    await expect.poll(() => receiver.received.length).toBe(1);
    const collecting = setInterval(collectGarbage, 50);
    expect(await Promise.race([sending, sleep(20_000, 'hung for good')])).toEqual({ code: 'timeout', status: null });
    clearInterval(collecting);
  });

  it("says so when nobody listens, and when the certificate is nobody's", async () => {
    const { url } = receiver;
    await receiver.stop();
    expect(await send(5_000, url)).toEqual({ code: 'ECONNREFUSED', status: null });
    receiver = await WebhookReceiver.start();
    expect((await send(5_000, receiver.url.replace('http:', 'https:'))).code).toMatch(/^(ERR_SSL_|EPROTO)/);
  });

  it('does not wait for the rest of a long answer', async () => {
    let closed: () => void = () => undefined;
    const hungUp = new Promise<void>((resolve) => (closed = resolve));
    let sent = 0;
    receiver.does((response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.on('close', closed);
      const more = (): void => {
        while (!response.closed && response.write(Buffer.alloc(64 * 1024))) sent += 1;
        if (!response.closed) response.once('drain', more);
      };
      more();
    });
    expect(await send(5_000)).toEqual({ code: null, status: 200 });
    await hungUp;
    // 10 MB would be 160 of them: what is in the buffers of both ends is all that was ever taken.
    expect(sent).toBeLessThan(100);
  });

  it('does not wait for a slow answer either', async () => {
    receiver.does((response) => {
      response.writeHead(200);
      response.write('…');
    });
    expect(await send(5_000)).toEqual({ code: null, status: 200 });
  });

  it('is interrupted by the end of the process', async () => {
    receiver.does(MISBEHAVIOUR['hangs'] ?? (() => undefined));
    const stop = new AbortController();
    const sending = send(60_000, receiver.url, stop.signal);
    await expect.poll(() => receiver.received.length).toBe(1);
    stop.abort();
    expect(await sending).toEqual({ code: 'interrupted', status: null });
  });

  it.each([
    ['is missing', () => rm(secretPath), 'cannot be read'],
    ['can be read by others', () => chmod(secretPath, 0o644), 'chmod 600'],
    ['holds no key', () => writeFile(secretPath, 'hunter2-hunter2'), 'holds no signing key'],
  ])(
    'sends nothing while its secret %s, and says what to do without naming address or secret',
    async (_, spoil, says) => {
      await spoil();
      expect(await send()).toEqual({ code: 'channel_unusable', status: null });
      expect(receiver.received).toEqual([]);
      const fault = await webhookChannel({ url: receiver.url, secret_path: secretPath }).fault();
      expect(fault).toContain(says);
      expect(fault).not.toContain('127.0.0.1');
      expect(fault).not.toContain('hunter2');
    },
  );
});
