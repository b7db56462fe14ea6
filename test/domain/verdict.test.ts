import { describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import type { PersonFacts } from '../../domain/quorum.js';
import type { ActStatement, SignalAct } from '../../domain/statement.js';
import {
  expiryOf,
  objectionTo,
  STATEMENT_REFUSALS,
  type Hearing,
  type StatementRefusal,
} from '../../domain/verdict.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const { alice, bob, carol, erin, pat, robot, sam, zed, T0, HOUR, MINUTE, SECOND } = scene;
const OTHER = 'f'.repeat(64);
const hearing: Hearing = {
  event_id: scene.EVENT,
  request: scene.REQUEST,
  request_digest: scene.REQUEST_DIGEST,
  policy_digest: scene.POLICY_DIGEST,
  terms: scene.TERMS,
  approvedBy: new Set(['bob']),
  seen: new Set(),
};
const objection = (who: PersonFacts, act: SignalAct, over: Partial<ActStatement> = {}, now = T0) =>
  objectionTo(hearing, scene.verified(who, act, T0, over), act, now);

describe('an objection to a verified statement', () => {
  it('is none where everything is in order', () => {
    expect(objection(carol, 'approve')).toBeUndefined();
    expect(objection(bob, 'withdraw')).toBeUndefined();
    expect(objection(pat, 'close')).toBeUndefined();
    expect(objection(sam, 'kill')).toBeUndefined();
  });

  it.each<[StatementRefusal, PersonFacts, SignalAct, Partial<ActStatement>]>([
    ['foreign_event', carol, 'approve', { event_id: 'fedcba9876543210' }],
    ['foreign_request', carol, 'approve', { request_digest: OTHER }],
    ['foreign_policy', carol, 'approve', { policy_digest: OTHER }],
    ['not_yet_valid', carol, 'approve', { issued_at: instant(T0 + 60 * SECOND + 1) }],
    ['stale', carol, 'approve', { not_after: instant(T0) }],
    ['stale', carol, 'approve', { issued_at: instant(T0 - 24 * HOUR), not_after: instant(T0 + HOUR) }],
    ['person_not_valid', { ...carol, valid_until: instant(T0) }, 'approve', {}],
    ['person_not_valid', { ...carol, valid_from: instant(T0 + 1) }, 'approve', {}],
    ['already_approved', bob, 'approve', {}],
    ['agent_cannot_approve', robot, 'approve', {}],
    ['is_invoker', { ...alice, groups: ['security'] }, 'approve', {}],
    ['is_principal', pat, 'approve', {}],
    ['not_entitled', zed, 'approve', {}],
    ['not_entitled', alice, 'deny', {}],
    ['not_entitled', carol, 'withdraw', {}],
    ['not_entitled', bob, 'close', {}],
    ['not_entitled', zed, 'kill', {}],
    ['not_entitled', robot, 'kill', {}],
  ])('is %s', (reason, who, act, over) => {
    expect(objection(who, act, over)).toBe(reason);
  });

  it('is name_disagrees before anything else is looked at', () => {
    const approval = scene.verified(zed, 'approve', T0, { event_id: 'fedcba9876543210' });
    expect(objectionTo(hearing, approval, 'kill', T0)).toBe('name_disagrees');
  });

  it('is replayed for a statement that counted before, under whatever signature', () => {
    const spoken = scene.verified(carol, 'approve', T0);
    const heard = { ...hearing, seen: new Set([spoken.statement_digest]) };
    expect(objectionTo(heard, { ...spoken, digest: OTHER }, 'approve', T0)).toBe('replayed');
  });

  it('allows a clock that runs a minute ahead, and counts until the millisecond before the end', () => {
    expect(objection(carol, 'approve', { issued_at: instant(T0 + 60 * SECOND) })).toBeUndefined();
    expect(objection(carol, 'approve', { not_after: instant(T0 + 1) })).toBeUndefined();
    expect(objection(carol, 'approve', { not_after: instant(T0 + 1) }, T0 + 1)).toBe('stale');
  });

  it('ends every statement 24 hours after it was signed, whatever it says', () => {
    expect(expiryOf(instant(T0), instant(T0 + 48 * HOUR))).toBe(T0 + 24 * HOUR);
    expect(expiryOf(instant(T0), instant(T0 + HOUR))).toBe(T0 + HOUR);
  });
});

describe('what a ceremony says to a statement', () => {
  it('passes on whatever the signature check objected to', () => {
    const reasons: StatementRefusal[] = ['malformed', 'too_large', 'unknown_person', 'bad_signature'];
    for (const reason of reasons) {
      const checked = { ok: false as const, digest: scene.digestOf(reason), reason, person: 'bob' };
      const heard = run().toActive();
      heard.tell({ type: 'heard', signal: 'kill', envelope: scene.envelopeOf(reason), checked });
      expect(heard.state.verdicts.at(-1)).toMatchObject({ status: 'refused', reason, person: 'bob' });
      expect(heard.state.phase).toBe('active');
    }
  });

  it('undecodable: counted and recorded, without a digest to ask by', () => {
    const heard = run().toActive().tell({ type: 'unreadable', signal: 'kill', reason: 'undecodable' });
    expect(heard.state).toMatchObject({ phase: 'active', refusals: 1 });
    expect(heard.state.verdicts.some(({ status }) => status === 'refused')).toBe(false);
    const draft = heard.state.outbox.at(-1);
    expect(draft).toMatchObject({
      draft: { type: 'statement_refused', data: { reason: 'undecodable', digest: null } },
    });
  });

  it('wrong_state: before it was opened, once it is issuing, while it reseals, after it ended', () => {
    const killed = run().toActive().say(sam, 'kill');
    for (const heard of [run(), run().toIssuing(), killed, run().toAwaitingApproval().say(bob, 'deny')]) {
      heard.say(erin, 'approve');
      expect(heard.answerTo(erin, 'approve')).toBe('wrong_state');
    }
    killed.after(1).say(sam, 'kill');
    expect(killed.answerTo(sam, 'kill')).toBe('wrong_state');
  });

  it('too_late: an approval after the window, never before it', () => {
    const heard = run()
      .toAwaitingApproval()
      .after(30 * MINUTE - 1)
      .say(bob, 'approve');
    expect(heard.answerTo(bob, 'approve')).toBe('accepted');
    heard.after(1).say(carol, 'approve');
    expect(heard.answerTo(carol, 'approve')).toBe('too_late');
    expect(heard.state.phase).toBe('unapproved');
  });

  it('too_many: after 128 accepted statements approvals are refused, and reducing acts are not', () => {
    const heard = run().toAwaitingApproval();
    for (let i = 0; heard.state.seen.length < 128; i += 1)
      heard.say(bob, i % 2 === 0 ? 'approve' : 'withdraw', `n${i}`).append();
    heard.say(bob, 'approve', 'one more');
    expect(heard.answerTo(bob, 'approve', 'one more')).toBe('too_many');
    heard.say(sam, 'kill');
    expect(heard.answerTo(sam, 'kill')).toBe('accepted');
    expect(heard.state.phase).toBe('cancelled');
  });

  it('gives the same bytes the same answer, whatever the ceremony has come to', () => {
    const heard = run().toAwaitingApproval();
    const early = scene.says(bob, 'approve', heard.now, { issued_at: instant(heard.now + HOUR) });
    heard.tell(early).after(MINUTE);
    const before = heard.state;
    heard
      .tell(early)
      .after(HOUR - MINUTE)
      .tell(early);
    expect(heard.state.verdicts).toEqual(before.verdicts);
    expect(heard.state.refusals).toBe(1);
  });

  it('does not let a kill be used up by sending it under another name first', () => {
    const heard = run().toActive();
    const kill = scene.says(sam, 'kill', heard.now, {}, String(heard.now));
    for (const signal of ['approve', 'close', 'approve'] as const) heard.tell({ ...kill, signal });
    expect(heard.answerTo(sam, 'kill')).toBe('name_disagrees');
    expect(heard.state.phase).toBe('active');
    expect(heard.tell(kill).wants()).toContain('rollback');
    expect(heard.answerTo(sam, 'kill')).toBe('accepted');
    heard.tell({ ...kill, signal: 'approve' });
    expect(heard.answerTo(sam, 'kill')).toBe('accepted');
  });

  it('has a sentence for every code, and each code is a stable snake_case word', () => {
    for (const [code, told] of Object.entries(STATEMENT_REFUSALS)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(told.length).toBeGreaterThan(20);
    }
  });
});
