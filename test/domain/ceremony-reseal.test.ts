import { describe, expect, it } from 'vitest';
import { commands, wake } from '../../domain/ceremony-commands.js';
import { lostCeremony, newCeremony } from '../../domain/ceremony-state.js';
import { step } from '../../domain/ceremony.js';
import { instant } from '../../domain/identifiers.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const { sam, MINUTE } = scene;

describe('a grant that answers after the kill', () => {
  const killed = () => run().toGranting().say(sam, 'kill');

  it('is rolled back again when the rollback had seen nothing', () => {
    const ceremony = killed().nothingSeen();
    expect(ceremony.wants()).toContain('check_absent');
    ceremony.granted();
    expect(ceremony.state.reseal).toMatchObject({ step: 'rolling_back', round: 2, grant: 'granted' });
    expect(ceremony.wants()).toContain('rollback');
  });

  it('is not ended by the check that was called off when it answered', () => {
    const ceremony = killed().nothingSeen().granted().absent();
    expect(ceremony.state).toMatchObject({ phase: 'resealing', ended_at: null });
    expect(ceremony.wants()).toContain('rollback');
    expect(ceremony.removed().absent().state.phase).toBe('revoked');
  });

  it('needs no settle window when it was refused after all', () => {
    const ceremony = killed().nothingSeen().applyRefused(true);
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: null });
  });

  it('keeps waiting for the dead-man when the refusal was not clean', () => {
    const ceremony = killed().nothingSeen().applyRefused(false);
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: instant(ceremony.deadline + 10 * MINUTE) });
  });

  it('was granted when it was seen, whatever the answer says', () => {
    const ceremony = killed().removed('gone').applyRefused(true);
    expect(ceremony.state.reseal).toMatchObject({ seen: true, grant: 'unanswered' });
    expect(ceremony.wants()).toContain('end_sessions');
    expect(ceremony.command('check_absent')).not.toMatchObject({ settle_until: null });
    expect(ceremony.absent().state.flags).toEqual(['sessions_open']);
  });
});

describe('a grant that reappears', () => {
  it('is removed again, as often as it appears, and its sessions are ended again', () => {
    const ceremony = run().toResealing().removed().sessionsEnded();
    for (const round of [2, 3, 4]) {
      ceremony.present();
      expect(ceremony.state.flags).toContain('reappeared');
      expect(ceremony.command('rollback')?.key).toBe(`rollback/${round}`);
      ceremony.removed();
      expect(ceremony.wants()).toContain('end_sessions');
      ceremony.sessionsEnded();
    }
    expect(ceremony.absent().state).toMatchObject({ phase: 'closed', reseal: { round: 4 } });
  });

  it('needs the provider’s word once more: the first was not about this one', () => {
    const ceremony = run().toResealing().removed();
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: null });
    ceremony.present().nothingSeen();
    expect(ceremony.command('check_absent')).toMatchObject({ settle_until: expect.any(String) as string });
  });

  it('was a grant after all when the rollback found what the provider had refused', () => {
    const ceremony = run().toGranting().applyRefused(true).removed('gone');
    expect(ceremony.wants()).toContain('end_sessions');
    expect(ceremony.absent().state).toMatchObject({ flags: ['sessions_open'], audit: 'pending' });
  });

  it('was a grant after all when the provider had refused it', () => {
    const ceremony = run().toGranting().applyRefused(true).nothingSeen().present().removed();
    expect(ceremony.wants()).toContain('end_sessions');
    expect(ceremony.absent().state.flags).toContain('sessions_open');
  });
});

describe('the floor', () => {
  it('waits until it is over, says so, and removes again', () => {
    const ceremony = run()
      .toActive()
      .after(MINUTE)
      .say(sam, 'kill')
      .tooShort(4 * MINUTE);
    expect(ceremony.state.flags).toEqual(['standing_until_floor']);
    expect(ceremony.wants()).not.toContain('rollback');
    expect(wake(ceremony.state)).toBe(ceremony.now + 4 * MINUTE);
    expect(ceremony.after(4 * MINUTE - 1).wants()).not.toContain('rollback');
    expect(ceremony.after(1).command('rollback')?.key).toBe('rollback/2');
    expect(ceremony.state.flags).toEqual([]);
    expect(ceremony.removed().absent().state.phase).toBe('revoked');
  });
});

describe('a rollback that takes long', () => {
  it('is overdue after five minutes, is told once, and goes on', () => {
    const ceremony = run().toResealing();
    const due = ceremony.now + 5 * MINUTE;
    expect(wake(ceremony.state)).toBe(due);
    expect(ceremony.after(5 * MINUTE - 1).state.flags).toEqual([]);
    expect(ceremony.after(1).state.flags).toEqual(['rollback_overdue']);
    expect(ceremony.wants()).toEqual(['rollback', 'mark', 'append']);
    expect(wake(ceremony.state)).toBeUndefined();
    expect(ceremony.after(60 * MINUTE).wants()).toContain('rollback');
    expect(ceremony.state.outbox.filter(({ transition }) => transition === 'overdue')).toHaveLength(1);
    expect(ceremony.removed().absent().state).toMatchObject({ phase: 'closed', flags: ['sessions_open'] });
  });

  it('is not overdue during the floor', () => {
    const ceremony = run()
      .toActive()
      .say(sam, 'kill')
      .tooShort(8 * MINUTE)
      .after(8 * MINUTE);
    expect(ceremony.state.flags).toEqual([]);
    expect(wake(ceremony.state)).toBe(ceremony.now + 5 * MINUTE);
    expect(ceremony.after(5 * MINUTE).state.flags).toEqual(['rollback_overdue']);
  });

  it('is not overdue during the settle window', () => {
    const ceremony = run().toGranting().say(sam, 'kill').nothingSeen();
    const settled = ceremony.deadline + 10 * MINUTE;
    expect(wake(ceremony.state)).toBe(settled + 5 * MINUTE);
    expect(ceremony.after(settled + 5 * MINUTE - 1 - ceremony.now).state.flags).toEqual([]);
    expect(ceremony.after(1).state.flags).toEqual(['rollback_overdue']);
  });
});

describe('a ceremony whose workflow is gone', () => {
  const lost = (now: number) => {
    const blank = newCeremony(scene.EVENT, scene.envelopeOf('request'), now);
    const state = lostCeremony(blank, null, scene.intentUntil(scene.T0 + 40 * MINUTE));
    return step(state, { type: 'workflow_lost', receipt: scene.receipt('intent') }, now);
  };

  it('is resealed from the intent alone, as if granted', () => {
    const state = lost(scene.T0 + MINUTE);
    expect(state).toMatchObject({ phase: 'resealing', flags: ['workflow_lost'], ending: { cause: 'workflow_lost' } });
    expect(commands(state).map(({ do: what }) => what)).toEqual(['rollback', 'mark']);
  });

  it('has expired when it is found after its deadline', () => {
    expect(lost(scene.T0 + 50 * MINUTE).ending?.cause).toBe('deadline');
  });

  it('still says at the end that it was lost', () => {
    const ceremony = run();
    ceremony.state = lost(ceremony.now);
    expect(ceremony.wrapUp().state).toMatchObject({ phase: 'revoked', flags: ['workflow_lost'] });
  });
});

describe('a removal that an order began while it was still under check', () => {
  const removed = {
    type: 'rolled_back' as const,
    round: 1,
    outcome: {
      outcome: 'removed' as const,
      word: 'revoked' as const,
      at: instant(scene.T0),
      receipt: scene.receipt('removal/1'),
    },
  };

  it('counts as the first one, once the order is heard', () => {
    const ceremony = run()
      .toActive()
      .say(sam, 'kill')
      .tell({ ...removed, ordered: instant(scene.T0) });
    expect(ceremony.state).toMatchObject({ phase: 'resealing', ending: { cause: 'kill', by: sam.id } });
    expect(ceremony.state.reseal).toMatchObject({ step: 'checking', round: 1, seen: true, word: 'revoked' });
    // It was asked for when the order came, not when it was heard.
    expect(ceremony.state.reseal?.requested_at).toBe(instant(scene.T0));
  });

  it('ends a ceremony whose own check did not find the order good: the grant is gone', () => {
    const ceremony = run()
      .toActive()
      .tell({ ...removed, ordered: instant(scene.T0) });
    expect(ceremony.state).toMatchObject({ phase: 'resealing', mark: 'pending', ending: { cause: 'kill', by: null } });
    expect(ceremony.state.reseal).toMatchObject({ step: 'checking', word: 'revoked' });
  });

  it('is nothing where nobody ordered it: an answer that comes for no reason changes nothing', () => {
    const { state } = run().toActive();
    expect(step(state, removed, scene.T0)).toEqual(state);
  });
});
