import { describe, expect, it } from 'vitest';

import type { Delivered } from '../../domain/delivery.js';
import { instant } from '../../domain/identifiers.js';
import { lastApproval } from '../../domain/last-approval.js';
import { CeremonyRun } from './ceremony-run.js';
import * as scene from './scene.js';

const { bob, carol, dave, sam, MINUTE, SECOND } = scene;
const approvals = { ...scene.TERMS.approvals, delivery: { required: true as const } };

const delivered = (people: string[], atMs: number, over: Partial<Delivered> = {}): Delivered => ({
  receipt: scene.receipt(`delivered/${people.join('-')}/${atMs}`),
  people,
  at: instant(atMs),
  request_digest: scene.REQUEST_DIGEST,
  round: 1,
  extension_digest: null,
  ...over,
});

/** A ceremony whose policy wants receipts: the request was admitted and looked at. */
const asked = (): CeremonyRun =>
  new CeremonyRun({ terms: { ...scene.TERMS, approvals } }).admit().survey().after(MINUTE);
/** The register answers for everything that waits. */
const answer = (run: CeremonyRun, ...deliveries: Delivered[]): CeremonyRun =>
  run.tell({ type: 'delivered', digests: (run.state.held ?? []).map(({ checked }) => checked.digest), deliveries });

describe('an approval under a policy that wants delivery receipts', () => {
  it('waits for the register, counts with a receipt, and carries it', () => {
    const run = asked().say(bob, 'approve', 'b');
    expect(run.answerTo(bob, 'approve', 'b')).toBeUndefined();
    expect(run.state.approvals).toEqual([]);
    expect(run.wants()).toContain('deliveries');
    const known = delivered(['bob', 'carol'], scene.T0);
    answer(run, known);
    expect(run.answerTo(bob, 'approve', 'b')).toBe('accepted');
    expect(run.state.approvals).toMatchObject([{ person: { id: 'bob' }, delivery: known.receipt }]);
    expect(run.wants()).not.toContain('deliveries');
  });

  it('counts at once where the receipt is known already: the last approval waits for nobody', () => {
    const run = answer(asked().say(bob, 'approve', 'b'), delivered(['bob', 'carol'], scene.T0));
    run.say(carol, 'approve', 'c');
    expect(run.answerTo(carol, 'approve', 'c')).toBe('accepted');
    expect(run.state.phase).toBe('issuing');
  });

  it.each<[string, Delivered[]]>([
    ['there is none', []],
    ['it says a moment after they signed', [delivered(['bob'], scene.T0 + MINUTE + 1)]],
    ['it names somebody else', [delivered(['carol'], scene.T0)]],
    ['it is of another request', [delivered(['bob'], scene.T0, { request_digest: 'f'.repeat(64) })]],
    ['it is of an extension', [delivered(['bob'], scene.T0, { round: 2, extension_digest: 'f'.repeat(64) })]],
  ])('does not count where %s, and may be given again', (_, receipts) => {
    const run = answer(asked().say(bob, 'approve', 'b'), ...receipts);
    expect(run.answerTo(bob, 'approve', 'b')).toBe('not_delivered');
    expect(run.state.approvals).toEqual([]);
    run.after(MINUTE).say(bob, 'approve', 'again');
    answer(run, delivered(['bob'], run.now));
    expect(run.answerTo(bob, 'approve', 'again')).toBe('accepted');
  });

  it('answers only for what was asked about: another that came meanwhile is asked about next', () => {
    const run = asked().say(bob, 'approve', 'b');
    const before = run.command('deliveries')?.key;
    const digests = (run.state.held ?? []).map(({ checked }) => checked.digest);
    run.say(dave, 'approve', 'd');
    expect(run.command('deliveries')?.key).toBe(before);
    run.tell({ type: 'delivered', digests, deliveries: [] });
    expect(run.answerTo(dave, 'approve', 'd')).toBeUndefined();
    expect(run.command('deliveries')?.key).not.toBe(before);
    answer(run, delivered(['dave'], scene.T0));
    expect(run.answerTo(dave, 'approve', 'd')).toBe('accepted');
  });

  it('is held once a person, so that nobody fills the state', () => {
    const run = asked().say(bob, 'approve', 'one').say(bob, 'approve', 'one').say(bob, 'approve', 'two');
    expect(run.state.held).toHaveLength(1);
    expect(run.answerTo(bob, 'approve', 'two')).toBe('already_approved');
  });

  it('is taken back by its author before it was counted', () => {
    const run = asked().say(bob, 'approve', 'b').after(SECOND).say(bob, 'withdraw', 'w');
    expect(run.answerTo(bob, 'withdraw', 'w')).toBe('accepted');
    expect(run.state.held).toBeUndefined();
    expect(run.state.phase).toBe('awaiting_approval');
    answer(run, delivered(['bob'], scene.T0));
    expect(run.state.approvals).toEqual([]);
  });

  it('holds up no kill, and is answered when the ceremony is over', () => {
    const run = asked().say(bob, 'approve', 'b').after(SECOND);
    const at = run.now - SECOND;
    run.say(sam, 'kill');
    expect(run.state.phase).toBe('cancelled');
    const { digest } = scene.verified(bob, 'approve', at, {}, 'b');
    expect(run.state.verdicts.find((verdict) => verdict.digest === digest)).toMatchObject({ reason: 'wrong_state' });
    expect(run.state.held).toBeUndefined();
    expect(run.wants()).not.toContain('deliveries');
  });

  it('is judged early by the authority only where the receipts that it would be shown name its person', () => {
    const run = answer(asked().say(bob, 'approve', 'b'), delivered(['bob', 'carol'], scene.T0));
    const from = (person: string, at = run.now) => {
      const payload = JSON.stringify(scene.statementOf(person, 'approve', at));
      const envelope = { payload, signature: 's'.repeat(40) };
      return lastApproval(run.state, [{ signal: 'approve', envelope }], run.now) === envelope;
    };
    expect(from('carol')).toBe(true);
    expect(from('dave')).toBe(false);
    expect(from('carol', scene.T0 - 1)).toBe(false);
    const garbled = [{ signal: 'approve' as const, envelope: scene.envelopeOf('carol') }];
    expect(lastApproval(run.state, garbled, run.now)).toBeUndefined();
  });

  it('does not wait where the policy wants no receipts', () => {
    const run = new CeremonyRun().admit().survey().say(bob, 'approve', 'b');
    expect(run.answerTo(bob, 'approve', 'b')).toBe('accepted');
    expect(run.state).not.toHaveProperty('held');
    expect(run.state.approvals[0]).not.toHaveProperty('delivery');
  });
});
