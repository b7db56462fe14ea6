import { describe, expect, it } from 'vitest';
import { commands, wake } from '../../domain/ceremony-commands.js';
import { instant } from '../../domain/identifiers.js';
import { viewOf } from '../../domain/view.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const { bob, carol, MINUTE } = scene;
const fallback = { after: 600, min_approvers: 1, max: 900 };
const terms = { ...scene.TERMS, approvals: { ...scene.TERMS.approvals, fallback } };
const immediate = { min_approvers: 0, approvers: ['group:security'], require: [], immediate: ['person:alice'] };

describe('a ceremony whose policy has a fallback', () => {
  it('wakes when it opens, and issues then on the approval that is there', () => {
    const ceremony = run({ terms }).toAwaitingApproval().say(bob, 'approve');
    expect(wake(ceremony.state)).toBe(scene.T0 + 10 * MINUTE);
    expect(ceremony.after(10 * MINUTE - 1).state).toMatchObject({ phase: 'awaiting_approval', flags: [] });
    expect(ceremony.after(1).state).toMatchObject({ phase: 'issuing', flags: [] });
  });

  it('waits on where nobody has approved, for the first who does', () => {
    const ceremony = run({ terms })
      .toAwaitingApproval()
      .after(11 * MINUTE);
    expect(ceremony.state).toMatchObject({ phase: 'awaiting_approval', flags: ['fallback_open'] });
    expect(wake(ceremony.state)).toBe(scene.T0 + 30 * MINUTE);
    expect(ceremony.say(carol, 'approve').state.phase).toBe('issuing');
  });

  it('issues at once on a full quorum', () => {
    const ceremony = run({ terms }).toAwaitingApproval().say(bob, 'approve').say(carol, 'approve');
    expect(ceremony.state).toMatchObject({ phase: 'issuing', flags: [] });
  });

  it('counts from the admission, whatever the invoker signed', () => {
    const ceremony = run({ terms });
    ceremony.admit({ at: instant(scene.T0 + 5 * MINUTE) }).survey();
    expect(wake(ceremony.say(bob, 'approve').state)).toBe(scene.T0 + 15 * MINUTE);
  });

  it('waits for the survey even then', () => {
    const ceremony = run({ terms })
      .admit()
      .say(bob, 'approve')
      .after(10 * MINUTE);
    expect(ceremony.state.phase).toBe('awaiting_approval');
    expect(ceremony.survey().state.phase).toBe('issuing');
  });

  it('puts who has spoken into the ledger when it opens, for whoever tells those who were skipped', () => {
    const two = {
      ...terms,
      approvals: { ...terms.approvals, min_approvers: 3, fallback: { ...fallback, min_approvers: 2 } },
    };
    const appends = (ceremony: ReturnType<typeof run>) =>
      commands(ceremony.state).filter(({ do: what }) => what === 'append');
    const ceremony = run({ terms: two }).toAwaitingApproval().say(bob, 'approve');
    expect(appends(ceremony.after(10 * MINUTE - 1))).toEqual([]);
    expect(appends(ceremony.after(1))).toHaveLength(1);
    expect(ceremony.state).toMatchObject({ phase: 'awaiting_approval', flags: ['fallback_open'] });
    expect(ceremony.state.outbox.some(({ transition }) => transition.startsWith('statement/'))).toBe(true);
  });

  it('says nothing more where nobody has spoken, or where the intent says it at once', () => {
    const silent = run({ terms })
      .toAwaitingApproval()
      .after(10 * MINUTE);
    const issuing = run({ terms })
      .toAwaitingApproval()
      .say(bob, 'approve')
      .after(10 * MINUTE);
    expect(commands(silent.state)).toEqual([]);
    expect(commands(issuing.state)).toEqual([{ do: 'issue', key: 'issue' }]);
  });

  it('tells every reader when it opens', () => {
    const view = viewOf(run({ terms }).toAwaitingApproval().state);
    expect(view).toMatchObject({
      approvals_wanted: 2,
      fallback: { opens_at: instant(scene.T0 + 10 * MINUTE), min_approvers: 1, max_seconds: 900 },
    });
  });
});

describe('a request that nobody has to approve', () => {
  it('is issued once the target has been looked at', () => {
    const ceremony = run({ terms: { ...scene.TERMS, approvals: immediate } }).admit();
    expect(ceremony.state.phase).toBe('awaiting_approval');
    expect(ceremony.survey().state.phase).toBe('issuing');
  });

  it('waits for one approver where a review is overdue', () => {
    const ceremony = run({ terms: { ...scene.TERMS, approvals: immediate } });
    ceremony.admit({ extra_approvers: 1 }).survey();
    expect(viewOf(ceremony.state)).toMatchObject({ state: 'awaiting_approval', approvals_wanted: 1 });
    expect(ceremony.say(bob, 'approve').state.phase).toBe('issuing');
  });
});

describe('an escalated request', () => {
  it('says so to its end, and nothing waits for it', () => {
    const ceremony = run();
    ceremony.admit({ escalated: true }).survey().say(bob, 'approve').say(carol, 'approve');
    expect(ceremony.state).toMatchObject({ phase: 'issuing', flags: ['escalated'] });
    expect(ceremony.tell({ type: 'cancel_requested' }).issueRefused().state.flags).toEqual(['escalated']);
  });
});
