import { judgeAdmission } from '../../../domain/admission.js';
import type { AdmissionFacts } from '../../../domain/admission-steps.js';
import { policySchema, type Policy } from '../../../domain/policy.js';
import { requestSchema, type Request } from '../../../domain/request.js';
import { NO_USAGE } from '../../../domain/usage.js';
import { ROLE, tenantOf } from '../stack/crowd.js';
import { median, rounded, type Measured } from './measured.js';

const RULES = 1000;
const ROUNDS = 15;
const ROUND_MS = 200;
const DIGEST = 'b'.repeat(64);
const NOW = Date.parse('2026-03-03T10:00:00.000Z');
const ALICE = {
  id: 'alice',
  kind: 'human' as const,
  object_ids: ['aaaaaaaa-0000-4000-8000-000000000000'],
  aliases: ['alice@corp.example'],
  groups: ['operators', 'oncall', 'platform'],
};

/**
 * How many requests a second the rule book judges with 1,000 rules of which the last matches, against reading the same
 * request: JSON.parse and zod. Both in this process, in turns.
 */
export function policy(progress: (text: string) => void): Promise<Measured> {
  const ruled = policyOf('alice');
  const last = factsOf(ruled);
  const none = factsOf(policyOf('bob'));
  const text = JSON.stringify(last.request);
  const works: Record<string, () => void> = {
    last_of_1000: () => expectVerdict(judgeAdmission(last).ok, true),
    none_of_1000: () => expectVerdict(judgeAdmission(none).ok, false),
    read_request: () => void requestSchema.parse(JSON.parse(text)),
  };
  const rates: Record<string, number[]> = {};
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      const rate = rateOf(work);
      // The first of each is the engine learning what runs often.
      if (round > 0) (rates[name] ??= []).push(rate);
    }
    progress(`round ${round} of ${ROUNDS}`);
  }
  const [judged, refused, read] = Object.keys(works).map((name) => median(rates[name] ?? [])) as [
    number,
    number,
    number,
  ];
  return Promise.resolve({
    name: 'policy',
    what: `admission judged by ${RULES} rules, the last matches`,
    value: `${rounded(judged, 0)} /s`,
    baseline: `JSON.parse and zod of the request: ${rounded(read, 0)} /s`,
    figure: rounded(judged / read, 3),
    figure_is: 'ratio',
    required: '-',
    aim: '-',
    notes: [
      `medians of ${ROUNDS} rounds of ${ROUND_MS} ms in turns; every rule has people, reason codes and a time window`,
      `where none matches, the nearest rule and when it opens are looked for: ${rounded(refused, 0)} /s`,
    ],
    details: {
      per_second: Object.fromEntries(Object.entries(rates).map(([name, of]) => [name, of.map((r) => rounded(r, 0))])),
    },
  });
}

/** As many a second as fit into a round. */
function rateOf(work: () => void): number {
  const began = performance.now();
  let count = 0;
  for (;;) {
    work();
    count += 1;
    const passed = performance.now() - began;
    if (passed >= ROUND_MS) return (count / passed) * 1000;
  }
}

function expectVerdict(found: boolean, expected: boolean): void {
  if (found !== expected) throw new Error(`the rule book said ${String(found)}: this measures something else`);
}

/** 999 rules that each want one thing else, and one for this person. */
function policyOf(person: string): Policy {
  const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
  const rules = Array.from({ length: RULES }, (_, n) => ({
    name: `rule-${n}`,
    allow: [`group:team-${n}`, n === RULES - 1 ? `person:${person}` : 'group:operators'],
    reason_codes: n % 2 === 0 ? ['security'] : ['incident', 'recovery'],
    time: [
      {
        days: ['mon', 'tue', 'wed'],
        from: n === RULES - 1 ? '00:00' : '22:00',
        until: n === RULES - 1 ? '24:00' : '23:00',
        zone: zones[n % zones.length],
      },
    ],
    max_duration: '2h',
  }));
  return policySchema.parse({
    version: 1,
    name: 'bench',
    tenant_id: tenantOf(0),
    approvals: { min_approvers: 2, approvers: ['group:security'] },
    rules,
    limits: { cooldown: '15m', max_per_user: 3, max_per_profile: 10, escalation_threshold: 2 },
    profiles: { p: { action: 'entra.directory_role', role: ROLE } },
  });
}

function factsOf(of: Policy): AdmissionFacts {
  const request: Request = requestSchema.parse({
    event_id: '0123456789abcdef',
    profile: 'p',
    reason_code: 'incident',
    justification: 'The identity provider is down and nobody can sign in.',
    ticket: 'INC-1',
    duration_seconds: 1800,
    invoker: { person: ALICE.id, upn: ALICE.aliases[0] },
    principal: { object_id: ALICE.object_ids[0], upn: ALICE.aliases[0] },
    effect: {
      kind: 'entra.directory_role',
      tenant_id: tenantOf(0),
      role_template_id: ROLE.template_id,
      role_name: ROLE.name,
      directory_scope_id: '/',
      end_sessions: true,
    },
    policy_digest: DIGEST,
    requested_at: new Date(NOW).toISOString(),
  });
  return { policy: of, policy_digest: DIGEST, request, person: ALICE, people: [ALICE], usage: NO_USAGE, now_ms: NOW };
}
