import { describe, expect, it } from 'vitest';
import { contractActionsOf, onKillOf, onKillPolicySchema, onKillSchema } from '../../domain/on-kill.js';
import { policySchema, termsOf } from '../../domain/policy.js';
import { contractInput, policyInput } from '../support/contract-signers.js';
import * as scene from './scene.js';

type Over = Record<string, unknown>;
const APPLICATION = 'a9900000-0000-4000-8000-000000000001';
const secret = { kind: 'application_secret', application_id: APPLICATION, sink: 'vault' };
const password = { kind: 'user_password', user_id: 'principal', sink: 'vault' };
const messages = (onKill: Over): string[] =>
  onKillPolicySchema.safeParse(onKill).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('on_kill of a profile', () => {
  it('is resolved into an intent: every id, every trigger, nothing left open', () => {
    const parsed = onKillPolicySchema.parse({ rotate: [secret, password], disable_account: true });
    const resolved = onKillOf(parsed, scene.PRINCIPAL);
    expect(resolved).toEqual({
      triggers: ['operator_statement', 'approval_revoked', 'unexpected_target_detected', 'timebox_expired'],
      end_sessions: false,
      report_granted: false,
      rotate: [secret, { ...password, user_id: scene.PRINCIPAL }],
      disable_account: true,
    });
    expect(onKillSchema.parse(resolved)).toEqual(resolved);
    const named = onKillPolicySchema.parse({ rotate: [password, { ...password, user_id: scene.PRINCIPAL }] });
    expect(onKillOf(named, scene.PRINCIPAL).rotate).toHaveLength(1);
  });

  it.each([
    ['nothing at all', {}, /says nothing to do/],
    ['nothing that is done', { end_sessions: false, disable_account: false }, /says nothing to do/],
    ['no trigger', { end_sessions: true, triggers: [] }, /triggers/],
    ['a trigger twice', { end_sessions: true, triggers: ['timebox_expired', 'timebox_expired'] }, /twice/],
    ['an unknown trigger', { end_sessions: true, triggers: ['boredom'] }, /triggers\.0/],
    ['an application twice', { rotate: [secret, secret] }, /rotate\.1: .* once, not twice/],
    ['a client id that is no id', { rotate: [{ ...secret, application_id: 'my-app' }] }, /expected a GUID/],
    ['a secret without a sink', { rotate: [{ kind: 'application_secret', application_id: APPLICATION }] }, /sink/],
    ['a path for a sink', { rotate: [{ ...secret, sink: '../etc' }] }, /name of a sink/],
    ['a runtime twice', { halt_job: ['runner', 'runner'] }, /halt_job: names a runtime twice/],
    ['no runtime', { halt_job: [] }, /halt_job/],
    ['an address for a runtime', { halt_job: ['https://runner.example'] }, /name of a job runtime/],
    ['an unknown member', { end_sessions: true, delete_account: true }, /delete_account/],
  ] as [string, Over, RegExp][])('refuses %s', (_name, onKill, expected) => {
    expect(messages(onKill).join('\n')).toMatch(expected);
  });

  it('names runtimes of jobs in the intent as the policy does, and says nothing of them where it does not', () => {
    const halting = onKillPolicySchema.parse({ halt_job: ['runner'] });
    expect(onKillSchema.parse(onKillOf(halting, scene.PRINCIPAL)).halt_job).toEqual(['runner']);
    expect(contractActionsOf(halting)).toEqual(['halt_job']);
    expect(Object.keys(onKillOf(onKillPolicySchema.parse({ end_sessions: true }), scene.PRINCIPAL))).not.toContain(
      'halt_job',
    );
    // A contract may say it for `reseal exec` alone, which no profile has to name.
    expect(policySchema.safeParse(withOnKill({ halt_job: ['runner'] }, [])).success).toBe(true);
    const contract = contractInput({
      kill_switch: { ...(contractInput()['kill_switch'] as Over), on_trigger: ['revoke_warrant', 'reseal'] },
    });
    const silent = { ...withOnKill({ halt_job: ['runner'] }, []), contract };
    expect(policySchema.safeParse(silent).error?.issues[0]?.message).toMatch(/^halt_job is missing: the on_kill/);
  });

  it('reaches the terms of its profile alone, and is absent where nothing is said', () => {
    const policy = policySchema.parse(withOnKill({ end_sessions: true }, ['end_sessions']));
    const [name = ''] = Object.keys(policy.profiles);
    expect(termsOf(policy, name)?.on_kill).toEqual({ end_sessions: true });
    const plain = policySchema.parse(policyInput());
    expect(Object.keys(termsOf(plain, name) ?? {})).not.toContain('on_kill');
    expect(Object.keys(plain.profiles[name] ?? {})).not.toContain('on_kill');
  });
});

/** A policy whose every profile does this on a kill, and whose contract says so. */
function withOnKill(on_kill: Over, actions: readonly string[]): Over {
  const kill = contractInput()['kill_switch'] as { on_trigger: string[] };
  const on_trigger = [...kill.on_trigger, ...actions];
  const policy = policyInput(contractInput({ kill_switch: { ...kill, on_trigger } }));
  const profiles = Object.entries(policy['profiles'] as Record<string, Over>);
  return {
    ...policy,
    profiles: Object.fromEntries(profiles.map(([name, profile]) => [name, { ...profile, on_kill }])),
  };
}

describe('the contract over it', () => {
  const faults = (onKill: Over, actions: readonly string[]): string[] =>
    policySchema.safeParse(withOnKill(onKill, actions)).error?.issues.map(({ message }) => message) ?? [];

  it('names every action by its own word', () => {
    const all = { end_sessions: true, report_granted: true, rotate: [secret], disable_account: true };
    const words = contractActionsOf(onKillPolicySchema.parse(all));
    expect(words).toEqual(['end_sessions', 'report_granted', 'rotate_credentials', 'disable_account']);
    expect(faults(all, words)).toEqual([]);
  });

  it('refuses an action that it does not list, and one that it lists and nobody does', () => {
    expect(faults({ rotate: [secret] }, [])).toEqual([
      expect.stringMatching(/rotate_credentials is missing: the on_kill/),
    ]);
    expect(faults({ end_sessions: true }, ['end_sessions', 'disable_account'])).toEqual([
      expect.stringMatching(/disable_account: the on_kill of no profile does it/),
    ]);
  });
});
