import fc from 'fast-check';
import { judgeAdmission, type AdmissionVerdict } from '../../domain/admission.js';
import type { AdmissionFacts } from '../../domain/admission-steps.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema, type Policy } from '../../domain/policy.js';
import { NO_USAGE, type Usage } from '../../domain/usage.js';
import * as scene from './scene.js';

/** One who asks, for one profile; `wait` minutes pass before, and the grant comes `delay` minutes after admission, if it does. */
export interface Ask {
  who: number;
  profile: number;
  wait: number;
  delay: number | null;
  lasts: number;
}

interface Grant {
  who: string;
  profile: string;
  at: number;
  ends: number;
}

export interface Judged {
  facts: AdmissionFacts;
  verdict: AdmissionVerdict;
}

const PROFILES = ['reader', 'admin'];
const PEOPLE = [scene.alice, scene.bob, scene.carol];

export const policies: fc.Arbitrary<Policy> = fc
  .record({
    cooldown: fc.option(fc.constantFrom('10m', '45m', '3h'), { nil: undefined }),
    quota_window: fc.constantFrom('1h', '6h', '24h'),
    max_per_user: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    max_per_profile: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    escalation_threshold: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    hours: fc.constantFrom(
      [],
      [{ from: '22:00', until: '06:00', zone: 'America/New_York' }],
      [{ days: ['sat', 'sun'], zone: 'Australia/Lord_Howe' }],
    ),
  })
  .map(({ hours, ...limits }) =>
    policySchema.parse({
      version: 1,
      name: 'generated',
      tenant_id: scene.TENANT,
      approvals: { min_approvers: 1, approvers: ['group:security', 'group:platform'] },
      limits,
      rules: [{ name: 'hours', time: hours }],
      profiles: Object.fromEntries(
        PROFILES.map((name) => [name, { action: 'entra.directory_role', role: scene.ROLE_OF_PROFILE }]),
      ),
    }),
  );

export const histories = (delay: fc.Arbitrary<number | null>): fc.Arbitrary<Ask[]> =>
  fc.array(
    fc.record({
      who: fc.nat(PEOPLE.length - 1),
      profile: fc.nat(PROFILES.length - 1),
      wait: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 600 })),
      delay,
      lasts: fc.integer({ min: 10, max: 120 }),
    }),
    { minLength: 1, maxLength: 40 },
  );

/** Plays a history against the rule book, as a register would: what was admitted may be granted later, or never. */
export function play(policy: Policy, asks: readonly Ask[], startMs: number): { grants: Grant[]; judged: Judged[] } {
  const grants: Grant[] = [];
  const open: { who: string; profile: string; until: number }[] = [];
  const judged: Judged[] = [];
  let now_ms = startMs;
  for (const { who, profile: which, wait, delay, lasts } of asks) {
    now_ms += wait * scene.MINUTE + 1;
    const person = PEOPLE[who] ?? scene.alice;
    const profile = PROFILES[which] ?? 'reader';
    const request = { ...scene.REQUEST, profile, invoker: { person: person.id, upn: person.aliases[0] ?? '' } };
    const usage = usageOf(policy, grants, person.id, profile, now_ms);
    const isOpen = open.some((of) => of.who === person.id && of.profile === profile && of.until > now_ms);
    const facts: AdmissionFacts = {
      policy,
      policy_digest: scene.POLICY_DIGEST,
      request,
      person,
      people: scene.PEOPLE,
      usage: { ...usage, open_of_pair: isOpen ? 'a'.repeat(16) : null },
      now_ms,
    };
    const verdict = judgeAdmission(facts);
    judged.push({ facts, verdict });
    if (!verdict.ok) continue;
    const at = now_ms + (delay ?? 30) * scene.MINUTE;
    const ends = delay === null ? at : at + lasts * scene.MINUTE;
    open.push({ who: person.id, profile, until: ends });
    if (delay !== null) grants.push({ who: person.id, profile, at, ends });
  }
  return { grants, judged };
}

/** What `Usage` says a register answers, from all the grants there are. */
function usageOf(policy: Policy, all: readonly Grant[], who: string, profile: string, nowMs: number): Usage {
  const { quota_window = 0, max_per_user = 0, max_per_profile = 0, escalation_threshold = 0 } = policy.limits ?? {};
  const grants = [...all].filter(({ at }) => at <= nowMs).sort((a, b) => b.at - a.at);
  const recent = grants.filter(({ at }) => at > nowMs - quota_window * 1000);
  const times = (of: readonly Grant[], most: number): string[] => of.slice(0, most).map(({ at }) => instant(at));
  const last = grants.find((grant) => grant.who === who && grant.profile === profile);
  return {
    ...NO_USAGE,
    last_of_pair_at: last === undefined ? null : instant(last.at),
    user_times: times(
      recent.filter((grant) => grant.who === who),
      Math.max(max_per_user, escalation_threshold),
    ),
    profile_times: times(
      recent.filter((grant) => grant.profile === profile),
      max_per_profile,
    ),
  };
}

/** The most that stand in any half-open window of this length. */
export function mostInAnyWindow(times: readonly number[], windowMs: number): number {
  const counts = times.map((start) => times.filter((at) => at >= start && at < start + windowMs).length);
  return Math.max(0, ...counts);
}
