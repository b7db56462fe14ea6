import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { policySchema } from '../../domain/policy.js';
import { channelFaults, jobRuntimes, noticeChannels, runtimeFaults } from '../../workers/notice-channels.js';
import { jobRuntimesSchema, noticeChannelsSchema } from '../../workers/notice-settings.js';
import { policy } from '../proofs/ceremony-people.js';

const webhook = (url: string) => ({ desk: { kind: 'webhook', url, secret_path: '/run/secrets/desk' } });
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:desk';
const sns = (over: Record<string, unknown> = {}) => ({
  desk: { kind: 'sns', topic_arn: TOPIC, region: 'eu-central-1', ...over },
});

describe('the channels in the settings', () => {
  it.each([
    ['https', webhook('https://desk.example/hook?token=x')],
    ['plain http on this machine', webhook('http://127.0.0.1:8530/hook')],
    ['plain http on this machine, by IPv6', webhook('http://[::1]:8530/hook')],
    ['a topic', sns()],
    [
      'a FIFO topic of China',
      sns({ topic_arn: 'arn:aws-cn:sns:cn-north-1:123456789012:a.fifo', region: 'cn-north-1' }),
    ],
    ["a topic behind an address of one's own", sns({ endpoint: 'https://vpce-1.sns.eu-central-1.vpce.amazonaws.com' })],
    ['none at all', {}],
  ])('may lead to %s', (_, given) => {
    expect(noticeChannelsSchema.safeParse(given).success).toBe(true);
  });

  it.each([
    ['plain http elsewhere', webhook('http://desk.example/hook')],
    ['a name that only looks like this machine', webhook('http://127.0.0.1.desk.example/hook')],
    ['a user name and password', webhook('https://user:hunter2@desk.example/hook')],
    ['a file', webhook('file:///etc/passwd')],
    ['no address', webhook('desk.example')],
    ['another service', sns({ topic_arn: 'arn:aws:sqs:eu-central-1:123456789012:desk' })],
    ['a topic of another region', sns({ region: 'us-east-1' })],
    ['a topic behind plain http', sns({ endpoint: 'http://169.254.169.254' })],
    ['a secret in the settings', { desk: { ...webhook('https://desk.example/').desk, secret: 'whsec_hunter2' } }],
    ['a name with a slash', { 'a/b': webhook('https://desk.example/').desk }],
  ])('never lead to %s', (_, given) => {
    const parsed = noticeChannelsSchema.safeParse(given);
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).not.toContain('hunter2');
  });
});

describe('what would keep notices from going out', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-channels-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is named at the start: a channel the settings lack, and a secret that cannot be read', async () => {
    const good = path.join(folder, 'good');
    await writeFile(good, `whsec_${randomBytes(32).toString('base64')}`, { mode: 0o600 });
    const to = (secret_path: string) => ({ kind: 'webhook' as const, url: 'https://desk.example/x', secret_path });
    const channels = noticeChannels({ desk: to(good), pager: to(path.join(folder, 'none')) });
    const notices = ['desk', 'pager', 'chat'].map((channel) => ({ channel }));
    const faults = await channelFaults(channels, policySchema.parse({ ...policy, notices }));
    expect(faults.map(({ channel, code }) => [channel, code])).toEqual([
      ['chat', 'channel_missing'],
      ['pager', 'channel_unusable'],
    ]);
    expect(JSON.stringify(faults)).not.toContain('desk.example');
  });

  it('is named of runtimes of jobs as well', async () => {
    const to = (secret_path: string) => ({ kind: 'webhook' as const, url: 'https://runner.example/x', secret_path });
    const runtimes = jobRuntimes({ runner: to(path.join(folder, 'none')) });
    const [name = '', profile] = Object.entries(policy.profiles)[0] ?? [];
    const halting = { ...policy, profiles: { [name]: { ...profile, on_kill: { halt_job: ['runner', 'agents'] } } } };
    const faults = await runtimeFaults(runtimes, policySchema.parse(halting));
    expect(faults.map(({ runtime, code }) => [runtime, code])).toEqual([
      ['runner', 'runtime_unusable'],
      ['agents', 'runtime_unknown'],
    ]);
    expect(JSON.stringify(faults)).not.toContain('runner.example');
    expect(await runtimeFaults(runtimes, policy)).toEqual([]);
    expect(jobRuntimesSchema.safeParse({ runner: { ...to('/s'), url: 'http://runner.example' } }).success).toBe(false);
  });

  it('is nothing where the policy tells nobody', async () => {
    expect(await channelFaults(noticeChannels({}), policy)).toEqual([]);
  });
});
