import { byCeremony } from './decide-ceremony.js';
import { byStandingRule } from './decide-standing.js';
import { denial, type Step } from './decide-step.js';
import type { Decision, DecisionSource, Denial, DoubtCode, Proof } from './decision.js';
import { instant } from './identifiers.js';
import { termsOf, type Policy } from './policy.js';
import type { Person } from './roster.js';
import type { CeremonyView } from './view.js';

/**
 * A ceremony as a decision sees it: its view, what time it is there (`now`, RFC 3339), what vouches for the view, and
 * whatever speaks against relying on it.
 */
export type DecidableEvent = Pick<
  CeremonyView,
  | 'event_id'
  | 'profile'
  | 'principal_id'
  | 'state'
  | 'quorum'
  | 'approvals_wanted'
  | 'expires_at'
  | 'tenant_id'
  | 'role'
  | 'directory_scope_id'
> & {
  /** Of the role or group, as the authority signed it; null where no ledger was read. */
  object_id: string | null;
  now: string;
  proof: Extract<Proof, 'ledger' | 'workflow'>;
  doubt: { code: DoubtCode; message: string } | null;
};

export interface DecideInput {
  policy: Policy;
  policy_digest: string;
  /** Under all names the roster has; only ceremonies for one of `object_ids` count. */
  person: Pick<Person, 'id' | 'groups' | 'object_ids' | 'valid_from' | 'valid_until'>;
  profile: string;
  /** Whatever is known; those of other people and profiles are passed over. */
  events: readonly DecidableEvent[];
  /** Epoch milliseconds, for all but the ceremonies: those have a time of their own. */
  now_ms: number;
  /** As long as may be when left out. */
  session_seconds?: number;
}

/**
 * Who may have a session now, and for how long: standing policy, then an approved request, then break-glass, else nobody,
 * with the reasons of every step. Whoever asked for a ceremony gets nothing out of it: its principal does. A session never
 * outlives what allows it, nor the person's time on the roster. Pure: the same answer wherever it is asked for.
 */
export function decide(input: DecideInput): Decision {
  const { policy, person, profile, policy_digest } = input;
  const asked = { person: person.id, profile, policy_digest };
  const terms = termsOf(policy, profile);
  const events = input.events.filter((event) => isTheirs(event, input));
  const reasons: Denial[] = [];
  if (terms === undefined) {
    const message = `the policy has no profile ${profile}: see \`reseal policy show\``;
    reasons.push(denial(null, 'profile_unknown', message));
  } else {
    const steps: [DecisionSource, () => Step][] = [
      ['standing', () => byStandingRule(input)],
      ['approved_request', () => byCeremony('approved_request', input, terms, events)],
      ['break_glass', () => byCeremony('break_glass', input, terms, events)],
    ];
    for (const [source, step] of steps) {
      const taken = step();
      if (taken.ok) return { ...asked, effect: 'allow', source, ...taken.allowed, reasons };
      reasons.push(...taken.reasons);
    }
  }
  return {
    ...asked,
    effect: 'deny',
    source: null,
    proof: null,
    rule: null,
    break_glass_event_id: null,
    principal_id: null,
    session_seconds: 0,
    at: instant(input.now_ms),
    expires_at: null,
    reasons,
  };
}

const isTheirs = (event: DecidableEvent, { person, profile }: DecideInput): boolean =>
  event.profile === profile && event.principal_id !== null && person.object_ids.includes(event.principal_id);
