import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openPglite } from '../../activities/register/database-pglite.js';
import type { Database } from '../../activities/register/database.js';
import { noticeQueue } from '../../activities/register/notice-queue.js';
import { noticesOf } from '../../activities/register/notice-reader.js';
import { keepOwedNotices } from '../../activities/register/owed-notices.js';
import type { NoticeDelivery } from '../../domain/notice-view.js';
import { noticeChannels } from '../../workers/notice-channels.js';
import { startNotifier } from '../../workers/notifier.js';
import { RegisterWorld } from '../activities/register/register-world.js';
import { alice, bob, carol, type TestPerson } from '../proofs/ceremony-people.js';
import { MISBEHAVIOUR, WebhookReceiver } from '../support/webhook-receiver.js';

describe('the notifier', () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  let folder: string;
  let secret_path: string;
  let database: Database;
  let world: RegisterWorld;
  let desk: WebhookReceiver;
  let pager: WebhookReceiver;
  let running: { stop(): Promise<void> }[];
  const logged: [string, Record<string, unknown>][] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-notifier-'));
    secret_path = path.join(folder, 'secret');
    await writeFile(secret_path, secret, { mode: 0o600 });
    database = await openPglite(null);
    world = new RegisterWorld(database);
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    running = [];
    logged.length = 0;
    await world.clear();
    world.setPolicy({ notices: [{ channel: 'desk' }, { channel: 'pager' }] });
    desk = await WebhookReceiver.start();
    pager = await WebhookReceiver.start();
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await desk.stop();
    await pager.stop();
  });

  const start = (names: readonly ('desk' | 'pager')[] = ['desk', 'pager']) => {
    const urls = { desk: desk.url, pager: pager.url };
    const settings = Object.fromEntries(
      names.map((name) => [name, { kind: 'webhook' as const, url: urls[name], secret_path }]),
    );
    const notifier = startNotifier({
      queue: noticeQueue(database, () => null),
      channels: noticeChannels(settings),
      keepOwed: () => keepOwedNotices(world.holdings, null),
      log: (message, fields) => void logged.push([message, fields]),
    });
    running.push(notifier);
    return notifier;
  };
  const ask = async (by: TestPerson = alice): Promise<string> => {
    const request = world.request({ by });
    await world.admitted(request, by);
    return request.event_id;
  };
  const deliveryOn = async (eventId: string, channel: string): Promise<NoticeDelivery | undefined> =>
    (await noticesOf(database, eventId)).flatMap(({ deliveries }) => deliveries).find((one) => one.channel === channel);

  it('sends what waits, signed, on every channel', async () => {
    const event = await ask();
    start();
    for (const receiver of [desk, pager]) {
      await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(1);
      const [got] = receiver.received;
      expect(new Webhook(secret).verify(got?.body ?? '', got?.headers ?? {})).toMatchObject({ event_id: event });
    }
    await expect.poll(async () => (await deliveryOn(event, 'desk'))?.state).toBe('delivered');
    expect(logged).toEqual([]);
  });

  it('is not held up on one channel by another that hangs', async () => {
    desk.does(MISBEHAVIOUR['hangs'] ?? (() => undefined));
    const events = [await ask(alice), await ask(bob), await ask(carol)];
    start();
    await expect.poll(() => pager.received.length, { timeout: 20_000 }).toBe(events.length);
    expect((await deliveryOn(events[0] ?? '', 'desk'))?.state).toBe('waiting');
  });

  it('lets admissions through while a receiver hangs', async () => {
    desk.does(MISBEHAVIOUR['hangs'] ?? (() => undefined));
    await ask(alice);
    start(['desk']);
    await expect.poll(() => desk.received.length, { timeout: 20_000 }).toBe(1);
    // The embedded database has one connection: a transaction held open while sending would stop here for good.
    expect(await ask(bob)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('sends again what its own end interrupted, under the same id', async () => {
    desk.does(MISBEHAVIOUR['hangs'] ?? (() => undefined));
    const event = await ask();
    const first = start(['desk']);
    await expect.poll(() => desk.received.length, { timeout: 20_000 }).toBe(1);
    await first.stop();
    expect((await deliveryOn(event, 'desk'))?.attempts).toMatchObject([{ attempt: 1, code: 'interrupted' }]);
    desk.answers(204);
    start(['desk']);
    await expect.poll(async () => (await deliveryOn(event, 'desk'))?.state, { timeout: 20_000 }).toBe('delivered');
    const [before, after] = desk.received;
    expect(after?.headers['webhook-id']).toBe(before?.headers['webhook-id']);
    expect(after?.body).toBe(before?.body);
  });

  it('logs each attempt that failed, with codes and no words, and tries again', async () => {
    desk.answers(500);
    const event = await ask();
    start(['desk']);
    await expect.poll(() => logged.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(logged[0]).toEqual([
      'notice_failed',
      { event_id: event, type: 'requested', channel: 'desk', attempt: 1, code: 'http_status', status: 500 },
    ]);
    expect(JSON.stringify(logged)).not.toContain('127.0.0.1');
    desk.answers(204);
    await expect.poll(async () => (await deliveryOn(event, 'desk'))?.state, { timeout: 30_000 }).toBe('delivered');
  });

  it('says in the log what is given up', async () => {
    desk.answers(410);
    const event = await ask();
    start(['desk']);
    await expect.poll(() => logged.map(([message]) => message), { timeout: 20_000 }).toContain('notice_dead');
    expect((await deliveryOn(event, 'desk'))?.state).toBe('dead');
  });

  it('sends each message once though two processes do it', async () => {
    const events = [await ask(alice), await ask(bob), await ask(carol)];
    start(['desk']);
    start(['desk']);
    await expect.poll(() => desk.received.length, { timeout: 20_000 }).toBe(events.length);
    for (const event of events) {
      await expect.poll(async () => (await deliveryOn(event, 'desk'))?.state, { timeout: 20_000 }).toBe('delivered');
      expect((await deliveryOn(event, 'desk'))?.attempts).toHaveLength(1);
    }
    expect(desk.received).toHaveLength(events.length);
  });

  it('tells of an intent that only the journal knows', async () => {
    await world.issue(world.request());
    start(['desk']);
    const types = () => desk.received.map(({ body }) => (JSON.parse(body) as { type: string }).type).sort();
    await expect.poll(types, { timeout: 20_000 }).toEqual(['breakglass.invoked', 'requested']);
  });
});
