import type { Decision, DecisionSource, Denial, DenialCode } from './decision.js';
import type { DecideInput } from './decide.js';
import { epochMs, instant } from './identifiers.js';

/** What one step of a decision gives: a session, or why not. */
export type Step = { ok: true; allowed: Allowed } | { ok: false; reasons: Denial[] };
export type Allowed = Pick<
  Extract<Decision, { effect: 'allow' }>,
  'proof' | 'rule' | 'break_glass_event_id' | 'principal_id' | 'session_seconds' | 'expires_at' | 'at'
>;

/** From `fromMs` no further than what was asked for, `untilMs` and the person's time on the roster; undefined under a second. */
export function sessionOf(
  { session_seconds, person }: DecideInput,
  fromMs: number,
  untilMs: number,
): Pick<Allowed, 'session_seconds' | 'expires_at' | 'at'> | undefined {
  const leaves = person.valid_until === undefined ? Number.POSITIVE_INFINITY : epochMs(person.valid_until);
  const most = Math.floor((Math.min(untilMs, leaves) - fromMs) / 1000);
  const seconds = Math.min(most, Math.floor(session_seconds ?? most));
  // Also what is not a number at all.
  if (!(seconds >= 1)) return undefined;
  return { session_seconds: seconds, expires_at: instant(fromMs + seconds * 1000), at: instant(fromMs) };
}

export function notValid(step: DecisionSource, { person }: DecideInput, nowMs: number): Denial {
  const from = person.valid_from;
  const passes_at = from !== undefined && nowMs < epochMs(from) ? from : null;
  return denial(step, 'person_not_valid', `the roster does not let ${person.id} act now`, { passes_at });
}

export function denial(
  step: DecisionSource | null,
  code: DenialCode,
  message: string,
  more: Partial<Pick<Denial, 'event_id' | 'passes_at'>> = {},
): Denial {
  return { step, code, message, event_id: null, passes_at: null, ...more };
}
