import { describe, expect, it } from 'vitest';

import { instant } from '../../domain/identifiers.js';
import type { Granted } from '../../domain/kill-state.js';
import type { SignedStatement } from '../../domain/statement.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { judgeFollowUp, type FollowUpRules } from '../../proofs/follow-up.js';
import { signReceipt } from '../../proofs/receipt.js';
import { alice, bob, carol, mallory, robot, roleKeys, roster, T0 } from './ceremony-people.js';
import { FollowUpScene, ON_KILL } from './follow-up-scene.js';
import { ceremony } from './told-ceremony.js';

const AT = T0 + 20 * 60_000;
const GRANTEE = 'b0b00000-0000-4000-8000-000000000002';
const ROLE = '5d6b6bb7-de71-4623-b4af-96380a352509';
const thing: Granted = {
  via: 'pim',
  at: instant(AT - 60_000),
  activity: 'PIM adminAssign',
  principal_id: GRANTEE,
  role_template_id: ROLE,
  directory_scope_id: '/',
  assignment_id: 'a1',
  standing: true,
};
const intent = { ...ceremony.intent, on_kill: ON_KILL };
const scene = new FollowUpScene(ceremony.request, intent, AT);
const list = scene.listedEntry([thing]);

type Over = Partial<FollowUpRules>;
const judged = (statements: SignedStatement[], over: Over = {}, report = scene.listed([thing])) =>
  judgeFollowUp(scene.rules({ statements, report, ...over }));
const codeOf = (statements: SignedStatement[], over: Over = {}, report = scene.listed([thing])): string => {
  const verdict = judged(statements, over, report);
  return verdict.ok ? 'ordered' : verdict.code;
};

describe('taking back what the principal gave to others', () => {
  it('takes one approver or responder, who names exactly what is listed', () => {
    for (const by of [bob, carol]) {
      expect(judged([scene.takeBack(list, [thing], by)])).toMatchObject({
        ok: true,
        act: 'take_back',
        report_digest: digestOf(list),
        things: [{ digest: digestOf(thing), granted: thing }],
        persons: [{ person: by.id }],
      });
    }
  });

  it.each([
    ['by the principal who was killed', scene.takeBack(list, [thing], alice), 'not_entitled'],
    ['by an agent', scene.takeBack(list, [thing], robot), 'not_entitled'],
    ['by nobody known', scene.takeBack(list, [thing], mallory), 'unknown_person'],
    ['of another report', scene.takeBack(scene.listedEntry([]), [thing]), 'foreign_report'],
    ['of another ceremony', scene.takeBack(list, [thing], bob, { event_id: 'f'.repeat(16) }), 'foreign_event'],
    ['of another request', scene.takeBack(list, [thing], bob, { request_digest: 'f'.repeat(64) }), 'foreign_request'],
    ['under another policy', scene.takeBack(list, [thing], bob, { policy_digest: 'f'.repeat(64) }), 'foreign_policy'],
    ['that is over', scene.takeBack(list, [thing], bob, { not_after: instant(AT + 3000) }), 'stale'],
    ['from the future', scene.takeBack(list, [thing], bob, { issued_at: instant(AT + 600_000) }), 'not_yet_valid'],
    ['of what is not in the report', scene.takeBack(list, [{ ...thing, principal_id: ROLE }]), 'not_in_report'],
    ['that names a thing twice', scene.takeBack(list, [thing, thing]), 'malformed'],
    ['whose bytes were changed', { ...scene.takeBack(list, [thing]), payload: '{}' }, 'malformed'],
  ])('refuses a statement %s', (_, statement, code) => {
    expect(codeOf([statement])).toBe(code);
  });

  it.each([
    ['what nobody can name exactly', { ...thing, assignment_id: null }, 'not_removable'],
    ['what is no role', { ...thing, via: 'other' as const }, 'not_removable'],
    ['what was gone when it was listed', { ...thing, standing: false }, 'not_standing'],
    ['what was given after the end mark', { ...thing, at: instant(AT + 120_000) }, 'after_the_kill'],
  ])('refuses %s', (_, one, code) => {
    const statement = scene.takeBack(scene.listedEntry([one]), [one]);
    expect(codeOf([statement], {}, scene.listed([one]))).toBe(code);
  });

  it('refuses a report that its role did not sign, and one of another kind', () => {
    const statement = scene.takeBack(list, [thing]);
    expect(codeOf([statement], {}, scene.listed([thing], roleKeys.register))).toBe('report_refused');
    const disabled = scene.disabledEntry();
    expect(codeOf([scene.takeBack(disabled, [thing])], {}, scene.disabled())).toBe('report_refused');
  });

  it('refuses where nothing was killed, by what the intent counts as that', () => {
    const statement = [scene.takeBack(list, [thing])];
    expect(codeOf(statement, { mark: scene.mark({ cause: 'close' }) })).toBe('not_killed');
    expect(codeOf(statement, { mark: scene.mark({ cause: 'of a newer version' }) })).toBe('not_killed');
    const foreign = signReceipt({ ...list, type: 'end_mark', data: { cause: 'kill', by: 'bob' } }, roleKeys.register);
    expect(codeOf(statement, { mark: foreign })).toBe('not_killed');
    expect(codeOf(statement, { mark: null })).toBe('not_killed');
    const { on_kill: _, ...without } = intent;
    expect(codeOf(statement, { intent: without })).toBe('not_killed');
    const only = { ...intent, on_kill: { ...ON_KILL, triggers: ['timebox_expired' as const] } };
    expect(codeOf(statement, { intent: only })).toBe('not_killed');
  });

  it('counts a deadline as the end mark that it is', () => {
    const over = { mark: null, intent: { ...intent, deadline: instant(AT) } };
    expect(codeOf([scene.takeBack(list, [thing])], over)).toBe('ordered');
  });

  it('goes by the roster of whoever judges', () => {
    const people = roster.people.filter(({ id }) => id !== 'bob');
    expect(codeOf([scene.takeBack(list, [thing])], { roster: { ...roster, people } })).toBe('unknown_person');
  });
});

describe('enabling an account again', () => {
  const disabled = scene.disabledEntry();
  const both = [scene.restore(disabled, bob), scene.restore(disabled, carol)];
  const verdict = (statements: SignedStatement[], over: Over = {}, data = {}) =>
    codeOf(statements, over, scene.disabled(data));

  it('takes the whole quorum of the profile, each of whom says that nothing was compromised', () => {
    expect(verdict(both)).toBe('ordered');
    expect(judged(both, {}, scene.disabled())).toMatchObject({ persons: [{ person: 'bob' }, { person: 'carol' }] });
  });

  it('waits for those who are missing, and counts nobody twice', () => {
    const [first] = both;
    expect(judged([first!], {}, scene.disabled())).toMatchObject({
      code: 'quorum_not_met',
      waiting: { have: 1, want: 2 },
    });
    const again = scene.restore(disabled, bob, { reason: 'again' });
    expect(verdict([first!, again])).toBe('quorum_not_met');
    expect(verdict([first!, scene.restore(disabled, alice), scene.restore(disabled, robot)])).toBe('quorum_not_met');
    const rubbish = { payload: '{}', signature: 'x'.repeat(40) };
    expect(verdict([rubbish, ...both])).toBe('ordered');
  });

  it('refuses a statement that does not say so of the kill', () => {
    const silent = scene.signed(disabled, { act: 'restore_account' }, bob);
    expect(verdict([silent])).toBe('malformed');
  });

  it.each([
    [
      'the policy does not allow it',
      { intent: { ...intent, on_kill: { ...ON_KILL, restore_account: undefined } } },
      {},
    ],
    ['Reseal found it disabled', {}, { code: 'was_disabled_before', was_enabled: false }],
    ['the role refused to disable it', {}, { result: 'refused' }],
    ['the kill was for a compromise', { mark: scene.mark({ compromise: true }) }, {}],
    ['the verifier saw what nobody granted', { mark: scene.mark({ cause: 'unexpected_target', by: null }) }, {}],
    ['the workflow was lost, nobody knows why', { mark: scene.mark({ cause: 'workflow_lost', by: null }) }, {}],
    ['a kill was nobody’s', { mark: scene.mark({ by: null }) }, {}],
  ])('refuses where %s', (_, over, data) => {
    const said = [bob, carol].map((by) => scene.restore(scene.disabledEntry(data), by));
    const codes = ['restore_not_allowed', 'not_disabled_by_us', 'for_compromise'];
    expect(codes).toContain(codeOf(said, over as Over, scene.disabled(data)));
  });

  it('is open after a deadline, where the policy counts that as a kill', () => {
    expect(verdict(both, { mark: null, intent: { ...intent, deadline: instant(AT) } })).toBe('ordered');
  });
});
