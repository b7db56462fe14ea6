import { z } from 'zod';
import { durationSchema } from './duration.js';
import { RULE_NAME, uniqueNames } from './named-rules.js';
import { isNamed, partySchema } from './parties.js';
import { clockAt, closingOf, isOpen, nextOpening, timeWindowSchema, type TimeWindow } from './time-window.js';

/** No session outlives half a day without somebody asking again. */
export const MAX_STANDING_SECONDS = 12 * 3600;

/**
 * Who may have a session without any ceremony, for `decide` alone: it grants nothing in the directory. Unlike the rules
 * for requests, `allow` names somebody: an empty list would open a profile to everybody. No profiles means all, no times
 * any time. Durations in seconds.
 */
export const standingRuleSchema = z.strictObject({
  name: z.string().regex(RULE_NAME, 'expected 1 to 64 of a-z 0-9 . _ -'),
  allow: z.array(partySchema).min(1, 'name who may: an empty list would mean everybody').max(1000),
  profiles: z.array(z.string().min(1).max(64)).max(1000).default([]),
  time: z.array(timeWindowSchema).max(100).default([]),
  max_session: durationSchema.refine((seconds) => seconds <= MAX_STANDING_SECONDS, 'a session is at most 12h'),
});
export type StandingRule = z.output<typeof standingRuleSchema>;

export const standingSchema = z.array(standingRuleSchema).max(1000).superRefine(uniqueNames('decisions name the rule'));

/** The rules that name this person and profile, whatever the hour, in the policy's order. */
export function standingRulesFor(
  rules: readonly StandingRule[],
  person: { id: string; groups: readonly string[] },
  profile: string,
): StandingRule[] {
  return rules.filter(
    ({ allow, profiles }) => isNamed(allow, person) && (profiles.length === 0 || profiles.includes(profile)),
  );
}

/**
 * When windows that are open at `nowMs` next leave a moment uncovered, looking no further than `horizonMs`; undefined when
 * none is open now. No windows at all are always open. Epoch milliseconds.
 */
export function coveredUntil(windows: readonly TimeWindow[], nowMs: number, horizonMs: number): number | undefined {
  if (windows.length === 0) return horizonMs;
  let until: number | undefined;
  // A night may be written as two windows that meet at midnight: the end is where none goes on.
  for (let at = nowMs; at < horizonMs;) {
    const clock = clockAt(at);
    const open = windows.filter((window) => isOpen(window, clock));
    if (open.length === 0) return until;
    at = Math.max(...open.map((window) => closingOf(window, at) ?? horizonMs));
    until = Math.min(at, horizonMs);
  }
  return until;
}

/** The first moment after `afterMs` at which any of the windows is open; undefined when none opens in three weeks. */
export function nextCovered(windows: readonly TimeWindow[], afterMs: number): number | undefined {
  const openings = windows.map((window) => nextOpening(window, afterMs)).filter((at) => at !== undefined);
  return openings.length === 0 ? undefined : Math.min(...openings);
}
