import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { noticesOf } from '../../activities/register/notice-reader.js';
import type { NoticeDelivery } from '../../domain/notice-view.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { testPolicy } from '../support/people.js';
import { hurry, isOver } from '../support/records.js';
import { MISBEHAVIOUR, WebhookReceiver, type Behaviour } from '../support/webhook-receiver.js';

const FALLBACK = 'p40';
const IMMEDIATE = 'p41';
/** Everything goes to the stack's own inbox, and to somebody who misbehaves. */
const POLICY = `${testPolicy()
  .replace(
    `  ${FALLBACK}:\n`,
    `  ${FALLBACK}:\n    approvals:\n      min_approvers: 2\n      approvers: [group:security, group:platform]\n      fallback: { after: 10m, min_approvers: 1, max: 20m }\n`,
  )
  .replace(
    `  ${IMMEDIATE}:\n`,
    `  ${IMMEDIATE}:\n    timebox: { default: 30m, max: 1h }\n    approvals: { min_approvers: 0, approvers: [group:security], immediate: [person:alice] }\n`,
  )}notices:
  - channel: inbox
  - channel: other
  - channel: unknown
    events: [reviewed]
`;

interface Payload {
  type: string;
  event_id: string;
  [member: string]: unknown;
}

let folder: string;
let secret: string;
let other: WebhookReceiver;
let elsewhere: WebhookReceiver;
let stack: CeremonyStack;
const logged: [string, Record<string, unknown>][] = [];
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-notices-'));
  secret = `whsec_${randomBytes(32).toString('base64')}`;
  const secret_path = path.join(folder, 'secret');
  await writeFile(secret_path, secret, { mode: 0o600 });
  other = await WebhookReceiver.start();
  elsewhere = await WebhookReceiver.start();
  stack = await CeremonyStack.start({
    policyYaml: POLICY,
    noticeChannels: { other: { kind: 'webhook', url: other.url, secret_path } },
    log: (message, fields) => void logged.push([message, fields]),
  });
});
afterAll(async () => {
  await stack.stop();
  await other.stop();
  await elsewhere.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the inbox has of a ceremony, in the order in which it came. */
async function inInbox(event: string): Promise<Payload[]> {
  const answer = await fetch(new URL('notices', stack.stack.dev.notice_inbox_url));
  const { notices } = (await answer.json()) as { notices: Payload[] };
  return notices.filter(({ event_id }) => event_id === event).reverse();
}
const typesOf = async (event: string): Promise<string[]> => (await inInbox(event)).map(({ type }) => type).sort();
const patiently = { timeout: 40_000, interval: 250 };

async function onOther(event: string): Promise<NoticeDelivery[]> {
  const notices = await noticesOf(stack.stack.database, event);
  return notices.flatMap(({ deliveries }) => deliveries).filter(({ channel }) => channel === 'other');
}

const SLOWLY: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  const timer = setInterval(() => response.write('.'), 100);
  response.on('close', () => clearInterval(timer));
};
const WITH_TEN_MEGABYTES: Behaviour = (response) => void response.writeHead(200).end(Buffer.alloc(10 * 1024 * 1024));
const ELSEWHERE: Behaviour = (response) => void response.writeHead(307, { location: elsewhere.url }).end();

const BEHAVIOURS: [name: string, behaviour: Behaviour | undefined, code: string | null][] = [
  ['hangs', MISBEHAVIOUR['hangs'], 'timeout'],
  ['answers 500', MISBEHAVIOUR['answers 500'], 'http_status'],
  ['resets the connection', MISBEHAVIOUR['resets the connection'], 'ECONNRESET'],
  ['redirects to another host', ELSEWHERE, 'redirected'],
  ['answers slowly, without end', SLOWLY, null],
  ['answers with 10 MB', WITH_TEN_MEGABYTES, null],
];

describe('a whole ceremony, while a receiver of its notices misbehaves', () => {
  it.each(BEHAVIOURS)('goes its way when it %s', async (_, behaviour, code) => {
    if (behaviour === undefined) throw new Error('no such behaviour');
    other.does(behaviour);
    const before = other.received.length;
    const asked = await stack.ask();
    await stack.approve(asked);
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    const ended = await hurry(stack, asked.event, isOver, { step: '5m' });
    expect(ended).toMatchObject({ state: 'expired', status: 'expired' });
    const { standing, grants, bundle } = await aftermath(stack, asked);
    expect({ standing, grants, bundle }).toEqual({ standing: [], grants: 1, bundle: { ok: true, errors: [] } });

    await expect
      .poll(() => typesOf(asked.event), patiently)
      .toEqual(['breakglass.expired', 'breakglass.invoked', 'requested']);
    expect(other.received.length).toBeGreaterThan(before);
    expect(elsewhere.received).toEqual([]);
    const outcomes = async () =>
      (await onOther(asked.event)).flatMap(({ attempts }) => attempts.map((one) => one.code));
    await expect.poll(outcomes, patiently).toContain(code);
    expect(new Set(await outcomes())).toEqual(new Set([code]));
  });
});

describe('what people are told', () => {
  beforeAll(() => other.answers(204));

  it('is signed as Standard Webhooks says, and the same on every channel', async () => {
    const asked = await stack.ask();
    const mine = () => other.received.filter(({ body }) => body.includes(asked.event));
    await expect.poll(() => mine().length, patiently).toBe(1);
    const [got] = mine();
    const payload = new Webhook(secret).verify(got?.body ?? '', got?.headers ?? {}) as Payload;
    await expect.poll(() => typesOf(asked.event), patiently).toEqual(['requested']);
    const [shown] = await inInbox(asked.event);
    expect(shown).toMatchObject(payload);
    expect(payload).toMatchObject({
      to: ['bob@corp.example', 'carol@corp.example', 'dave@corp.example'],
      invoker: 'alice@corp.example',
      approvals_wanted: 2,
      next: `reseal approve ${asked.event}`,
    });
    expect(payload['ui_url']).toContain(encodeURIComponent(`breakglass/${asked.event}`));
  });

  it("keeps Sentinel's names and fields, and the justification to them", async () => {
    const asked = await stack.ask();
    await stack.approve(asked);
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    expect((await stack.say(asked, 'alice', 'close')).status).toBe('accepted');
    await hurry(stack, asked.event, isOver, { step: '1m' });
    await expect
      .poll(() => typesOf(asked.event), patiently)
      .toEqual(['breakglass.closed', 'breakglass.invoked', 'requested']);
    const why = asked.request['justification'];
    const notices = await inInbox(asked.event);
    const of = (type: string) => notices.find((notice) => notice.type === type);
    expect(of('breakglass.invoked')).toMatchObject({
      event: 'breakglass.invoked',
      status: 'active',
      justification: why,
      reason_code: 'incident',
      duration_seconds: 1800,
      quorum: 'full',
      approved_by: ['bob@corp.example', 'carol@corp.example'],
    });
    expect(of('breakglass.closed')).toMatchObject({
      event: 'breakglass.closed',
      status: 'closed',
      justification: why,
      closed_by: 'alice@corp.example',
      closed_reason: 'close',
    });
    expect(JSON.stringify(of('requested'))).not.toContain(why);
  });

  it('names all who were skipped when the fallback opens, in the time of the ceremony', async () => {
    const asked = await stack.ask({ profile: FALLBACK });
    await expect.poll(() => typesOf(asked.event), patiently).toEqual(['requested']);
    await stack.advance(asked.event, '11m');
    await expect.poll(() => typesOf(asked.event), patiently).toContain('fallback_opened');
    const opened = (await inInbox(asked.event)).find(({ type }) => type === 'fallback_opened');
    expect(opened).toMatchObject({
      skipped: ['bob@corp.example', 'carol@corp.example', 'dave@corp.example'],
      min_approvers: 1,
      max_seconds: 1200,
    });
  });

  it('is told at once when nobody was asked, and that a review is owed', async () => {
    const asked = await stack.ask({ profile: IMMEDIATE });
    await hurry(stack, asked.event, ({ state }) => state === 'active');
    await expect.poll(() => typesOf(asked.event), patiently).toEqual(['breakglass.invoked', 'immediate']);
    await hurry(stack, asked.event, isOver, { step: '5m' });
    await expect.poll(() => typesOf(asked.event), patiently).toContain('review_owed');
  });

  it('says why a request was refused', async () => {
    const asked = stack.prepare({ duration: '5h' });
    await stack.send(asked);
    await expect.poll(() => typesOf(asked.event), patiently).toEqual(['refused']);
    expect((await inInbox(asked.event))[0]).toMatchObject({ code: 'duration_too_long', to: ['alice@corp.example'] });
  });

  it('starts all the same when the settings lack a channel, and says which', () => {
    const faults = logged.filter(([message]) => message === 'notices will not go out');
    expect(faults).toMatchObject([[expect.any(String), { channel: 'unknown', code: 'channel_missing' }]]);
  });

  it('tells the log no words of anybody, and no address', () => {
    const text = JSON.stringify(logged);
    expect(text).not.toContain('A test that needs a privileged role');
    expect(text).not.toContain(new URL(other.url).host);
    expect(text).not.toContain(secret);
    expect(text).toContain('notice_failed');
  });
});
