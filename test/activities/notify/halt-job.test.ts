import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { haltJobTask, type HaltDeps } from '../../../activities/notify/halt-job.js';
import { webhookChannel } from '../../../activities/notify/webhook.js';
import type { EntryPayload } from '../../../domain/entry.js';
import { ON_KILL_TRIGGERS } from '../../../domain/on-kill.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { signIntent } from '../../../proofs/signed-intent.js';
import { roleKeys } from '../../proofs/ceremony-people.js';
import { fullCeremony } from '../../proofs/full-ceremony.js';
import { WebhookReceiver } from '../../support/webhook-receiver.js';
import { FakeClock, runAttempts, StillTrying, type RunOptions } from '../graph/attempts.js';

const { authority, register } = roleKeys;
const { intent } = fullCeremony();
const on_kill = {
  triggers: [...ON_KILL_TRIGGERS],
  end_sessions: false,
  report_granted: false,
  rotate: [],
  disable_account: false,
  halt_job: ['runner', 'elsewhere'],
};
const signed = signIntent({ ...intent, on_kill }, authority);
const JOBS = [`job/${intent.event_id}/${'a'.repeat(16)}`, `job/${intent.event_id}/${'b'.repeat(16)}`];

let folder: string;
let receiver: WebhookReceiver;
let secret: string;
let clock: FakeClock;
let entries: EntryPayload[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-halt-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  secret = `whsec_${randomBytes(32).toString('base64')}`;
  await writeFile(path.join(folder, 'key'), secret, { mode: 0o600 });
  clock = new FakeClock();
  entries = [];
});
afterEach(() => receiver.stop());

const deps = (): HaltDeps => ({
  clock,
  authorityKey: (keyid) => (keyid === authority.keyid ? authority.publicKey : undefined),
  sign: (payload) => {
    entries.push(payload);
    return signReceipt(payload, register);
  },
  runtimes: new Map([['runner', webhookChannel({ url: receiver.url, secret_path: path.join(folder, 'key') })]]),
  jobsOf: (eventId) => Promise.resolve(eventId === intent.event_id ? JOBS : []),
});
const halt = (index = 0, options: RunOptions = {}, given = signed) =>
  runAttempts(haltJobTask(deps()), { signed: given, index }, clock, options);

describe('a runtime of jobs', () => {
  it('is told once, signed as Standard Webhooks, which jobs of which event it halts', async () => {
    const { result } = await halt();
    expect(result).toMatchObject({ result: 'done', code: null });
    const [got] = receiver.received;
    expect(receiver.received).toHaveLength(1);
    expect(new Webhook(secret).verify(got?.body ?? '', got?.headers ?? {})).toMatchObject({
      id: got?.headers['webhook-id'],
      type: 'halt_job',
      event_id: intent.event_id,
      runtime: 'runner',
      jobs: JOBS,
      principal_id: intent.tuple.principal_id,
      deadline: intent.deadline,
    });
    expect(entries).toMatchObject([
      {
        type: 'job_halted',
        transition: 'job_halted/0',
        data: { result: 'done', runtime: 'runner', status: 204, jobs: 2, body_sha256: sha256Hex(got?.body ?? '') },
      },
    ]);
  });

  it('is told again until it takes it, later each time or when it says, under the same id', async () => {
    receiver.answers(500);
    const before = (attempt: number): void => {
      if (attempt === 3) receiver.answers(503, { 'retry-after': '90' });
      if (attempt === 5) receiver.answers(202);
    };
    const { result, failures } = await halt(0, { before });
    expect(result.result).toBe('done');
    expect(failures.map(({ type, delayMs }) => [type, delayMs])).toEqual([
      ['runtime_not_told', 5_000],
      ['runtime_not_told', 10_000],
      ['runtime_not_told', 90_000],
      ['runtime_not_told', 90_000],
    ]);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(entries).toMatchObject([{ data: { attempt: 5, status: 202 } }]);
  });

  it('is never given up for an answer that is none', async () => {
    receiver.does((_response, _received, request) => void request.socket.destroy());
    await expect(halt(0, { maxAttempts: 12 })).rejects.toBeInstanceOf(StillTrying);
    expect(receiver.received).toHaveLength(12);
    expect(entries).toEqual([]);
  });

  it('that wants no more of it is recorded as one that refused', async () => {
    receiver.answers(410);
    expect((await halt()).result).toMatchObject({ result: 'refused', code: 'runtime_gone' });
    expect(entries).toMatchObject([{ data: { result: 'refused', code: 'runtime_gone', status: 410 } }]);
  });

  it('is waited for where the settings do not name it', async () => {
    const failed = await halt(1, { maxAttempts: 2 }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(StillTrying);
    expect((failed as StillTrying).failures.map(({ type }) => type)).toEqual(['runtime_unknown', 'runtime_unknown']);
  });
});

describe('whoever schedules activities', () => {
  it('has no runtime told but those of an intent that the authority signed', async () => {
    const forged = signIntent({ ...intent, on_kill }, generateRoleKey());
    const widened = {
      ...signed,
      intent: { ...signed.intent, on_kill: { ...on_kill, halt_job: ['runner', 'runner2'] } },
    };
    for (const given of [forged, widened])
      await expect(halt(0, { maxAttempts: 1 }, given)).rejects.toThrow('intent_not_authentic');
    await expect(halt(2)).rejects.toMatchObject({ type: 'not_in_the_intent' });
    await expect(halt(0, {}, signIntent(intent, authority))).rejects.toMatchObject({ type: 'not_in_the_intent' });
    await expect(halt(-1)).rejects.toMatchObject({ type: 'input_malformed' });
    expect(receiver.received).toEqual([]);
  });
});
