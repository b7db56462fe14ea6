import fc from 'fast-check';
import type { Terms } from '../../domain/policy.js';
import { SIGNAL_ACTS, type SignalAct } from '../../domain/statement.js';
import * as scene from './scene.js';

export type Twist = 'none' | 'forged' | 'misnamed' | 'foreign' | 'old_policy' | 'future' | 'stale';
export type Move =
  | { do: 'answer' | 'late' | 'rogue'; which: number; how: number }
  | { do: 'say'; who: number; act: SignalAct; twist: Twist; pick: number }
  | { do: 'again'; which: number; as: SignalAct }
  | { do: 'unreadable'; signal: SignalAct }
  | { do: 'pass'; seconds: number }
  | { do: 'wake'; late: number }
  | { do: 'flood'; size: number }
  | { do: 'cancel' | 'lost' | 'continue_as_new' };

const act = fc.constantFrom(...SIGNAL_ACTS);
const how = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(999) });
const twist = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Twist>('none') },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Twist>('forged', 'misnamed', 'foreign', 'old_policy', 'future', 'stale'),
  },
);
const answering = (kind: 'answer' | 'late' | 'rogue') => fc.record({ do: fc.constant(kind), which: fc.nat(999), how });
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 12, arbitrary: answering('answer') },
  { weight: 4, arbitrary: answering('late') },
  { weight: 2, arbitrary: answering('rogue') },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('say' as const), who: fc.nat(99), act, twist, pick: fc.nat(99) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat(99), as: act }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unreadable' as const), signal: act }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 0, max: 900 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wake' as const), late: fc.constantFrom(0, 1, 90_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'lost' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('continue_as_new' as const) }) },
);

const party = fc.constantFrom('group:security', 'group:platform', 'person:zed', 'person:dave', 'group:visitors');
const terms: fc.Arbitrary<Terms> = fc
  .record({
    min_approvers: fc.integer({ min: 1, max: 3 }),
    approvers: fc.oneof(
      { weight: 3, arbitrary: fc.constant(['group:security', 'group:platform']) },
      { weight: 1, arbitrary: fc.uniqueArray(party, { minLength: 1 }) },
    ),
    require: fc.uniqueArray(
      fc.record({ group: fc.constantFrom('security', 'platform'), count: fc.integer({ min: 1, max: 2 }) }),
      { selector: ({ group }) => group },
    ),
    end_sessions: fc.boolean(),
    approval_window: fc.constantFrom(600, 1800, 7200),
  })
  .map(({ end_sessions, approval_window, ...approvals }) => ({
    ...scene.TERMS,
    end_sessions,
    approval_window,
    approvals: {
      ...approvals,
      approvers: [...new Set([...approvals.approvers, ...approvals.require.map(({ group }) => `group:${group}`)])],
    },
  }));

/** A policy, people, how far the ceremony is taken first, and what happens to it then. */
export const plan = fc.record({
  terms,
  duration: fc.constantFrom(600, 1800, 14_400),
  /** Dave's validity begins, and erin's ends, this many minutes into the ceremony. */
  daveFrom: fc.integer({ min: -10, max: 20 }),
  erinUntil: fc.integer({ min: 1, max: 60 }),
  /** How far the ceremony is taken, as everybody hopes, before anything may happen. */
  head: fc.constantFrom(0, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 10, 11),
  extends: fc.boolean(),
  /** Whether the provider refuses on that road, and nothing is seen of a grant. */
  refuses: fc.constantFrom(true, ...Array.from({ length: 15 }, () => false)),
  expired: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2),
  lost: fc.constantFrom(true, ...Array.from({ length: 15 }, () => false)),
  moves: fc.array(move, { minLength: 1, maxLength: 24 }),
});
export type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;
