import { denial, notValid, sessionOf, type Step } from './decide-step.js';
import type { DecideInput } from './decide.js';
import type { Denial } from './decision.js';
import { instant } from './identifiers.js';
import { isValidAt } from './roster.js';
import { coveredUntil, nextCovered, standingRulesFor, type StandingRule } from './standing.js';

/** The first rule that names person and profile, is open and has a whole second left. */
export function byStandingRule(input: DecideInput): Step {
  const { policy, person, profile, now_ms } = input;
  const rules = standingRulesFor(policy.standing ?? [], person, profile);
  if (rules.length === 0) {
    const message = `no standing rule gives ${person.id} profile ${profile}`;
    return { ok: false, reasons: [denial('standing', 'no_standing_rule', message)] };
  }
  if (!isValidAt(person, now_ms)) return { ok: false, reasons: [notValid('standing', input, now_ms)] };
  let closing: StandingRule | undefined;
  for (const rule of rules) {
    const most = now_ms + rule.max_session * 1000;
    const until = coveredUntil(rule.time, now_ms, most);
    if (until === undefined) continue;
    const length = sessionOf(input, now_ms, until);
    if (length === undefined) closing ??= rule;
    else {
      const none = { break_glass_event_id: null, principal_id: null };
      return { ok: true, allowed: { proof: 'policy', rule: rule.name, ...none, ...length } };
    }
  }
  if (closing !== undefined) {
    const message = `standing rule ${closing.name}: less than a second of it is left`;
    return { ok: false, reasons: [denial('standing', 'nothing_remains', message)] };
  }
  return { ok: false, reasons: [outsideHours(rules, now_ms)] };
}

function outsideHours(rules: readonly StandingRule[], nowMs: number): Denial {
  const openings = rules.flatMap((rule) => {
    const at = nextCovered(rule.time, nowMs);
    return at === undefined ? [] : [{ rule, at }];
  });
  const [next] = openings.sort((a, b) => a.at - b.at);
  const message = `standing rule ${(next?.rule ?? rules[0])?.name ?? ''} is not open at this hour`;
  return denial('standing', 'outside_hours', message, { passes_at: next === undefined ? null : instant(next.at) });
}
