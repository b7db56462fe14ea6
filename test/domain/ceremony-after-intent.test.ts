import { describe, expect, it } from 'vitest';
import { isFinished } from '../../domain/ceremony-commands.js';
import { endOf, type EndCause } from '../../domain/ceremony-state.js';
import { instant } from '../../domain/identifiers.js';
import { viewOf } from '../../domain/view.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const { alice, bob, dave, sam, MINUTE } = scene;

describe('what the provider called what it made', () => {
  const issued = (dead_man: null | undefined) => {
    const signed = scene.intentUntil(scene.T0 + 40 * MINUTE);
    const without = { ...signed, intent: { ...signed.intent, ...(dead_man === null ? { dead_man } : {}) } };
    return run().toIssuing().issue(false, { signed: without });
  };

  it('is kept where the provider has no end for it, for the removal, and nowhere else', () => {
    expect(issued(null).granted({ provider_request_id: 'x-1', ends_at: null }).state.made_id).toBe('x-1');
    expect('made_id' in issued(undefined).granted({ provider_request_id: 'x-1' }).state).toBe(false);
  });

  it('is not kept when it cannot be an id: an answer is anybody’s word', () => {
    for (const provider_request_id of ['', 'x'.repeat(201)])
      expect(issued(null).granted({ provider_request_id, ends_at: null }).state.made_id).toBeUndefined();
  });
});

describe('ends after the intent', () => {
  it('closed: by the invoker, confirmed', () => {
    const ceremony = run().toResealing().wrapUp();
    expect(ceremony.state).toMatchObject({
      phase: 'closed',
      ending: { cause: 'close', by: 'alice' },
      audit: 'audited',
    });
    expect(viewOf(ceremony.state).status).toBe('closed');
    expect(isFinished(ceremony.state)).toBe(true);
  });

  it('closed: by the principal', () => {
    expect(run().toActive().say(scene.pat, 'close').removed().absent().state.phase).toBe('closed');
  });

  it('expired: at the deadline, without anybody', () => {
    const ceremony = run().toActive();
    expect(ceremony.after(40 * MINUTE - 1).state.phase).toBe('active');
    expect(ceremony.after(1).wants()).toContain('rollback');
    expect(ceremony.state).toMatchObject({ phase: 'resealing', ending: { cause: 'deadline', by: null }, mark: 'none' });
    expect(viewOf(ceremony.state).status).toBe('active');
    ceremony.wrapUp();
    expect(ceremony.state.phase).toBe('expired');
    expect(viewOf(ceremony.state).status).toBe('expired');
  });

  it('not_granted: every answer was an unambiguous refusal, and the reseal ran', () => {
    const ceremony = run().toGranting().applyRefused(true);
    expect(ceremony.state).toMatchObject({ phase: 'resealing', refusal: { code: 'RoleNotFound' } });
    expect(ceremony.wants()).toEqual(['rollback', 'mark']);
    ceremony.nothingSeen();
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: null });
    expect(ceremony.wants()).not.toContain('end_sessions');
    expect(ceremony.absent().state).toMatchObject({ phase: 'not_granted', audit: 'none', flags: [] });
    expect(viewOf(ceremony.state).status).toBeNull();
  });

  it('revoked: a refusal that may still become a grant is no refusal', () => {
    const ceremony = run().toGranting().applyRefused(false).nothingSeen();
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: instant(ceremony.deadline + 10 * MINUTE) });
    expect(ceremony.absent().state.phase).toBe('revoked');
  });

  it.each([
    ['kill', sam],
    ['kill', alice],
    ['kill', dave],
    ['deny', dave],
    ['withdraw', bob],
  ] as const)('revoked: %s by $1.id, in every phase after the intent', (act, who) => {
    const unverified = run().toGranting().granted().tell({ type: 'verify_overdue' });
    expect(unverified.state.phase).toBe('active_unverified');
    for (const ceremony of [run().toGranting(), run().toGranting().granted(), unverified, run().toActive()]) {
      ceremony.say(who, act);
      expect(ceremony.answerTo(who, act)).toBe('accepted');
      expect(ceremony.wants()).toEqual(expect.arrayContaining(['rollback', 'mark']));
      expect(ceremony.wrapUp().state).toMatchObject({ phase: 'revoked', ending: { cause: act, by: who.id } });
      expect(viewOf(ceremony.state).status).toBe('closed');
    }
  });

  it('revoked: cancel from the Web UI means kill', () => {
    const ceremony = run().toActive().tell({ type: 'cancel_requested' });
    expect(ceremony.wants()).toContain('rollback');
    expect(ceremony.wrapUp().state).toMatchObject({ phase: 'revoked', ending: { cause: 'cancel' } });
  });

  it('revoked: an unexpected target, seen by the verification or by the watch', () => {
    const found = [{ code: 'unexpected_target_detected' as const, detail: 'mallory holds it too' }];
    for (const ceremony of [run().toGranting().granted().verified(found), run().toActive().watched(found)]) {
      expect(ceremony.wants()).toContain('rollback');
      expect(ceremony.wrapUp().state).toMatchObject({ phase: 'revoked', ending: { cause: 'unexpected_target' } });
      expect(ceremony.state.findings).toMatchObject(found);
    }
  });

  it('goes on when somebody else changed something, and tells it once', () => {
    const found = [{ code: 'foreign_change' as const, detail: 'somebody holds it too' }];
    const ceremony = run().toActive().append();
    const first = ceremony.command('watch');
    expect(ceremony.watched(found).watched(found).state).toMatchObject({ phase: 'active', findings: found });
    expect(ceremony.wants()).toEqual(['watch', 'append']);
    expect(ceremony.command('watch')?.key).not.toBe(first?.key);
    expect(ceremony.state.survey?.holders).toContain('another');
  });

  it('revoked: the provider would end it later than intended, or never', () => {
    for (const endsAt of [null, instant(run().deadline + 10 * MINUTE + 1)]) {
      const atGrant = run().toGranting().granted({ ends_at: endsAt });
      const atVerify = run().toGranting().granted().verified([], endsAt);
      for (const ceremony of [atGrant, atVerify]) {
        expect(ceremony.wants()).toContain('rollback');
        expect(ceremony.state.ending?.cause).toBe('ends_later_than_intended');
        expect(ceremony.wrapUp().state.phase).toBe('revoked');
      }
    }
  });

  it('has an end for every cause', () => {
    const table: Record<EndCause, [string, string]> = {
      deny: ['denied', 'revoked'],
      withdraw: ['cancelled', 'revoked'],
      close: ['cancelled', 'closed'],
      kill: ['cancelled', 'revoked'],
      cancel: ['cancelled', 'revoked'],
      deadline: ['cancelled', 'expired'],
      window: ['unapproved', 'revoked'],
      refused_by_provider: ['cancelled', 'not_granted'],
      unexpected_target: ['cancelled', 'revoked'],
      ends_later_than_intended: ['cancelled', 'revoked'],
      not_issued: ['cancelled', 'revoked'],
      workflow_lost: ['cancelled', 'revoked'],
    };
    for (const [cause, ends] of Object.entries(table))
      expect([endOf(cause as EndCause, false), endOf(cause as EndCause, true)]).toEqual(ends);
  });
});

describe('a grant that cannot be verified', () => {
  it('is active_unverified, loudly, keeps being verified, and is active once it was', () => {
    const ceremony = run().toGranting().granted();
    expect(ceremony.command('verify')?.key).toBe('verify');
    ceremony.tell({ type: 'verify_overdue' });
    expect(ceremony.state).toMatchObject({ phase: 'active_unverified', flags: ['verify_overdue'], verified: false });
    expect(ceremony.command('verify')?.key).toBe('verify/overdue');
    const { activated_at } = ceremony.state;
    ceremony.after(MINUTE).verified();
    expect(ceremony.state).toMatchObject({ phase: 'active', flags: [], verified: true, activated_at });
  });

  it('ends at its deadline all the same', () => {
    const ceremony = run()
      .toGranting()
      .granted()
      .tell({ type: 'verify_overdue' })
      .after(40 * MINUTE);
    expect(ceremony.wants()).toContain('rollback');
    expect(ceremony.nothingSeen().command('check_absent')).toMatchObject({
      settle_until: instant(ceremony.deadline + 10 * MINUTE),
    });
  });

  it('is not overdue before anything was granted', () => {
    expect(run().toGranting().tell({ type: 'verify_overdue' }).state.phase).toBe('granting');
  });
});

describe('what goes on after the end', () => {
  it('ends the sessions that are still open', () => {
    const ceremony = run().toResealing().removed().absent();
    expect(ceremony.state).toMatchObject({ phase: 'closed', flags: ['sessions_open'] });
    expect(ceremony.marked().append().audited().append().wants()).toEqual(['end_sessions']);
    expect(ceremony.sessionsEnded().state.flags).toEqual([]);
    expect(ceremony.wants()).toEqual(['append']);
    expect(isFinished(ceremony.append().state)).toBe(true);
  });

  it('asks the audit log, and keeps its answer: audited', () => {
    const ceremony = run().toResealing().wrapUp();
    expect(ceremony.state).toMatchObject({ audit: 'audited', audited_at: instant(ceremony.now) });
  });

  it('asks the audit log, and keeps its answer: missing', () => {
    const ceremony = run().toResealing().removed().absent();
    expect(ceremony.state.audit).toBe('pending');
    expect(ceremony.wants()).toContain('audit');
    expect(ceremony.audited('missing').state).toMatchObject({ phase: 'closed', audit: 'missing' });
    expect(ceremony.audited('audited').state.audit).toBe('missing');
  });

  it('asks nothing of the audit log where nothing was ever seen', () => {
    expect(run().toGranting().say(sam, 'kill').nothingSeen().absent().state.audit).toBe('none');
  });

  it('hands the end mark to the ledger even when it comes after the last append', () => {
    const ceremony = run().toAwaitingApproval().say(bob, 'deny').append();
    expect(ceremony.wants()).toEqual(['mark']);
    expect(ceremony.marked().wants()).toEqual(['append']);
    expect(isFinished(ceremony.append().state)).toBe(true);
  });

  it('refuses every further act, records it, and changes nothing else', () => {
    const ceremony = run().toAwaitingApproval().say(bob, 'deny').marked().append();
    const { ended_at } = ceremony.state;
    ceremony.after(MINUTE).say(sam, 'kill');
    expect(ceremony.answerTo(sam, 'kill')).toBe('wrong_state');
    expect(ceremony.state).toMatchObject({ phase: 'denied', ended_at, ending: { cause: 'deny' } });
    expect(ceremony.wants()).toEqual(['append']);
    expect(isFinished(ceremony.append().state)).toBe(true);
  });

  it('takes a mark only where one was asked for', () => {
    expect(run().toActive().marked().state.mark).toBe('none');
  });
});
