import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { authorityTasks } from '../../../activities/authority/authority-tasks.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import { instant } from '../../../domain/identifiers.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { issueOutcomeSchema, recallOutcomeSchema } from '../../../domain/outcomes.js';
import type { AuthorityTasks, Evidence } from '../../../domain/tasks.js';
import { readEntry } from '../../../proofs/receipt.js';
import {
  T0,
  admissionOf,
  bob,
  carol,
  keyOf,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
  signAct,
  signRequest,
} from '../../proofs/ceremony-people.js';
import { extensionEvidence } from '../../proofs/extended-ceremony.js';
import { bothDatabases, type TestDatabase } from '../register/both-databases.js';

const MIN = 60_000;

describe('the authority, asked to extend', () => {
  let db: TestDatabase;
  let tasks: AuthorityTasks;
  let now = T0;
  let validUntil: string | undefined;
  beforeAll(async () => {
    const [, , open] = bothDatabases[0]!;
    db = await open();
    const inForce = givenInForce(
      () => ({ policy, digest: policyDigest }),
      () => roster,
    );
    tasks = authorityTasks({
      database: db.database,
      key: roleKeys.authority,
      ...inForce,
      carrying: (digest, nowMs) => {
        const carrying = inForce.carrying(digest, nowMs);
        if (!carrying.ok || validUntil === undefined) return carrying;
        return { ...carrying, contract: { ...carrying.contract, valid_until: validUntil } };
      },
      roleKeys: keyOf,
      clock: { now: () => now },
    });
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(() => {
    now = T0 + 2 * MIN;
    validUntil = undefined;
  });

  const issue = async (evidence: Evidence) => issueOutcomeSchema.parse(await tasks.issue(evidence));
  const issued = async (evidence: Evidence): Promise<SignedIntent> => {
    const answer = await issue(evidence);
    if (answer.outcome !== 'issued') throw new Error(`${answer.code}: ${answer.message}`);
    return answer.signed;
  };
  const refusal = async (evidence: Evidence): Promise<string> => {
    const answer = await issue(evidence);
    return answer.outcome === 'refused' ? answer.code : 'issued';
  };
  /** A grant that is ten minutes old. */
  async function granted() {
    const request = requestFor();
    const approvals = [signAct(bob, 'approve', request), signAct(carol, 'approve', request)];
    const { event_id } = request;
    const evidence = { event_id, request: signRequest(request), approvals, admission: admissionOf(request) };
    const signed = await issued(evidence);
    now += 10 * MIN;
    return { request, signed, evidence };
  }

  it('records another intent, until exactly the deadline that was approved', async () => {
    const { request, signed } = await granted();
    const evidence = extensionEvidence(request, [signed], { at: now });
    const answer = await issue(evidence);
    if (answer.outcome !== 'issued') throw new Error(answer.code);
    const { intent } = answer.signed;
    const deadline = Date.parse(signed.intent.deadline) + 20 * MIN;
    expect(intent).toMatchObject({
      round: 2,
      issued_at: instant(now),
      deadline: instant(deadline),
      dead_man: instant(deadline + policy.grace * 1000),
      tuple: signed.intent.tuple,
      quorum: 'full',
    });
    expect(intent.marker.justification).not.toBe(signed.intent.marker.justification);
    expect(answer.warrant).toEqual(expect.any(String));
    const read = readEntry(answer.receipt.envelope, request.event_id, keyOf);
    expect(read.ok && read.entry).toMatchObject({ type: 'extension', transition: 'extension/2', data: { evidence } });
  });

  it('issues once a round, and answers the same bytes again while the deadline that holds is not near', async () => {
    const { request, signed } = await granted();
    const evidence = extensionEvidence(request, [signed], { at: now });
    const first = await issue(evidence);
    now += 5 * MIN;
    expect(await issue(evidence)).toEqual({ ...first, reissued: true, warrant: expect.any(String) as unknown });
    expect(await refusal(extensionEvidence(request, [signed], { at: now, minutes: 21 }))).toBe('evidence_differs');
    now = Date.parse(signed.intent.deadline) - MIN;
    expect(await refusal(evidence)).toBe('extension_too_late');
  });

  it('gives the grant no warrant any more once it was extended', async () => {
    const { request, signed, evidence } = await granted();
    await issued(extensionEvidence(request, [signed], { at: now }));
    expect(await refusal(evidence)).toBe('intent_extended');
  });

  it('recalls the latest intent, and the entries of all', async () => {
    const { request, signed } = await granted();
    const second = await issued(extensionEvidence(request, [signed], { at: now }));
    const recalled = recallOutcomeSchema.parse(await tasks.recall({ event_id: request.event_id }));
    expect(recalled?.signed).toEqual(second);
    expect(recalled?.earlier_receipts.map(({ transition }) => transition)).toEqual(['intent']);
    expect(recalled?.receipt.transition).toBe('extension/2');
  });

  it('extends nothing after an end mark, and marks with what stands', async () => {
    const { request, signed } = await granted();
    const second = await issued(extensionEvidence(request, [signed], { at: now }));
    const marked = await tasks.mark({ event_id: request.event_id, cause: 'kill', by: 'bob' });
    expect(marked.standing).toEqual(second);
    expect(await refusal(extensionEvidence(request, [signed], { at: now }))).toBe('end_mark_stands');
    expect(await refusal(extensionEvidence(request, [signed, second], { at: now }))).toBe('end_mark_stands');
  });

  it('extends what it recorded itself, in the order of rounds', async () => {
    const { request, signed } = await granted();
    const other = await granted();
    const second = await issued(extensionEvidence(other.request, [other.signed], { at: now }));
    // A round that was left out, and one that rests on another ceremony's intent.
    expect(await refusal(extensionEvidence(request, [signed, second], { at: now }))).toBe('round_unknown');
    expect(await refusal(extensionEvidence(request, [other.signed], { at: now }))).toBe('evidence_differs');
    expect(await refusal(extensionEvidence(requestFor(), [signed], { at: now }))).toBe('round_unknown');
  });

  it('keeps to the policy’s maximum over all rounds, counted from the first start', async () => {
    const { request, signed } = await granted();
    const second = await issued(extensionEvidence(request, [signed], { at: now, minutes: 120 }));
    now += 20 * MIN;
    const third = (minutes: number) => extensionEvidence(request, [signed, second], { at: now, minutes });
    expect(await refusal(third(91))).toBe('extension_too_long');
    expect(await refusal(third(90))).toBe('issued');
  });

  it('carries no deadline that the contract does not live to see', async () => {
    const { request, signed } = await granted();
    validUntil = instant(Date.parse(signed.intent.deadline) + 20 * MIN - 1);
    expect(await refusal(extensionEvidence(request, [signed], { at: now }))).toBe('contract_ends_too_soon');
    validUntil = instant(Date.parse(signed.intent.deadline) + 20 * MIN);
    expect(await refusal(extensionEvidence(request, [signed], { at: now }))).toBe('issued');
  });

  it('takes the approvals of the grant for nothing', async () => {
    const { request, signed, evidence } = await granted();
    const replayed = { ...extensionEvidence(request, [signed], { at: now }), approvals: evidence.approvals };
    expect(await refusal(replayed)).toBe('quorum_not_met');
  });
});
