import { describe, expect, it } from 'vitest';
import { commands, isFinished } from '../../domain/ceremony-commands.js';
import { isEnd } from '../../domain/ceremony-state.js';
import { triggerOf } from '../../domain/kill-actions.js';
import { instant } from '../../domain/identifiers.js';
import type { IntentOf } from '../../domain/intent.js';
import type { KillOutcome } from '../../domain/kill-state.js';
import { viewOf } from '../../domain/view.js';
import { run, type CeremonyRun } from './ceremony-run.js';
import * as scene from './scene.js';

/** A ceremony whose intent says what a kill does. */
function active(over: Partial<IntentOf<'entra.directory_role'>> = {}): CeremonyRun {
  const ceremony = run().toIssuing();
  ceremony.issue(false, { signed: scene.intentUntil(ceremony.deadline, { on_kill: scene.ON_KILL, ...over }) });
  return ceremony.granted().verified();
}

const wanted = ({ state }: CeremonyRun): string[] =>
  commands(state).flatMap(({ do: what, key }) => (what === 'kill_action' ? [key] : []));

function acted(ceremony: CeremonyRun, key: string, over: Partial<KillOutcome> = {}): CeremonyRun {
  const outcome = {
    result: 'done' as const,
    code: null,
    at: instant(ceremony.now),
    receipt: scene.receipt(key),
    ...over,
  };
  return ceremony.tell({ type: 'kill_acted', key: `kill/${key}`, outcome });
}

describe('what a kill calls for', () => {
  it('is under way at once, beside the rollback', () => {
    const ceremony = active().say(scene.sam, 'kill');
    expect(ceremony.wants()).toContain('rollback');
    expect(wanted(ceremony)).toEqual([
      'kill/disable_account',
      'kill/rotate/0',
      'kill/rotate/1',
      'kill/report_granted',
      'kill/report_granted/settled',
    ]);
    expect(ceremony.state.flags).toContain('actions_pending');
  });

  it('ends the sessions by itself only where the reseal does not', () => {
    expect(wanted(active({ end_sessions: false }).say(scene.sam, 'kill'))).toContain('kill/end_sessions');
    const ceremony = acted(active({ end_sessions: false }).say(scene.sam, 'kill'), 'end_sessions');
    expect(viewOf(ceremony.state).sessions_ended_at).toBe(instant(ceremony.now));
  });

  it('tells each runtime that the policy names to halt its jobs, and again where nobody signed that it was told', () => {
    const on_kill = { ...scene.ON_KILL, halt_job: ['runner', 'agents'] };
    const ceremony = active({ on_kill }).say(scene.sam, 'kill');
    expect(wanted(ceremony).slice(0, 2)).toEqual(['kill/halt_job/0', 'kill/halt_job/1']);
    const actions = viewOf(ceremony.state).kill?.actions ?? [];
    expect(actions.slice(0, 2)).toMatchObject([{ target: 'runner' }, { target: 'agents' }]);
    acted(acted(ceremony, 'halt_job/0'), 'halt_job/1', { result: 'refused', code: 'runtime_gone' });
    expect(wanted(ceremony)).not.toContain('kill/halt_job/0');
    ceremony.tell({ type: 'appended', transitions: [], refused: ['job_halted/0'] });
    expect(wanted(ceremony)).toContain('kill/halt_job/0');
    expect(wanted(ceremony)).not.toContain('kill/halt_job/1');
  });

  it('is done again where no role signed that it was done', () => {
    const ceremony = active({ end_sessions: false }).say(scene.sam, 'kill').removed().absent();
    const keys = [
      'disable_account',
      'end_sessions',
      'rotate/0',
      'rotate/1',
      'report_granted',
      'report_granted/settled',
    ];
    for (const key of keys) acted(ceremony, key);
    expect(wanted(ceremony)).toEqual([]);
    const refused = ['account_disabled', 'sessions_ended', 'rotate/1', 'granted_listed', 'granted_listed/settled'];
    ceremony.tell({
      type: 'appended',
      transitions: ceremony.state.outbox.map(({ transition }) => transition),
      refused,
    });
    expect(wanted(ceremony)).toEqual(keys.filter((key) => key !== 'rotate/0').map((key) => `kill/${key}`));
    expect(ceremony.state.flags).toContain('actions_pending');
    for (const key of keys) acted(ceremony, key);
    expect(ceremony.state.flags).not.toContain('actions_pending');
  });

  it('never holds up the end, and goes on after it until it is done', () => {
    const ceremony = active().say(scene.sam, 'kill').removed().absent();
    expect(ceremony.state.phase).toBe('revoked');
    expect(ceremony.state.flags).toContain('actions_pending');
    expect(wanted(ceremony)).toHaveLength(5);
    for (const key of ['disable_account', 'rotate/0', 'rotate/1', 'report_granted']) acted(ceremony, key);
    expect(ceremony.state.flags).toContain('actions_pending');
    acted(ceremony, 'report_granted/settled');
    expect(ceremony.state.flags).not.toContain('actions_pending');
    expect(wanted(ceremony)).toEqual([]);
    ceremony.sessionsEnded().marked().audited().append();
    expect(isFinished(ceremony.state)).toBe(true);
  });

  it('keeps the workflow open for an action that is not done yet', () => {
    const ceremony = active().say(scene.sam, 'kill').removed().absent().sessionsEnded().marked().audited().append();
    expect(isEnd(ceremony.state.phase)).toBe(true);
    expect(isFinished(ceremony.state)).toBe(false);
  });

  it('takes each answer once, and puts its receipt into the ledger', () => {
    const ceremony = acted(active().say(scene.sam, 'kill'), 'rotate/0', {
      result: 'refused',
      code: 'protected_target',
    });
    acted(ceremony, 'rotate/0');
    acted(ceremony, 'rotate/7');
    const shown = viewOf(ceremony.state).kill;
    expect(shown?.actions.find(({ key }) => key === 'rotate/0')).toMatchObject({
      result: 'refused',
      code: 'protected_target',
    });
    expect(ceremony.state.outbox.filter(({ transition }) => transition === 'rotate/0')).toHaveLength(1);
  });

  it.each([
    ['a close', (ceremony: CeremonyRun) => ceremony.say(scene.alice, 'close'), null],
    ['a deadline', (ceremony: CeremonyRun) => ceremony.after(2 * scene.HOUR), 'timebox_expired'],
    ['a deny', (ceremony: CeremonyRun) => ceremony.say(scene.bob, 'deny'), 'approval_revoked'],
    ['a cancel', (ceremony: CeremonyRun) => ceremony.tell({ type: 'cancel_requested' }), 'operator_statement'],
  ] as [string, (ceremony: CeremonyRun) => CeremonyRun, string | null][])(
    'is triggered or not by %s',
    (_, end, trigger) => {
      expect(end(active()).state.kill?.trigger ?? null).toBe(trigger);
    },
  );

  it('is triggered only by what the policy names', () => {
    const on_kill = { ...scene.ON_KILL, triggers: ['unexpected_target_detected' as const] };
    expect(active({ on_kill }).say(scene.sam, 'kill').state.kill).toBeUndefined();
    expect(triggerOf('unexpected_target')).toBe('unexpected_target_detected');
    expect(triggerOf('not_issued')).toBeNull();
  });

  it('is nothing where nothing was ever granted', () => {
    const ceremony = run().toIssuing().say(scene.sam, 'kill');
    ceremony.issue(false, { signed: scene.intentUntil(ceremony.deadline, { on_kill: scene.ON_KILL }) });
    expect(ceremony.state.phase).toBe('resealing');
    expect(ceremony.state.kill).toBeUndefined();
    // It stood after all.
    ceremony.present();
    expect(ceremony.state.kill?.trigger).toBe('operator_statement');
  });

  it('is owed no more once the intent turns out to be nobody’s', () => {
    const ceremony = active().say(scene.sam, 'kill').notAuthentic().marked(null);
    expect(isEnd(ceremony.state.phase)).toBe(true);
    expect(wanted(ceremony)).toEqual([]);
    expect(ceremony.state.flags).not.toContain('actions_pending');
  });

  it('leaves a ceremony whose policy says nothing of it as it was', () => {
    const { state } = run().toActive().say(scene.sam, 'kill');
    expect(Object.keys(state)).not.toContain('kill');
    expect(Object.keys(viewOf(state))).not.toContain('kill');
  });
});
