import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { CeremonyStack } from '../support/ceremony-stack.js';
import { askToExtend, approveExtension } from '../support/extending.js';
import { aftermath } from '../support/good-end.js';
import { testPolicy } from '../support/people.js';
import { entriesOf, hurry, isOver } from '../support/records.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const PROFILE = 'p40';
/** An approval counts only with a receipt of the desk's; the inbox of the stack counts for nothing. */
const POLICY = `${testPolicy().replace(
  `  ${PROFILE}:\n`,
  `  ${PROFILE}:\n    approvals:\n      min_approvers: 2\n      approvers: [group:security, group:platform]\n      delivery: { required: true, channels: [desk] }\n`,
)}notices:
  - channel: inbox
  - channel: desk
    events: [requested, extension_requested]
`;

let folder: string;
let desk: WebhookReceiver;
let stack: CeremonyStack;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-delivery-'));
  const secret_path = path.join(folder, 'secret');
  await writeFile(secret_path, `whsec_${randomBytes(32).toString('base64')}`, { mode: 0o600 });
  desk = await WebhookReceiver.start();
  stack = await CeremonyStack.start({
    policyYaml: POLICY,
    noticeChannels: { desk: { kind: 'webhook', url: desk.url, secret_path } },
  });
});
afterAll(async () => {
  await stack.stop();
  await desk.stop();
  await rm(folder, { recursive: true, force: true });
});

const patiently = { timeout: 60_000, interval: 250 };
const delivered = (event: string) => async () => (await entriesOf(stack, event, 'delivered')).length;

it('an approval counts only of those whom a channel had told before, for the grant and for an extension', async () => {
  desk.answers(500);
  const asked = await stack.ask({ profile: PROFILE });
  await expect.poll(() => desk.received.length, patiently).toBeGreaterThan(0);
  expect(await stack.say(asked, 'bob', 'approve')).toMatchObject({ status: 'refused', reason: 'not_delivered' });
  expect(await stack.view(asked.event)).toMatchObject({ state: 'awaiting_approval', approvals: [] });

  desk.answers(204);
  await expect.poll(delivered(asked.event), patiently).toBe(1);
  await stack.approve(asked);
  await stack.untilState(asked.event, 'active');

  const extending = await askToExtend(stack, asked, 20);
  await expect.poll(delivered(asked.event), patiently).toBe(2);
  await approveExtension(stack, asked, extending);
  await stack.until(asked.event, ({ extension }) => extension?.state === 'done');

  expect((await stack.say(asked, 'alice', 'close')).status).toBe('accepted');
  await hurry(stack, asked.event, isOver, { step: '1m' });
  const { standing, grants, bundle, facts } = await aftermath(stack, asked);
  expect({ standing, grants, bundle }).toEqual({ standing: [], grants: 1, bundle: { ok: true, errors: [] } });
  expect(facts.deliveries).toMatchObject([
    { channel: 'desk', round: 1, people: ['bob', 'carol', 'dave'] },
    { channel: 'desk', round: 2, people: ['bob', 'carol', 'dave'] },
  ]);
  expect(facts.approvals.map(({ person }) => person)).toEqual(['bob', 'carol']);
});
