import { describe, expect, it } from 'vitest';
import { isFinished, wake } from '../../domain/ceremony-commands.js';
import { instant } from '../../domain/identifiers.js';
import { viewOf } from '../../domain/view.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const { alice, bob, carol, dave, sam, MINUTE } = scene;

describe('ends before the intent', () => {
  const refusal = { outcome: 'refused' as const, code: 'cooldown', message: 'wait an hour' };

  it('refused: the request itself is not in order', () => {
    const { state } = run().tell({ type: 'admitted', outcome: { ...refusal, at: instant(scene.T0) } });
    expect(state).toMatchObject({ phase: 'refused', refusal: { code: 'cooldown' }, outbox: [] });
    expect(isFinished(state)).toBe(true);
  });

  it('refused: admission said no, and no ledger is asked to keep anything', () => {
    const at = instant(scene.T0);
    const ceremony = run();
    ceremony.tell({ type: 'admitted', outcome: { ...refusal, at } });
    expect(ceremony.state).toMatchObject({ phase: 'refused', refusal: { code: 'cooldown' }, outbox: [] });
    expect(ceremony.say(carol, 'approve').wants()).toEqual([]);
    expect(viewOf(ceremony.state).status).toBeNull();
  });

  it('refused: a flood before the answer does not leave an append that no ledger would take', () => {
    const ceremony = run();
    for (let i = 0; i < 40; i += 1) ceremony.tell({ type: 'unreadable', signal: 'kill', reason: 'undecodable' });
    expect(ceremony.wants()).toEqual(['admit']);
    ceremony.tell({ type: 'admitted', outcome: { ...refusal, at: instant(scene.T0) } });
    for (let i = 0; i < 40; i += 1) ceremony.tell({ type: 'unreadable', signal: 'kill', reason: 'undecodable' });
    expect(isFinished(ceremony.state)).toBe(true);
  });

  it('refused: the verifier found something that forbids the grant, and the ledger says so', () => {
    const ceremony = run().admit();
    ceremony.tell({ type: 'surveyed', outcome: { ...refusal, receipt: scene.receipt('surveyed') } });
    expect(ceremony.state.phase).toBe('refused');
    // A quorum may exist for it: the authority must know that nothing is to be issued any more.
    expect(ceremony.wants()).toEqual(['mark', 'append']);
    ceremony.tell({ type: 'marked', standing: null, standing_receipt: null, receipt: scene.receipt('end_mark') });
    expect(ceremony.wants()).toEqual(['append']);
    expect(ceremony.state.outbox.map(({ transition }) => transition)).toEqual(['surveyed', 'ended', 'end_mark']);
    expect(isFinished(ceremony.append().state)).toBe(true);
  });

  it('denied: an eligible approver said no', () => {
    const { state } = run().toAwaitingApproval().say(bob, 'deny');
    expect(state).toMatchObject({ phase: 'denied', ending: { cause: 'deny', by: 'bob' }, mark: 'pending' });
    expect(viewOf(state).status).toBeNull();
  });

  it.each([
    ['close', alice],
    ['kill', sam],
  ] as const)('cancelled: %s before the quorum', (act, who) => {
    const { state } = run().toAwaitingApproval().say(bob, 'approve').say(who, act);
    expect(state).toMatchObject({ phase: 'cancelled', ending: { cause: act, by: who.id }, mark: 'pending' });
  });

  it('cancelled: from the Web UI, in every phase before the intent', () => {
    for (const ceremony of [run(), run().admit(), run().toAwaitingApproval()])
      expect(ceremony.tell({ type: 'cancel_requested' }).state).toMatchObject({ phase: 'cancelled', mark: 'pending' });
  });

  it('cancelled: the authority would not issue, and nothing stands', () => {
    const { state } = run().toIssuing().issueRefused();
    expect(state).toMatchObject({ phase: 'cancelled', signed: null, refusal: { code: 'not_now' } });
  });

  it('unapproved: the window closed at the very millisecond', () => {
    const ceremony = run().toAwaitingApproval().say(bob, 'approve');
    expect(ceremony.after(30 * MINUTE - 1).state.phase).toBe('awaiting_approval');
    expect(ceremony.after(1).state).toMatchObject({ phase: 'unapproved', ending: { cause: 'window' } });
  });

  it('unapproved: also while the register could not be reached at all', () => {
    expect(run().after(30 * MINUTE).state.phase).toBe('unapproved');
  });

  it('says too_late to an approval that comes with its deadline, whatever the order', () => {
    const late = run().toAwaitingApproval().say(bob, 'approve');
    late.now += 30 * MINUTE;
    expect(late.say(carol, 'approve').state.phase).toBe('unapproved');
    expect(late.answerTo(carol, 'approve')).toBe('too_late');
    const after = run()
      .toAwaitingApproval()
      .say(bob, 'approve')
      .after(30 * MINUTE)
      .say(carol, 'approve');
    expect(after.answerTo(carol, 'approve')).toBe('too_late');
  });
});

describe('withdrawing an approval', () => {
  it('takes it back before the quorum, and that person may approve again', () => {
    const ceremony = run().toAwaitingApproval().say(bob, 'approve').say(bob, 'withdraw');
    expect(ceremony.state).toMatchObject({ phase: 'awaiting_approval', approvals: [], ending: null });
    expect(ceremony.say(carol, 'approve').state.phase).toBe('awaiting_approval');
    expect(ceremony.say(bob, 'approve', 'again').state.phase).toBe('issuing');
  });

  it('does not let the withdrawn statement be used again', () => {
    const ceremony = run().toAwaitingApproval();
    const once = scene.says(bob, 'approve', ceremony.now);
    ceremony.tell(once).say(bob, 'withdraw');
    expect(ceremony.tell(once).state.approvals).toEqual([]);
    const resigned = { ...once, checked: { ...once.checked, digest: 'f'.repeat(64) } };
    ceremony.tell(resigned);
    expect(ceremony.state.verdicts.at(-1)).toMatchObject({ reason: 'replayed' });
    expect(ceremony.state.approvals).toEqual([]);
  });

  it('kills from the quorum on', () => {
    const waiting = run().admit().say(bob, 'approve').say(carol, 'approve').say(bob, 'withdraw');
    expect(waiting.state).toMatchObject({ phase: 'cancelled', ending: { cause: 'withdraw', by: 'bob' } });
    const issuing = run().toIssuing().say(bob, 'withdraw');
    expect(issuing.state).toMatchObject({ phase: 'issuing', ending: { cause: 'withdraw' }, mark: 'pending' });
  });

  it('is no right of those who did not approve', () => {
    const ceremony = run().toActive().say(dave, 'withdraw');
    expect(ceremony.answerTo(dave, 'withdraw')).toBe('not_entitled');
    expect(ceremony.state.phase).toBe('active');
  });
});

describe('killed while the authority issues', () => {
  const killed = () => run().toIssuing().say(sam, 'kill');

  it('waits for the answer, since it decides what stands', () => {
    expect(killed().wants()).toEqual(['issue', 'mark']);
    expect(wake(killed().state)).toBeUndefined();
  });

  it('is cancelled when no intent was recorded', () => {
    expect(killed().marked().issueRefused().state).toMatchObject({
      phase: 'cancelled',
      mark: 'standing',
      reseal: null,
    });
  });

  it('reseals an intent that was recorded now, and never applies it', () => {
    const ceremony = killed().issue();
    expect(ceremony.state).toMatchObject({ phase: 'resealing', grant: 'never_tried', reseal: { step: 'checking' } });
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: expect.any(String) as string });
    expect(ceremony.wants()).not.toContain('apply');
    expect(ceremony.absent().state.phase).toBe('revoked');
  });

  it('reseals an intent that stands since before, as if it had been granted', () => {
    const ceremony = killed().issueRefused(true);
    expect(ceremony.state).toMatchObject({ phase: 'resealing', grant: 'unanswered' });
    expect(ceremony.wants()).toContain('rollback');
    expect(ceremony.nothingSeen().command('check_absent')).toMatchObject({
      settle_until: instant(ceremony.deadline + 10 * MINUTE),
    });
    expect(ceremony.absent().state.phase).toBe('revoked');
  });

  it("keeps the ledger's entry of an intent that stands though it was refused", () => {
    const { outbox } = killed().issueRefused(true).state;
    const transitions = outbox.map(({ transition }) => transition);
    expect(transitions.filter((transition) => transition === 'intent')).toHaveLength(1);
    expect(transitions.indexOf('intent')).toBeLessThan(transitions.indexOf('resealing'));
    expect(
      killed()
        .issueRefused(false)
        .state.outbox.map(({ transition }) => transition),
    ).not.toContain('intent');
  });

  it('reseals after the approval window, too', () => {
    const ceremony = run()
      .toIssuing()
      .after(30 * MINUTE)
      .issue();
    expect(ceremony.state).toMatchObject({ phase: 'resealing', ending: { cause: 'window' }, mark: 'pending' });
  });
});

describe('issued again after a reset', () => {
  it('counts as tried before: the other run may have called the provider', () => {
    const again = run().toIssuing().issue(true);
    expect(again.state).toMatchObject({ phase: 'granting', grant: 'unanswered', tried_before: true });
    const killed = run().toIssuing().say(sam, 'kill').issue(true);
    expect(killed.state).toMatchObject({ grant: 'unanswered', reseal: { step: 'rolling_back' } });
  });

  it('does not call the provider when the deadline is over by then', () => {
    const ceremony = run().toIssuing();
    const signed = scene.intentUntil(ceremony.now);
    ceremony.issue(true, { signed });
    expect(ceremony.wants()).toContain('rollback');
    expect(ceremony.wants()).not.toContain('apply');
  });
});
