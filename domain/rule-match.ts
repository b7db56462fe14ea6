import { formatDuration } from './duration.js';
import { listText } from './list-text.js';
import { partiesOf } from './parties.js';
import type { PolicyRule } from './policy-rules.js';
import type { ReasonCode } from './reason-codes.js';
import { clockAt, isAnyOpen, nextOpening, windowText } from './time-window.js';
import type { ReadClock } from './zone.js';

/** What rules are asked about: who asks for what, why, for how long, and when (epoch milliseconds). */
export interface RuleQuestion {
  profile: string;
  person: { id: string; groups: readonly string[] };
  reason_code: ReasonCode;
  duration_seconds: number;
  now_ms: number;
}

/** In the order in which they are told. */
export const RULE_CONDITIONS = ['profile', 'person', 'reason_code', 'duration', 'time'] as const;
export type RuleCondition = (typeof RULE_CONDITIONS)[number];

export type RuleVerdict =
  /** `rule` is null where the policy has no rules, which lets everybody in. */
  | { ok: true; rule: string | null }
  /** The rule that came nearest, what it wanted, and when time alone makes a rule match (epoch ms), or null. */
  | { ok: false; rule: string; unmet: RuleCondition[]; wanted: string; passes_ms: number | null };

/** The first rule that matches in everything; otherwise the nearest one and what it wanted. */
export function matchRules(rules: readonly PolicyRule[], question: RuleQuestion): RuleVerdict {
  if (rules.length === 0) return { ok: true, rule: null };
  const asker = { names: partiesOf(question.person), clock: clockAt(question.now_ms) };
  const matching = rules.find((rule) => RULE_CONDITIONS.every((condition) => isMet(rule, condition, question, asker)));
  if (matching !== undefined) return { ok: true, rule: matching.name };
  const unmetBy = (rule: PolicyRule): RuleCondition[] =>
    RULE_CONDITIONS.filter((condition) => !isMet(rule, condition, question, asker));
  return nearest(
    rules.map((rule) => ({ rule, unmet: unmetBy(rule) })),
    question.now_ms,
  );
}

interface Asker {
  names: ReadonlySet<string>;
  clock: ReadClock;
}

function isMet(rule: PolicyRule, condition: RuleCondition, question: RuleQuestion, { names, clock }: Asker): boolean {
  switch (condition) {
    case 'profile':
      return rule.profiles.length === 0 || rule.profiles.includes(question.profile);
    case 'person':
      return rule.allow.length === 0 || rule.allow.some((party) => names.has(party));
    case 'reason_code':
      return rule.reason_codes.length === 0 || rule.reason_codes.includes(question.reason_code);
    case 'duration':
      return rule.max_duration === undefined || question.duration_seconds <= rule.max_duration;
    case 'time':
      return isAnyOpen(rule.time, clock);
  }
}

interface Miss {
  rule: PolicyRule;
  unmet: RuleCondition[];
}

/**
 * Of the rules that only want another time, the one that opens first: waiting is enough. Otherwise the one with the fewest
 * conditions unmet, and of those one that the asker can meet by asking otherwise rather than by being somebody else.
 */
function nearest(misses: readonly Miss[], nowMs: number): RuleVerdict {
  let soonest: { rule: PolicyRule; at: number } | undefined;
  for (const { rule, unmet } of misses) {
    if (unmet.length > 1 || unmet[0] !== 'time') continue;
    const at = openingOf(rule, nowMs);
    if (at !== undefined && (soonest === undefined || at < soonest.at)) soonest = { rule, at };
  }
  if (soonest !== undefined) {
    const { rule, at } = soonest;
    return { ok: false, rule: rule.name, unmet: ['time'], wanted: wantedBy(rule, ['time']), passes_ms: at };
  }
  const [best] = [...misses].sort((a, b) => distance(a) - distance(b));
  if (best === undefined) throw new TypeError('no rule was missed');
  const { rule, unmet } = best;
  return { ok: false, rule: rule.name, unmet, wanted: wantedBy(rule, unmet), passes_ms: null };
}

/** Sorting is stable: of two rules at the same distance, the first of the policy is named. */
const distance = ({ unmet }: Miss): number =>
  unmet.length * 10 + unmet.reduce((sum, condition) => sum + HARDNESS[condition], 0);
const HARDNESS: Readonly<Record<RuleCondition, number>> = {
  duration: 0,
  reason_code: 0,
  time: 0,
  person: 1,
  profile: 2,
};

function openingOf(rule: PolicyRule, nowMs: number): number | undefined {
  const times = rule.time.map((window) => nextOpening(window, nowMs)).filter((at) => at !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

function wantedBy(rule: PolicyRule, unmet: readonly RuleCondition[]): string {
  return unmet.map((condition) => `${condition}: ${conditionText(rule, condition)}`).join('; ');
}

/** What a rule says of one condition. */
export function conditionText(rule: PolicyRule, condition: RuleCondition): string {
  const oneOf = (list: readonly string[]): string => (list.length === 0 ? 'any' : listText(list));
  switch (condition) {
    case 'profile':
      return oneOf(rule.profiles);
    case 'person':
      return oneOf(rule.allow);
    case 'reason_code':
      return oneOf(rule.reason_codes);
    case 'duration':
      return rule.max_duration === undefined ? 'any' : `at most ${formatDuration(rule.max_duration)}`;
    case 'time':
      return oneOf(rule.time.map(windowText));
  }
}
