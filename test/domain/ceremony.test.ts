import { describe, expect, it } from 'vitest';
import { isFinished, wake } from '../../domain/ceremony-commands.js';
import { isEnd } from '../../domain/ceremony-state.js';
import { deadlineOf } from '../../domain/ceremony-deadlines.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import { viewOf } from '../../domain/view.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const { alice, bob, carol, sam, MINUTE } = scene;

describe('the hoped-for road', () => {
  it('wants one thing after another, and nothing else', () => {
    const ceremony = run();
    expect(ceremony.wants()).toEqual(['admit']);
    expect(ceremony.admit().wants()).toEqual(['survey']);
    expect(ceremony.survey().wants()).toEqual([]);
    expect(ceremony.say(bob, 'approve').wants()).toEqual([]);
    expect(ceremony.say(carol, 'approve').wants()).toEqual(['issue']);
    expect(ceremony.issue().wants()).toEqual(['apply']);
    expect(ceremony.granted().wants()).toEqual(['verify']);
    expect(ceremony.verified().wants()).toEqual(['watch', 'append']);
    expect(ceremony.append().wants()).toEqual(['watch']);
    expect(ceremony.say(alice, 'close').wants()).toEqual(['rollback', 'mark']);
    expect(ceremony.removed().wants()).toEqual(['check_absent', 'end_sessions', 'mark']);
    expect(ceremony.sessionsEnded().absent().wants()).toEqual(['mark', 'audit', 'append']);
    expect(ceremony.marked().audited().append().wants()).toEqual([]);
    expect(isFinished(ceremony.state)).toBe(true);
  });

  it('tells the time of every stage', () => {
    const ceremony = run().toActive().after(MINUTE).say(alice, 'close').after(MINUTE).removed();
    const { rollback, activated_at } = viewOf(ceremony.after(MINUTE).absent().after(MINUTE).audited().state);
    const minutes = (n: number) => instant(scene.T0 + n * MINUTE);
    expect(activated_at).toBe(minutes(0));
    expect(rollback).toEqual({
      requested_at: minutes(1),
      accepted_at: minutes(2),
      observed_at: minutes(3),
      confirmed_at: minutes(3),
      audited_at: minutes(4),
    });
  });

  it('wakes for the approval window, then for the deadline', () => {
    const ceremony = run();
    expect(wake(ceremony.state)).toBe(scene.T0 + 30 * MINUTE);
    expect(wake(ceremony.toAwaitingApproval().state)).toBe(scene.T0 + 30 * MINUTE);
    expect(wake(ceremony.say(bob, 'approve').say(carol, 'approve').issue().state)).toBe(ceremony.deadline);
    expect(deadlineOf(ceremony.state)).toEqual({ at: ceremony.deadline, cause: 'deadline' });
  });

  it('asks for the survey and the approvals at the same time, and issues when both are there', () => {
    const ceremony = run().admit().say(bob, 'approve').say(carol, 'approve');
    expect(ceremony.state.phase).toBe('awaiting_approval');
    expect(ceremony.survey().state.phase).toBe('issuing');
  });
});

describe('refusals', () => {
  it('records 64 of 1,000, counts the rest, and takes the kill that follows', () => {
    const ceremony = run().toActive();
    for (let i = 0; i < 1000; i += 1) {
      const digest = scene.digestOf(`forged ${i}`);
      const checked = { ok: false as const, digest, reason: 'bad_signature' as const };
      ceremony.tell({ type: 'heard', signal: 'kill', envelope: scene.envelopeOf(`forged ${i}`), checked });
    }
    expect(ceremony.state.refusals).toBe(1000);
    expect(ceremony.state.verdicts.filter(({ status }) => status === 'refused')).toHaveLength(64);
    const refused = ceremony.state.outbox.filter(({ transition }) => transition.startsWith('statement_refused/'));
    expect(refused).toHaveLength(64);
    ceremony.say(sam, 'kill');
    expect(ceremony.answerTo(sam, 'kill')).toBe('accepted');
    expect(ceremony.wants()).toContain('rollback');
    expect(ceremony.wrapUp().state).toMatchObject({ phase: 'revoked', refusals: 1000 });
  });
});

describe('findings', () => {
  it('are kept up to 64, and a killing one beyond that still kills', () => {
    const ceremony = run().toActive();
    for (let n = 0; n < 100; n += 1) ceremony.watched([{ code: 'foreign_change', detail: `change ${n}` }]);
    expect(ceremony.state.findings).toHaveLength(64);
    ceremony.watched([{ code: 'unexpected_target_detected', detail: 'mallory' }]);
    expect(ceremony.wants()).toContain('rollback');
  });
});

describe('late and repeated answers', () => {
  it('count once', () => {
    const ceremony = run().toActive();
    const before = ceremony.state;
    ceremony.admit().survey().issue().granted().verified();
    expect({ ...ceremony.state, outbox: [], drafted: 0 }).toEqual({ ...before, outbox: [], drafted: 0 });
  });

  it('keep the phase that is past where it is', () => {
    const ceremony = run().toResealing().wrapUp();
    ceremony.granted().verified().removed().present().issueRefused(true).tell({ type: 'verify_overdue' });
    expect(ceremony.state.phase).toBe('closed');
    expect(isEnd(ceremony.state.phase)).toBe(true);
    expect(epochMs(ceremony.state.ended_at ?? '')).toBe(ceremony.now);
  });
});
