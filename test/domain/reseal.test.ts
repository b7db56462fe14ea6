import { describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import type { AbsenceOutcome, RollbackOutcome } from '../../domain/outcomes.js';
import {
  beginReseal,
  onAbsence as absenceAt,
  onLateApply as lateApplyAt,
  onRollback as rollbackAt,
  resealCommands,
  resealTick,
  resealWake,
  settleUntil,
  type GrantKnowledge,
  type ResealState,
} from '../../domain/reseal.js';
import * as scene from './scene.js';

const { T0, MINUTE, HOUR } = scene;
const DEADLINE = T0 + 2 * HOUR;
const DEAD_MAN = instant(DEADLINE + 10 * MINUTE);
const signed = scene.intentUntil(DEADLINE);
const receipt = scene.receipt('x');
const removed = (word: 'revoked' | 'gone', at = T0 + MINUTE): RollbackOutcome => ({
  outcome: 'removed',
  word,
  at: instant(at),
  receipt,
});
const nothing: RollbackOutcome = { outcome: 'nothing_seen', at: instant(T0 + MINUTE), findings: [], receipt };
const present: AbsenceOutcome = { outcome: 'present', at: instant(T0 + 5 * MINUTE), receipt };
const absent: AbsenceOutcome = {
  outcome: 'absent',
  observed_at: instant(T0 + 2 * MINUTE),
  confirmed_at: instant(T0 + 3 * MINUTE),
  findings: [],
  receipt,
};
const onRollback = (state: ResealState, outcome: RollbackOutcome): ResealState =>
  rollbackAt(state, outcome, Date.parse(outcome.at));
const onAbsence = (state: ResealState, outcome: AbsenceOutcome): ResealState =>
  absenceAt(state, outcome, Date.parse(outcome.outcome === 'absent' ? outcome.confirmed_at : outcome.at));
const onLateApply = (state: ResealState, grant: GrantKnowledge, now = T0): ResealState =>
  lateApplyAt(state, grant, now);
const begin = (grant: GrantKnowledge, seen: boolean): ResealState => beginReseal(signed, grant, seen, T0);
const check = (state: ResealState) => resealCommands(state).find(({ do: what }) => what === 'check_absent');

describe('how long absent reads must agree', () => {
  const settled = (state: ResealState): string | null => settleUntil(state);

  it('five reads, when it was seen and the provider’s word is revoked', () => {
    expect(settled(onRollback(begin('granted', true), removed('revoked')))).toBeNull();
    expect(settled(onRollback(begin('unanswered', false), removed('revoked')))).toBeNull();
  });

  it('five reads, when every answer was a refusal', () => {
    expect(settled(onRollback(begin('refused', false), nothing))).toBeNull();
  });

  it('20 minutes from the request, when nothing was tried here: a run before this one may have', () => {
    expect(settled(begin('never_tried', false))).toBe(instant(T0 + 20 * MINUTE));
  });

  it('20 minutes from the removal, when the provider only said that it is gone', () => {
    expect(settled(onRollback(begin('granted', true), removed('gone')))).toBe(instant(T0 + 21 * MINUTE));
  });

  it('20 minutes from the request, when a grant was answered and not seen', () => {
    expect(settled(onRollback(begin('granted', false), nothing))).toBe(instant(T0 + 20 * MINUTE));
    expect(settled(onRollback(begin('granted', true), nothing))).toBe(instant(T0 + 20 * MINUTE));
  });

  it('no longer than until the dead-man', () => {
    const late = beginReseal(signed, 'granted', false, DEADLINE);
    expect(settled(onRollback(late, nothing))).toBe(DEAD_MAN);
  });

  it('until the dead-man, when nobody knows what became of the call', () => {
    expect(settled(onRollback(begin('unanswered', false), nothing))).toBe(DEAD_MAN);
  });

  it('a settle window, when a refused grant was seen to stand after all', () => {
    expect(settled(onRollback(begin('refused', false), removed('gone')))).toBe(instant(T0 + 21 * MINUTE));
  });

  it('a settle window again, after it reappeared: the word was about the one before', () => {
    const back = onAbsence(onRollback(begin('granted', true), removed('revoked')), present);
    expect(back).toMatchObject({ word: null, seen: true, grant: 'granted', round: 2 });
    expect(settled(onRollback(back, nothing))).not.toBeNull();
    expect(settled(onRollback(back, removed('revoked')))).toBeNull();
  });
});

describe('what a reseal wants', () => {
  it.each<GrantKnowledge>(['refused', 'unanswered', 'granted'])('rolls back first when the grant is %s', (grant) => {
    expect(resealCommands(begin(grant, false))).toEqual([{ do: 'rollback', key: 'rollback/1' }]);
  });

  it('only looks, when nothing was tried', () => {
    expect(resealCommands(begin('never_tried', false)).map(({ do: what }) => what)).toEqual(['check_absent']);
  });

  it('ends the sessions beside the check, once, and only where the policy says so', () => {
    const checking = onRollback(begin('granted', true), removed('revoked'));
    expect(resealCommands(checking).map(({ do: what }) => what)).toEqual(['check_absent', 'end_sessions']);
    const ended = { ...checking, sessions_ended_at: instant(T0) };
    expect(resealCommands(ended).map(({ do: what }) => what)).toEqual(['check_absent']);
    const keeps = beginReseal(scene.intentUntil(DEADLINE, { end_sessions: false }), 'granted', true, T0);
    expect(resealCommands(onRollback(keeps, removed('revoked'))).map(({ do: what }) => what)).toEqual(['check_absent']);
  });

  it('ends no sessions of somebody who never got anything', () => {
    expect(resealCommands(onRollback(begin('refused', false), nothing)).map(({ do: what }) => what)).toEqual([
      'check_absent',
    ]);
  });

  it('grows more patient with every round, up to 24 reads', () => {
    let state = begin('granted', true);
    const patience: unknown[] = [];
    for (let round = 1; round <= 6; round += 1) {
      state = onRollback(state, removed('revoked'));
      const command = check(state);
      patience.push(command?.do === 'check_absent' ? command.patience : undefined);
      state = onAbsence(state, present);
    }
    expect(patience).toEqual([3, 6, 12, 24, 24, 24]);
  });

  it('starts another check when the settle window changes', () => {
    const checking = onRollback(begin('unanswered', false), nothing);
    const known = onLateApply(checking, 'refused');
    expect(check(known)?.key).not.toBe(check(checking)?.key);
  });
});

describe('answers', () => {
  it('count only for the step that asked', () => {
    const rolling = begin('granted', true);
    expect(onAbsence(rolling, absent)).toBe(rolling);
    expect(onAbsence(rolling, present)).toBe(rolling);
    const checking = onRollback(rolling, removed('revoked'));
    expect(onRollback(checking, nothing)).toBe(checking);
    const confirmed = onAbsence(checking, absent);
    expect(confirmed).toMatchObject({ step: 'confirmed', confirmed_at: absent.confirmed_at });
    expect(onAbsence(confirmed, present)).toBe(confirmed);
    expect(onRollback(confirmed, nothing)).toBe(confirmed);
    expect(onLateApply(confirmed, 'granted')).toBe(confirmed);
  });

  it('keeps the time of the first acceptance over rounds', () => {
    let state = onRollback(begin('granted', true), removed('revoked', T0 + MINUTE));
    state = onRollback(onAbsence(state, present), removed('revoked', T0 + 9 * MINUTE));
    expect(state.accepted_at).toBe(instant(T0 + MINUTE));
  });

  it('a late grant while the rollback is under way needs no second one', () => {
    expect(onLateApply(begin('unanswered', false), 'granted')).toMatchObject({ step: 'rolling_back', round: 1 });
  });

  it('a late grant while it is checked is removed in a round of its own, and its sessions are ended', () => {
    const checking = { ...onRollback(begin('unanswered', false), nothing), sessions_ended_at: instant(T0) };
    expect(onLateApply(checking, 'granted')).toMatchObject({ step: 'rolling_back', round: 2, sessions_ended_at: null });
  });

  it('a late answer changes nothing that is known', () => {
    for (const grant of ['granted', 'refused', 'never_tried'] as const) {
      const state = begin(grant, false);
      expect(onLateApply(state, 'refused')).toBe(state);
    }
  });
});

describe('the floor and lateness', () => {
  const tooShort = (retryAt: number): RollbackOutcome => ({
    outcome: 'too_short',
    retry_at: instant(retryAt),
    at: instant(T0),
    receipt,
  });

  it('waits, wakes at the floor, and rolls back in a new round', () => {
    const waiting = onRollback(begin('granted', false), tooShort(T0 + 5 * MINUTE));
    expect(waiting).toMatchObject({ step: 'waiting_for_floor', seen: true });
    expect(resealCommands(waiting)).toEqual([]);
    expect(resealWake(waiting)).toBe(T0 + 5 * MINUTE);
    expect(resealTick(waiting, T0 + 5 * MINUTE - 1)).toBe(waiting);
    expect(resealTick(waiting, T0 + 5 * MINUTE)).toMatchObject({ step: 'rolling_back', round: 2, overdue: false });
  });

  it('is overdue exactly five minutes after it could have been confirmed', () => {
    const rolling = begin('granted', true);
    expect(resealWake(rolling)).toBe(T0 + 5 * MINUTE);
    expect(resealTick(rolling, T0 + 5 * MINUTE - 1)).toBe(rolling);
    const overdue = resealTick(rolling, T0 + 5 * MINUTE);
    expect(overdue.overdue).toBe(true);
    expect(resealWake(overdue)).toBeUndefined();
    const settling = onRollback(begin('granted', false), nothing);
    expect(resealWake(settling)).toBe(T0 + 25 * MINUTE);
  });

  it('never wakes again once confirmed', () => {
    const confirmed = onAbsence(onRollback(begin('granted', true), removed('revoked')), absent);
    expect(resealWake(confirmed)).toBeUndefined();
    expect(resealTick(confirmed, T0 + 24 * HOUR)).toBe(confirmed);
  });
});
