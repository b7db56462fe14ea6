import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { instant } from '../../../domain/identifiers.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { issueOutcomeSchema, markOutcomeSchema, recallOutcomeSchema } from '../../../domain/outcomes.js';
import type { Roster } from '../../../domain/roster.js';
import type { AuthorityTasks, Evidence } from '../../../domain/tasks.js';
import { authorityTasks } from '../../../activities/authority/authority-tasks.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import { judgeIntent, tupleOf } from '../../../proofs/evidence.js';
import { verifyMarker } from '../../../proofs/marker.js';
import { readEntry } from '../../../proofs/receipt.js';
import { checkStatement } from '../../../proofs/statement-check.js';
import { judgeWarrant } from '../../../proofs/warrant.js';
import { statementSchema } from '../../../domain/statement.js';
import {
  T0,
  admissionOf,
  alice,
  bob,
  carol,
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
import { bothDatabases, type TestDatabase } from '../register/both-databases.js';

const MIN = 60_000;
const { authority } = roleKeys;

function evidenceFor(request = requestFor()): Evidence {
  const approvals = [signAct(bob, 'approve', request), signAct(carol, 'approve', request)];
  return { event_id: request.event_id, request: signRequest(request), approvals, admission: admissionOf(request) };
}

describe.each(bothDatabases)('the authority over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let tasks: AuthorityTasks;
    let now = T0;
    let people: Roster = roster;
    let kept: SignedIntent[] = [];
    let cannotKeep = false;
    beforeAll(async () => {
      db = await open();
      const clock = { now: () => now };
      const inForce = { policy, digest: policyDigest };
      tasks = authorityTasks({
        database: db.database,
        key: authority,
        ...givenInForce(
          () => inForce,
          () => people,
        ),
        roleKeys: keyOf,
        clock,
        keepIntent: (signed) => {
          kept.push(signed);
          return cannotKeep ? Promise.reject(new Error('no space left')) : Promise.resolve();
        },
      });
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => {
      now = T0 + 2 * MIN;
      people = roster;
      [kept, cannotKeep] = [[], false];
    });

    const issued = async (evidence: Evidence) => {
      const answer = issueOutcomeSchema.parse(await tasks.issue(evidence));
      if (answer.outcome !== 'issued') throw new Error(`${answer.code}: ${answer.message}`);
      return answer;
    };

    describe('when a quorum asks', () => {
      it('fixes the deadline on its own clock and signs what the evidence calls for', async () => {
        const evidence = evidenceFor();
        const { signed, reissued, receipt } = await issued(evidence);
        expect(reissued).toBe(false);
        expect(signed.intent).toMatchObject({
          issued_at: instant(now),
          deadline: instant(now + 30 * MIN),
          dead_man: instant(now + 40 * MIN),
        });
        const authorityKey = (keyid: string) => (keyid === authority.keyid ? authority.publicKey : undefined);
        const judged = judgeIntent({
          signed,
          evidence,
          roster,
          roleKeys: keyOf,
          policy,
          policyDigest,
          nowMs: now,
          authorityKey,
        });
        expect(judged.ok).toBe(true);
        const statement = statementSchema.parse(JSON.parse(evidence.request.payload));
        if (statement.act !== 'request') throw new Error('a request');
        const { ticket_system: ticketSystem, ticket_number: ticketNumber, justification } = signed.intent.marker;
        const marker = verifyMarker({ ticketSystem, ticketNumber, justification }, tupleOf(statement.request), [
          authority.publicKey,
        ]);
        expect(marker).toEqual({ ok: true, marked: { event_id: evidence.event_id, deadline: signed.intent.deadline } });
        const read = readEntry(receipt.envelope, evidence.event_id, keyOf);
        expect(read.ok && read.entry).toMatchObject({
          type: 'intent',
          transition: 'intent',
          data: { signed, evidence },
        });
      });

      it('issues once, and answers the same bytes again with the same deadline', async () => {
        const evidence = evidenceFor();
        const first = await issued(evidence);
        now += 29 * MIN;
        const again = await issued(evidence);
        expect(again).toEqual({ ...first, reissued: true, warrant: expect.any(String) as unknown });
        expect(recallOutcomeSchema.parse(await tasks.recall({ event_id: evidence.event_id }))).toEqual({
          signed: first.signed,
          evidence,
          receipt: first.receipt,
          earlier_receipts: [],
          opened: expect.objectContaining({
            request_digest: first.signed.intent.request_digest,
            policy_digest: first.signed.intent.policy_digest,
          }) as unknown,
          approvals: evidence.approvals.map(() => expect.objectContaining({ ok: true }) as unknown),
        });
      });

      it('says what its own check says of the last approval, by which a ceremony hears it', async () => {
        const evidence = evidenceFor();
        const last = evidence.approvals.at(-1);
        const answers = [await issued(evidence), await issued(evidence)];
        for (const answer of answers) expect(answer.last).toEqual(last && checkStatement(last, roster));
        expect(answers[0]?.last).toMatchObject({ ok: true, statement: { act: 'approve' } });
      });

      it('gives a warrant of two minutes with each answer, for the role that grants', async () => {
        const evidence = evidenceFor();
        const first = await issued(evidence);
        now += 10 * MIN;
        const again = await issued(evidence);
        const judge = (token: string | null, nowMs: number) =>
          judgeWarrant(token, {
            intent: first.signed.intent,
            role: 'effect:entra.directory_role',
            authorityKey: (keyid) => (keyid === authority.keyid ? authority.publicKey : undefined),
            nowMs,
          });
        const [judged, judgedAgain] = [judge(first.warrant, now - 10 * MIN), judge(again.warrant, now)];
        if (!judged.ok || !judgedAgain.ok) throw new Error('both must verify');
        expect(judged.claims.exp - judged.claims.iat).toBe(120);
        expect(judged.claims.reseal.deadline).toBe(first.signed.intent.deadline);
        expect(judgedAgain.claims.jti).not.toBe(judged.claims.jti);
        expect(judgedAgain.claims.token_scope_hash_b64u).toBe(judged.claims.token_scope_hash_b64u);
        expect(judge(first.warrant, now)).toMatchObject({ ok: false, code: 'warrant_expired' });
      });

      it('gives one that lives as long as the contract says', async () => {
        const given = givenInForce(
          () => ({ policy, digest: policyDigest }),
          () => people,
        );
        const carrying: typeof given.carrying = (digest, nowMs) => {
          const found = given.carrying(digest, nowMs);
          return found.ok ? { ...found, contract: { ...found.contract, token_ttl: 300 } } : found;
        };
        const held = { database: db.database, key: authority, roleKeys: keyOf, clock: { now: () => now } };
        const answer = await authorityTasks({ ...held, ...given, carrying }).issue(evidenceFor());
        const [, claims = ''] = (answer.outcome === 'issued' ? (answer.warrant ?? '') : '').split('.');
        const { iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as {
          iat: number;
          exp: number;
        };
        expect(exp - iat).toBe(300);
      });

      it('gives none past the deadline', async () => {
        const evidence = evidenceFor();
        const { signed } = await issued(evidence);
        now += 29 * MIN + 30_000;
        const { warrant } = await issued(evidence);
        const [, claims = ''] = (warrant ?? '').split('.');
        const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { exp: number };
        expect(exp * 1000).toBe(Date.parse(signed.intent.deadline));
      });

      it('issues one intent to twenty callers at once', async () => {
        const evidence = evidenceFor();
        const answers = await Promise.all(Array.from({ length: 20 }, () => issued(evidence)));
        expect(answers.filter(({ reissued }) => !reissued)).toHaveLength(1);
        expect(new Set(answers.map(({ signed }) => JSON.stringify(signed))).size).toBe(1);
      });
    });

    describe('when it must not issue', () => {
      it('refuses without a quorum, and writes nothing', async () => {
        const evidence = evidenceFor();
        const answer = await tasks.issue({ ...evidence, approvals: evidence.approvals.slice(0, 1) });
        expect(answer).toMatchObject({ outcome: 'refused', code: 'quorum_not_met', standing: null });
        expect(await tasks.recall({ event_id: evidence.event_id })).toBeNull();
      });

      it('refuses what is no evidence', async () => {
        const answer = await tasks.issue({ event_id: 'x' } as Evidence);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'evidence_malformed' });
      });

      it('refuses after the deadline, with what stands', async () => {
        const evidence = evidenceFor();
        const { signed, receipt } = await issued(evidence);
        now += 30 * MIN;
        const answer = await tasks.issue(evidence);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'deadline_passed', standing: signed });
        expect(answer).toMatchObject({ standing_receipt: receipt });
      });

      it('refuses after the approval window, for a first time', async () => {
        now = T0 + 32 * MIN;
        expect(await tasks.issue(evidenceFor())).toMatchObject({ outcome: 'refused', code: 'request_stale' });
      });

      it('refuses other evidence for an event it issued for', async () => {
        const evidence = evidenceFor();
        const { signed } = await issued(evidence);
        const answer = await tasks.issue({ ...evidence, approvals: [...evidence.approvals].reverse() });
        expect(answer).toMatchObject({ outcome: 'refused', code: 'evidence_differs', standing: signed });
      });

      it('refuses to issue again once an approver may no longer speak', async () => {
        const evidence = evidenceFor();
        await issued(evidence);
        const valid_until = instant(now);
        people = { ...roster, people: roster.people.map((p) => (p.id === 'bob' ? { ...p, valid_until } : p)) };
        expect(await tasks.issue(evidence)).toMatchObject({ outcome: 'refused', code: 'quorum_not_met' });
      });
    });

    describe('the copy for the sweep', () => {
      it('is kept before the intent is answered, and again with each answer', async () => {
        const evidence = evidenceFor();
        const { signed } = await issued(evidence);
        expect(kept).toEqual([signed]);
        await issued(evidence);
        expect(kept).toEqual([signed, signed]);
      });

      it('that cannot be kept keeps the intent from being issued, and from the journal', async () => {
        const evidence = evidenceFor();
        cannotKeep = true;
        await expect(tasks.issue(evidence)).rejects.toThrow('no space left');
        expect(await tasks.recall({ event_id: evidence.event_id })).toBeNull();
        cannotKeep = false;
        expect((await issued(evidence)).reissued).toBe(false);
      });
    });

    describe('when an end mark stands', () => {
      it('refuses to issue, for the first time and again, and nothing clears it', async () => {
        const [before, after] = [evidenceFor(), evidenceFor(requestFor({ by: alice }))];
        await tasks.mark({ event_id: before.event_id, cause: 'deny', by: 'bob' });
        expect(await tasks.issue(before)).toMatchObject({
          outcome: 'refused',
          code: 'end_mark_stands',
          standing: null,
        });
        const { signed } = await issued(after);
        await tasks.mark({ event_id: after.event_id, cause: 'kill', by: 'bob' });
        const answer = await tasks.issue(after);
        expect(answer).toMatchObject({ outcome: 'refused', code: 'end_mark_stands', standing: signed });
        expect(answer).not.toHaveProperty('warrant');
      });

      it('keeps the first one, and answers it with what stands', async () => {
        const evidence = evidenceFor();
        const { signed, receipt } = await issued(evidence);
        const first = markOutcomeSchema.parse(
          await tasks.mark({ event_id: evidence.event_id, cause: 'kill', by: 'bob' }),
        );
        now += MIN;
        expect(await tasks.mark({ event_id: evidence.event_id, cause: 'close', by: 'alice' })).toEqual(first);
        expect(first).toMatchObject({ standing: signed, standing_receipt: receipt });
        const read = readEntry(first.receipt.envelope, evidence.event_id, keyOf);
        expect(read.ok && read.entry).toMatchObject({
          type: 'end_mark',
          transition: 'end_mark',
          data: { cause: 'kill', by: 'bob' },
        });
      });

      it('decides a race of issue and mark one way: what was issued first is known to the mark', async () => {
        for (let round = 0; round < 10; round += 1) {
          const evidence = evidenceFor();
          const mark = { event_id: evidence.event_id, cause: 'kill' as const, by: 'bob' };
          const [answer, marked] = await Promise.all(
            round % 2 === 0
              ? [tasks.issue(evidence), tasks.mark(mark)]
              : [tasks.mark(mark).then(() => tasks.issue(evidence)), tasks.mark(mark)],
          );
          if (answer.outcome === 'issued') expect(marked.standing).toEqual(answer.signed);
          else expect([answer.code, marked.standing]).toEqual(['end_mark_stands', null]);
        }
      });

      it('marks an event nobody asked for, since ending needs no permission', async () => {
        const marked = await tasks.mark({ event_id: newEventId(), cause: 'cancel', by: null });
        expect(marked).toMatchObject({ standing: null, standing_receipt: null });
      });
    });

    describe('the journal', () => {
      it.each([
        "UPDATE authority.intents SET deadline = deadline + interval '1 hour'",
        'DELETE FROM authority.intents',
        'TRUNCATE authority.intents',
        "UPDATE authority.end_marks SET cause = 'none'",
        'DELETE FROM authority.end_marks',
        'TRUNCATE authority.end_marks',
      ])('refuses %s', async (statement) => {
        const evidence = evidenceFor();
        await issued(evidence);
        await tasks.mark({ event_id: evidence.event_id, cause: 'kill', by: null });
        await expect(db.database.query(statement)).rejects.toMatchObject({ code: '42501' });
      });
    });
  });
});
