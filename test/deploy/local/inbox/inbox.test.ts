import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { webhookChannel } from '../../../../activities/notify/webhook.js';
import { startNoticeInbox, type NoticeInbox } from '../../../../deploy/local/inbox/start-inbox.js';

describe('the inbox of the local stack', () => {
  let folder: string;
  let secretPath: string;
  let inbox: NoticeInbox;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-inbox-'));
    secretPath = path.join(folder, 'secret');
    inbox = await startNoticeInbox({ port: 0, secretPath });
  });
  afterEach(async () => {
    await inbox.close();
    await rm(folder, { recursive: true, force: true });
  });

  const notice = (n: number, over: Record<string, unknown> = {}) => ({
    id: `notice_0123456789abcdef_${n}`,
    type: 'requested',
    timestamp: '2026-11-21T10:00:00.000Z',
    event_id: '0123456789abcdef',
    summary: `number ${n}`,
    ...over,
  });
  const send = (payload: ReturnType<typeof notice>) => {
    const { id, type, event_id, summary } = payload;
    const message = { id, type, event_id, summary, body: JSON.stringify(payload) };
    return webhookChannel({ url: inbox.url, secret_path: secretPath }).send(message, new AbortController().signal);
  };
  const received = async (): Promise<{ summary: string }[]> =>
    ((await (await fetch(`${inbox.url}notices`)).json()) as { notices: { summary: string }[] }).notices;

  it('shows what the product sends it, the newest first, each once', async () => {
    for (const n of [1, 2, 1]) expect(await send(notice(n))).toEqual({ code: null, status: 204 });
    expect((await received()).map(({ summary }) => summary)).toEqual(['number 2', 'number 1']);
    expect(await (await fetch(inbox.url)).text()).toContain('number 2');
  });

  it('keeps its secret to its owner, and over a restart', async () => {
    expect((await stat(secretPath)).mode & 0o777).toBe(0o600);
    const before = await readFile(secretPath, 'utf8');
    await inbox.close();
    inbox = await startNoticeInbox({ port: 0, secretPath });
    expect(await readFile(secretPath, 'utf8')).toBe(before);
  });

  it('refuses what was signed with another secret, or not at all', async () => {
    const body = JSON.stringify(notice(1));
    const at = new Date();
    const headers = {
      'webhook-id': 'notice_0123456789abcdef_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(randomBytes(32).toString('base64')).sign('notice_0123456789abcdef_1', at, body),
    };
    for (const sent of [headers, {}]) {
      expect((await fetch(inbox.url, { method: 'POST', headers: sent, body })).status).toBe(401);
    }
    expect(await received()).toEqual([]);
  });

  it('runs nothing that a notice holds', async () => {
    await send(notice(1, { summary: '<script>alert(1)</script>' }));
    const answer = await fetch(inbox.url);
    expect(await answer.text()).not.toContain('<script>');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it("is nobody else's page under another name", async () => {
    const { port } = new URL(inbox.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/notices', headers: { host: `evil.example:${port}` } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});
