import { describe, expect, it } from 'vitest';

import { checkOutcomeSchema, openOutcomeSchema, signOutcomeSchema } from '../../../domain/outcomes.js';
import { ceremoniesTasks } from '../../../activities/evidence/ceremonies-tasks.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { readEntry } from '../../../proofs/receipt.js';
import {
  T0,
  bob,
  entryOf,
  keyOf,
  newEventId,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
  signAct,
  signRequest,
} from '../../proofs/ceremony-people.js';

const tasks = ceremoniesTasks({
  roster: () => roster,
  policy: () => ({ policy, digest: policyDigest }),
  key: roleKeys.ceremonies,
});
const request = requestFor();
const envelope = signRequest(request);
const { event_id } = request;

describe('open', () => {
  it('answers the request, its digest, the terms and the invoker', async () => {
    const outcome = openOutcomeSchema.parse(await tasks.open({ event_id, envelope }));
    expect(outcome).toMatchObject({
      outcome: 'opened',
      request,
      request_digest: digestOf(request),
      policy_digest: policyDigest,
      terms: { profile: 'admin', approvals: { min_approvers: 2 } },
      invoker: { id: 'alice' },
    });
  });

  it.each([
    ['of another event', newEventId(), envelope, 'foreign_event'],
    ['that is forged', event_id, { ...envelope, signature: signRequest(requestFor()).signature }, 'bad_signature'],
    ['of a profile nobody knows', ...refused(requestFor({ profile: 'nobody' })), 'profile_unknown'],
    ['under another policy', ...refused(requestFor({ policy_digest: 'a'.repeat(64) })), 'policy_changed'],
    ['under ten minutes', ...refused(requestFor({ duration_seconds: 599 })), 'duration_too_short'],
  ] as const)('refuses one %s', async (_, id, given, code) => {
    const outcome = openOutcomeSchema.parse(await tasks.open({ event_id: id, envelope: given }));
    expect(outcome).toMatchObject({ outcome: 'refused', code });
  });
});

function refused(asked: ReturnType<typeof requestFor>) {
  return [asked.event_id, signRequest(asked)] as const;
}

describe('check', () => {
  it('answers each envelope in its place', async () => {
    const good = signAct(bob, 'approve', request);
    const checked = checkOutcomeSchema.parse(await tasks.check({ envelopes: [good, { ...good, payload: '{}' }] }));
    expect(checked.map((one) => (one.ok ? 'ok' : one.reason))).toEqual(['ok', 'malformed']);
  });
});

describe('sign', () => {
  it("signs the role's own drafts, in their order", async () => {
    const drafts = [entryOf(event_id, 'resealing', 'resealing', T0), entryOf(event_id, 'ended', 'ended', T0)];
    const receipts = signOutcomeSchema.parse(await tasks.sign({ drafts }));
    const entries = receipts.map(({ envelope: body }) => readEntry(body, event_id, keyOf));
    expect(entries.map((read) => read.ok && read.entry)).toEqual(drafts);
  });

  it("refuses to say what is another role's to say", async () => {
    const drafts = [entryOf(event_id, 'confirmed', 'confirmed/1', T0)];
    await expect(tasks.sign({ drafts })).rejects.toMatchObject({ type: 'foreign_draft', nonRetryable: true });
  });
});
