import { describe, expect, it } from 'vitest';
import { MAX_AGAIN } from '../../domain/outbox.js';
import type { CeremonyRun } from './ceremony-run.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

/** The register takes all that waits, but for what the named roles have not signed. */
const refusing = (ceremony: CeremonyRun, ...refused: string[]): CeremonyRun =>
  ceremony.tell({ type: 'appended', transitions: waiting(ceremony), refused });
const waiting = ({ state }: CeremonyRun): string[] => state.outbox.map(({ transition }) => transition);
const found = ({ state }: CeremonyRun): string[] => state.findings.map(({ code, detail }) => `${code} ${detail}`);

describe('an answer that the register finds its role has not signed', () => {
  it('stands as a finding, once, and is told to the ledger', () => {
    const ceremony = refusing(run().toActive(), 'extended/2', 'extended/2');
    expect(found(ceremony)).toEqual(['answer_not_authentic extended/2']);
    expect(ceremony.state.outbox).toMatchObject([{ draft: { type: 'finding', data: { detail: 'extended/2' } } }]);
    expect(ceremony.wants()).toContain('append');
  });

  it('the end mark: it is asked for again, and the ceremony is not over before it has it', () => {
    const ceremony = run().toResealing().marked().wrapUp();
    expect(ceremony.wants()).toEqual([]);
    const lied = refusing(run().toResealing().marked().removed().absent().sessionsEnded().audited(), 'end_mark');
    expect(lied.state.mark).toBe('pending');
    expect(lied.wants()).toEqual(['mark', 'append']);
    expect(lied.marked().append().wants()).toEqual([]);
  });

  it('before the intent too, where an end mark is all that keeps good approvals from being used', () => {
    const ceremony = run().toAwaitingApproval().say(scene.bob, 'deny').marked();
    expect(refusing(ceremony, 'end_mark').wants()).toContain('mark');
  });

  it('the grant: the effect is called again, as after an answer that was never heard', () => {
    const ceremony = refusing(run().toActive(), 'granted', 'verified');
    expect(ceremony.state).toMatchObject({
      phase: 'granting',
      grant: 'unanswered',
      tried_before: true,
      verified: false,
    });
    expect(ceremony.wants()).toContain('apply');
    expect(ceremony.granted({ adopted: true }).verified().state.phase).toBe('active');
  });

  it('what the second identity saw: it is read again, and is not called verified meanwhile', () => {
    const ceremony = refusing(run().toActive(), 'verified');
    expect(ceremony.state).toMatchObject({ phase: 'active_unverified', verified: false, flags: ['verify_overdue'] });
    expect(ceremony.command('verify')?.key).toBe('verify/overdue');
    expect(ceremony.verified().state).toMatchObject({ phase: 'active', flags: [] });
  });

  it('the sessions: they are ended again, before the end and after it', () => {
    const before = refusing(run().toResealing().marked().removed().sessionsEnded(), 'sessions_ended');
    expect(before.wants()).toContain('end_sessions');
    const after = refusing(run().toResealing().marked().removed().sessionsEnded().absent(), 'sessions_ended');
    expect(after.state.flags).toContain('sessions_open');
    expect(after.wants()).toContain('end_sessions');
    expect(after.sessionsEnded().state).toMatchObject({
      flags: [],
      reseal: { sessions_ended_at: expect.any(String) as string },
    });
  });

  it('the audit log: it is read again', () => {
    const ceremony = run().toResealing().marked().removed().absent().sessionsEnded().audited();
    expect(refusing(ceremony, 'audited').state).toMatchObject({ audit: 'pending', audited_at: null });
    expect(ceremony.wants()).toContain('audit');
  });

  it('the snapshot: it is taken again while nothing was granted, and is left alone after that', () => {
    const early = refusing(run().toAwaitingApproval(), 'surveyed');
    expect(early.wants()).toContain('survey');
    expect(early.say(scene.bob, 'approve').say(scene.carol, 'approve').state.phase).toBe('awaiting_approval');
    expect(early.survey().state.phase).toBe('issuing');
    const late = refusing(run().toActive(), 'surveyed');
    expect(late.state.survey).not.toBeNull();
  });

  it('of a removal or its absence: it stands as a finding; the reconciler ends what nobody confirmed', () => {
    const ceremony = refusing(run().toResealing().marked().removed().absent(), 'removal/1', 'confirmed');
    expect(found(ceremony)).toEqual(['answer_not_authentic removal/1', 'answer_not_authentic confirmed']);
    expect(ceremony.state.phase).toBe('closed');
  });

  it(`is asked for again ${MAX_AGAIN} times: a register that knows a role's key no more has nobody act for ever`, () => {
    const ceremony = run().toResealing();
    for (let time = 0; time < MAX_AGAIN; time += 1) {
      refusing(ceremony.marked(), 'end_mark');
      expect(ceremony.state.mark).toBe('pending');
    }
    expect(refusing(ceremony.marked(), 'end_mark').state.mark).toBe('standing');
  });
});
