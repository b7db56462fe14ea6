import { explainAdmission, type Explanation } from '../../domain/explanation.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { Limits } from '../../domain/limits.js';
import type { Tuple } from '../../domain/intent.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { termsOf, type Terms } from '../../domain/policy.js';
import type { Request } from '../../domain/request.js';
import { findPerson, upnOf, type Person, type Roster } from '../../domain/roster.js';
import { NO_USAGE, type Usage } from '../../domain/usage.js';
import { tupleOf } from '../../proofs/evidence.js';
import { ResealError } from '../api/reseal-error.js';
import type { ExplainQuestion } from './explain-question.js';

/** Whose past the register is asked for. `nowMs` is epoch milliseconds. */
export interface UsageWanted {
  invoker: string;
  profile: string;
  tuple: Tuple;
  limits: Limits | undefined;
  nowMs: number;
}

/** Where an explanation looks. Nothing of it is changed. */
export interface ExplainSources {
  inForce: PolicyInForce;
  roster: Roster;
  /** Epoch milliseconds. */
  nowMs: number;
  /** null where there is no register to ask: then nothing was granted and nothing is open. */
  usage: ((wanted: UsageWanted) => Promise<Usage>) | null;
}

/**
 * What the register would say to such a request, without asking for anything. A question about another time is judged by
 * what the register knows now.
 *
 * @throws {ResealError} `unknown_person`, and what `usage` throws.
 */
export async function explainRequest(from: ExplainSources, question: ExplainQuestion): Promise<Explanation> {
  const { policy, digest } = from.inForce;
  const person = personNamed(from.roster, question.person);
  const principal = question.principal === undefined ? person : personNamed(from.roster, question.principal);
  const now_ms = question.at === undefined ? from.nowMs : epochMs(question.at);
  const terms = termsOf(policy, question.profile);
  const request = requestFor(question, { terms, digest, person, principal, now_ms });
  const wanted = {
    invoker: person.id,
    profile: question.profile,
    tuple: tupleOf(request),
    limits: policy.limits,
    nowMs: now_ms,
  };
  const usage = from.usage === null || terms === undefined ? NO_USAGE : await from.usage(wanted);
  // Whoever has no key can approve nothing.
  const people = from.roster.people.filter(({ keys }) => keys.length > 0);
  const facts = { policy, policy_digest: digest, request, person, people, usage, now_ms };
  return explainAdmission(facts, from.usage === null ? 'none' : 'register');
}

function personNamed(roster: Roster, name: string): Person {
  const person = findPerson(roster, name);
  if (person !== undefined) return person;
  throw new ResealError('unknown_person', `nobody on the roster is called ${name}`);
}

const NIL = '00000000-0000-0000-0000-000000000000';
/** Of a profile that the policy does not have. */
const NO_EFFECT: Request['effect'] = {
  kind: 'entra.directory_role',
  tenant_id: NIL,
  role_template_id: NIL,
  role_name: 'none',
  directory_scope_id: '/',
  end_sessions: true,
};

/** The request that such a question would become; event id and justification are nobody's, and no rule reads them. */
function requestFor(
  { profile, reason_code, duration_seconds }: ExplainQuestion,
  from: { terms: Terms | undefined; digest: string; person: Person; principal: Person; now_ms: number },
): Request {
  const { terms, digest, person, principal, now_ms } = from;
  return {
    event_id: '0'.repeat(16),
    profile,
    reason_code,
    justification: 'asked only to have it explained',
    ticket: null,
    duration_seconds: duration_seconds ?? terms?.timebox.default ?? 1800,
    invoker: { person: person.id, upn: upnOf(person) },
    principal: { object_id: principal.object_ids[0] ?? NIL, upn: upnOf(principal) },
    effect: terms?.effect ?? NO_EFFECT,
    policy_digest: digest,
    requested_at: instant(now_ms),
  };
}
