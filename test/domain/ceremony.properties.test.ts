import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinished } from '../../domain/ceremony-commands.js';
import { ENDS, PHASES, isEnd } from '../../domain/ceremony-state.js';
import { SIGNAL_ACTS } from '../../domain/statement.js';
import type { StatementRefusal } from '../../domain/verdict.js';
import { ASKED } from './ceremony-answers.js';
import { Performance, reached } from './ceremony-performance.js';
import { plan } from './ceremony-plans.js';
import * as scene from './scene.js';

const RUNS = 10_000;

describe('the ceremony machine, whatever order messages come in', () => {
  it(`keeps every invariant at every step of ${RUNS.toLocaleString('en')} generated orders, and always ends`, () => {
    fc.assert(
      fc.property(plan, (chosen) => {
        const show = new Performance(chosen);
        if (!chosen.lost) show.takeTo(chosen.head, chosen.expired);
        for (const next of chosen.moves) show.make(next);
        show.bringToEnd();
        if (!isFinished(show.state)) throw new Error(`never ends: stuck in ${show.state.phase}`);
        if (show.state.signed !== null && show.state.reseal?.step !== 'confirmed') throw new Error('not resealed');
      }),
      {
        numRuns: RUNS,
        endOnFailure: process.env.SHRINK !== 'yes',
        interruptAfterTimeLimit: 240_000,
        markInterruptAsFailure: true,
      },
    );
    // The generator is no use unless it gets everywhere.
    expect([...reached.phases].sort()).toEqual([...PHASES, ...ENDS].sort());
    expect([...reached.asked].sort()).toEqual([...ASKED].sort());
    expect([...reached.renewals]).toEqual(expect.arrayContaining([0, 1, 2]));
    expect([...reached.verdicts]).toEqual(expect.arrayContaining(SIGNAL_ACTS.map((spoken) => `${spoken} accepted`)));
    const rules: StatementRefusal[] = ['name_disagrees', 'foreign_request', 'foreign_policy', 'not_yet_valid', 'stale'];
    rules.push('person_not_valid', 'already_approved', 'agent_cannot_approve', 'is_invoker', 'is_principal');
    rules.push('not_entitled', 'wrong_state', 'bad_signature');
    rules.push('foreign_round', 'extension_too_short', 'extension_too_long', 'extension_too_late', 'extension_spent');
    expect([...reached.verdicts]).toEqual(expect.arrayContaining(rules));
    expect([...reached.extended].sort()).toEqual([
      'awaiting_approval',
      'done',
      'issuing',
      'refused',
      'updating',
      'verifying',
    ]);
    expect([...reached.rounds]).toContain(2);
    expect([...reached.flags]).toEqual(
      expect.arrayContaining([
        'standing_until_floor',
        'rollback_overdue',
        'verify_overdue',
        'sessions_open',
        'reappeared',
        'actions_pending',
      ]),
    );
  }, 120_000);

  it('takes a kill after any flood, in every state in which something can stand', () => {
    const standing = new Set<string>();
    fc.assert(
      fc.property(
        plan,
        fc.constantFrom(2, 3, 3, 3, 4, 5, 6),
        fc.integer({ min: 60, max: 120 }),
        (chosen, depth, size) => {
          const show = new Performance({ ...chosen, lost: false });
          show.takeTo(depth, 0);
          for (const next of chosen.moves.slice(0, 3)) show.make(next);
          show.make({ do: 'flood', size });
          const { phase, ending } = show.state;
          if (isEnd(phase) || phase === 'resealing' || ending !== null || show.state.opened === null) return;
          show.say(scene.sam, 'kill', 'none', 0);
          standing.add(phase);
          expect(show.state.verdicts.at(-1)).toMatchObject({ act: 'kill', status: 'accepted', person: 'sam' });
          expect(show.state.ending).toMatchObject({ cause: 'kill', by: 'sam' });
        },
      ),
      // One order in forty stands at `issuing`: with half as many, one run in a hundred would meet none.
      { numRuns: 400 },
    );
    expect([...standing]).toEqual(expect.arrayContaining(['awaiting_approval', 'issuing', 'granting', 'active']));
  });
});
