import { describe, expect, it } from 'vitest';
import { lastApproval, type Unchecked } from '../../domain/last-approval.js';
import { CeremonyRun } from './ceremony-run.js';
import * as scene from './scene.js';

const unchecked = (signal: Unchecked['signal'], text = 'carol approve'): Unchecked => ({
  signal,
  envelope: scene.envelopeOf(text),
});
const CAROLS = unchecked('approve');

const waiting = (): CeremonyRun => new CeremonyRun().admit().survey().say(scene.bob, 'approve');
const found = ({ state, now }: CeremonyRun, underCheck: readonly Unchecked[] = [CAROLS]) =>
  lastApproval(state, underCheck, now);

describe('the approval under check that may complete the quorum', () => {
  it('is the one that is missing', () => {
    expect(found(waiting())).toBe(CAROLS.envelope);
  });

  it('is none before anybody else has approved', () => {
    expect(found(new CeremonyRun().admit().survey())).toBeUndefined();
  });

  it('is none before the target is surveyed, or the request admitted', () => {
    expect(found(new CeremonyRun().admit().say(scene.bob, 'approve'))).toBeUndefined();
    expect(found(new CeremonyRun())).toBeUndefined();
  });

  it.each(['deny', 'withdraw', 'close', 'kill', 'extend'] as const)('is no %s', (act) => {
    expect(found(waiting(), [unchecked(act)])).toBeUndefined();
  });

  it('is none beside another statement, whatever that says', () => {
    expect(found(waiting(), [CAROLS, unchecked('approve', 'dave approve')])).toBeUndefined();
    expect(found(waiting(), [unchecked('deny'), CAROLS])).toBeUndefined();
    expect(found(waiting(), [])).toBeUndefined();
  });

  it('is not one that counts already', () => {
    const run = waiting();
    const counted = run.state.approvals.map(({ envelope }): Unchecked => ({ signal: 'approve', envelope }));
    expect(counted).toHaveLength(1);
    expect(found(run, counted)).toBeUndefined();
  });

  it('is none once somebody withdrew: what was withdrawn may be the one that comes again', () => {
    const run = waiting().after(scene.SECOND).say(scene.dave, 'approve').after(scene.SECOND);
    const withdrawn = new CeremonyRun().admit().survey().say(scene.bob, 'approve').after(scene.SECOND);
    withdrawn.say(scene.bob, 'withdraw').after(scene.SECOND).say(scene.dave, 'approve');
    expect(run.state.phase).toBe('issuing');
    expect(withdrawn.state.approvals).toHaveLength(1);
    expect(found(withdrawn)).toBeUndefined();
  });

  it('is none once a statement was refused', () => {
    const run = waiting().say(scene.zed, 'approve');
    expect(run.state.refusals).toBe(1);
    expect(found(run)).toBeUndefined();
  });

  it('is none once the ceremony is being issued or has ended', () => {
    expect(found(waiting().say(scene.carol, 'approve'))).toBeUndefined();
    expect(found(waiting().say(scene.bob, 'deny'))).toBeUndefined();
    expect(found(waiting().after(scene.HOUR))).toBeUndefined();
  });
});
