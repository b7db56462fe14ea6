import { describe, expect, it } from 'vitest';
import { isFinished, wake } from '../../domain/ceremony-commands.js';
import { instant } from '../../domain/identifiers.js';
import { viewOf } from '../../domain/view.js';
import { run, type CeremonyRun } from './ceremony-run.js';
import * as scene from './scene.js';

const { sam, MINUTE } = scene;

/** What `issue` was answered with was forged: the effect refuses to act on it. */
const refused = (): CeremonyRun => run().toGranting().applyRefused(true);
const standing = scene.intentUntil(scene.T0 + 35 * MINUTE);

describe('an intent that is not the authority’s', () => {
  it('is asked about once an effect has said so, and not before', () => {
    const ceremony = refused().marked(null);
    expect(ceremony.state).toMatchObject({ phase: 'resealing', mark: 'standing' });
    expect(ceremony.wants()).toEqual(['rollback']);
    ceremony.notAuthentic();
    expect(ceremony.wants()).toEqual(['mark']);
    expect(ceremony.command('mark')?.key).toBe('mark/1');
  });

  it('is asked about when the verifier says so of a reseal that had nothing to remove', () => {
    const ceremony = run().toIssuing().say(sam, 'kill').issue();
    expect(ceremony.wants()).toEqual(['check_absent', 'mark']);
    expect(ceremony.notAuthentic().marked(null).state).toMatchObject({ phase: 'cancelled', ending: { cause: 'kill' } });
  });

  it('goes on being late while nobody answers', () => {
    const ceremony = refused().notAuthentic();
    expect(wake(ceremony.state)).toBe(scene.T0 + 5 * MINUTE);
    expect(ceremony.after(5 * MINUTE).state.flags).toContain('rollback_overdue');
  });

  it('hears an answer of the round before, and one that came too late, as nothing', () => {
    const ceremony = refused();
    ceremony.tell({ type: 'rolled_back', round: 7, outcome: { outcome: 'not_authentic', at: instant(ceremony.now) } });
    expect(ceremony.wants()).toEqual(['rollback', 'mark']);
    ceremony.nothingSeen();
    ceremony.tell({ type: 'rolled_back', round: 1, outcome: { outcome: 'not_authentic', at: instant(ceremony.now) } });
    expect(ceremony.state.reseal).toMatchObject({ step: 'checking' });
  });
});

describe('when the authority says that none stands', () => {
  it('ends as one to which no intent was ever issued, and tells why', () => {
    const ceremony = refused().notAuthentic().marked(null);
    expect(ceremony.state).toMatchObject({
      phase: 'cancelled',
      signed: null,
      reseal: null,
      audit: 'none',
      mark: 'standing',
      ending: { cause: 'not_issued' },
      refusal: { code: 'RoleNotFound' },
    });
    expect(ceremony.state.outbox.map(({ transition }) => transition)).not.toContain('intent');
    expect(viewOf(ceremony.state)).toMatchObject({ status: null, expires_at: null });
    expect(isFinished(ceremony.append().state)).toBe(true);
  });

  it('keeps the cause that ended it', () => {
    const ceremony = run().toGranting().say(sam, 'kill').notAuthentic().marked(null);
    expect(ceremony.state).toMatchObject({ phase: 'cancelled', ending: { cause: 'kill', by: 'sam' } });
    expect(ceremony.state.refusal).toMatchObject({ code: 'intent_not_authentic' });
  });

  it('is not believed of an intent that an effect acts on', () => {
    const ceremony = run().toActive().say(sam, 'kill').marked(null);
    expect(ceremony.state).toMatchObject({ phase: 'resealing', mark: 'standing' });
    expect(ceremony.removed().absent().state.phase).toBe('revoked');
  });
});

describe('when the authority says that another stands', () => {
  const taken = (): CeremonyRun => refused().notAuthentic().marked(standing);

  it('removes what it may have granted, and waits for its dead-man', () => {
    const ceremony = taken();
    expect(ceremony.state.signed).toEqual(standing);
    expect(ceremony.state.reseal).toMatchObject({ signed: standing, round: 2, grant: 'unanswered' });
    expect(ceremony.command('rollback')?.key).toBe('rollback/2');
    expect(ceremony.nothingSeen().command('check_absent')).toMatchObject({ settle_until: standing.intent.dead_man });
    expect(ceremony.absent().state.phase).toBe('not_granted');
  });

  it('was granted, if it is seen', () => {
    expect(taken().removed().absent().state.phase).toBe('revoked');
  });

  it('tells the ledger of the one that stands, once', () => {
    const waiting = taken().state.outbox.filter(({ transition }) => transition === 'intent');
    expect(waiting).toEqual([{ transition: 'intent', envelope: scene.receipt('intent').envelope }]);
    expect(refused().append().notAuthentic().marked(standing).state.outbox).toEqual(
      expect.arrayContaining(waiting) as unknown,
    );
  });
});

describe('when the authority says that this very one stands', () => {
  it('goes on with it: the effect does not know a key of the authority’s yet', () => {
    const ceremony = run().toActive().say(sam, 'kill').notAuthentic().marked();
    expect(ceremony.state.reseal).toMatchObject({ step: 'rolling_back', round: 2, grant: 'granted', seen: true });
    expect(ceremony.removed().absent().state.phase).toBe('revoked');
  });

  it('asks again, in every round', () => {
    const ceremony = run().toActive().say(sam, 'kill');
    for (const round of [1, 2, 3]) {
      expect(ceremony.command('rollback')?.key).toBe(`rollback/${round}`);
      ceremony.notAuthentic().marked();
    }
  });
});
