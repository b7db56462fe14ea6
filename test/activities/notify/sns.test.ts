import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { NoticeMessage, SendOutcome } from '../../../activities/notify/channel.js';
import { snsChannel } from '../../../activities/notify/sns.js';
import { SNS_CREDENTIALS, SnsEndpoint } from '../../support/sns-endpoint.js';
import { MISBEHAVIOUR } from '../../support/webhook-receiver.js';

const REGION = 'eu-central-1';
const TOPIC = `arn:aws:sns:${REGION}:123456789012:security-desk`;
const FIFO = `${TOPIC}.fifo`;
const message: NoticeMessage = {
  id: 'notice_0123456789abcdef_1',
  type: 'requested',
  event_id: '0123456789abcdef',
  summary: `somebody asks for Exchange Administrator, für Zoë: ${'x'.repeat(200)}`,
  body: JSON.stringify({ type: 'requested', summary: 'ümlaut & more = less' }),
};
const running = new AbortController().signal;

describe('an SNS channel', () => {
  let sns: SnsEndpoint;
  const send = (limitMs = 5_000, topic_arn = TOPIC): Promise<SendOutcome> =>
    snsChannel({ topic_arn, region: REGION, endpoint: sns.url }, limitMs).send(message, running);

  beforeAll(() => {
    for (const [name, value] of Object.entries(SNS_CREDENTIALS)) vi.stubEnv(name, value);
    // What else the chain would look at on the machine that runs this.
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    vi.stubEnv('AWS_PROFILE', undefined);
  });
  afterAll(() => void vi.unstubAllEnvs());
  beforeEach(async () => {
    sns = await SnsEndpoint.start(TOPIC);
  });
  afterEach(() => sns.stop());

  it('publishes the payload, signed, with a subject that Amazon takes', async () => {
    expect(await send()).toEqual({ code: null, status: 200 });
    const [got] = sns.published;
    expect(got).toMatchObject({ TopicArn: TOPIC, Message: message.body, Version: '2010-03-31' });
    expect(got?.['Subject']).toMatch(/^Reseal: somebody asks for Exchange Administrator, f\?r Zo\?: x+$/);
    expect(got?.['Subject']).toHaveLength(100);
    const attributes = Object.entries(got ?? {}).filter(([name]) => name.startsWith('MessageAttributes'));
    expect(attributes.map(([, value]) => value)).toEqual(
      expect.arrayContaining(['type', 'requested', 'event_id', message.event_id, 'id', message.id]),
    );
    expect(got).not.toHaveProperty('MessageGroupId');
  });

  it("keeps one event's notices in order in a FIFO topic, and repeats none", async () => {
    const fifo = await SnsEndpoint.start(FIFO);
    const channel = snsChannel({ topic_arn: FIFO, region: REGION, endpoint: fifo.url });
    expect(await channel.send(message, running)).toMatchObject({ code: null });
    expect(fifo.published[0]).toMatchObject({
      MessageGroupId: message.event_id,
      MessageDeduplicationId: message.id,
    });
    await fifo.stop();
  });

  it.each([
    [400, 'Throttling'],
    [403, 'AuthorizationError'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
  ])('makes one attempt and says what Amazon said: %i %s', async (status, code) => {
    sns.failNext(status, code);
    expect(await send()).toMatchObject({ status });
    expect(sns.receiver.received).toHaveLength(1);
    expect(await send()).toEqual({ code: null, status: 200 });
  });

  it('names what Amazon calls it', async () => {
    sns.failNext(400, 'Throttling');
    expect(await send()).toEqual({ code: 'Throttling', status: 400 });
    expect(await send(5_000, `${TOPIC}-of-nobody`)).toMatchObject({
      code: expect.stringMatching(/^NotFound/) as string,
    });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'another');
    expect(await send()).toEqual({ code: 'SignatureDoesNotMatch', status: 403 });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', SNS_CREDENTIALS.AWS_SECRET_ACCESS_KEY);
  });

  it.each([
    ['hangs', 'timeout', null],
    ['resets the connection', 'ECONNRESET', null],
    ['answers 500', 'http_status', 500],
  ])('says so when what answers %s', async (name, code, status) => {
    sns.receiver.does(MISBEHAVIOUR[name] ?? (() => undefined));
    expect(await send(700)).toEqual({ code, status });
  });

  it('follows no redirect', async () => {
    const other = await SnsEndpoint.start(TOPIC);
    sns.receiver.answers(307, { location: other.url });
    expect(await send()).toEqual({ code: 'http_status', status: 307 });
    expect(other.receiver.received).toEqual([]);
    await other.stop();
  });

  it('is interrupted by the end of the process', async () => {
    sns.receiver.does(MISBEHAVIOUR['hangs'] ?? (() => undefined));
    const stop = new AbortController();
    const channel = snsChannel({ topic_arn: TOPIC, region: REGION, endpoint: sns.url });
    const sending = channel.send(message, stop.signal);
    await expect.poll(() => sns.receiver.received.length).toBe(1);
    stop.abort();
    expect(await sending).toEqual({ code: 'interrupted', status: null });
  });

  it('says so without credentials', async () => {
    for (const name of Object.keys(SNS_CREDENTIALS)) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    expect((await send()).code).toBe('CredentialsProviderError');
    expect(sns.receiver.received).toEqual([]);
  });
});
