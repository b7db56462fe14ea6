import type { DecidableEvent } from '../../domain/decide.js';
import { decide } from '../../domain/decide.js';
import type { Decision } from '../../domain/decision.js';
import type { Entry } from '../../domain/entry.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { termsOf } from '../../domain/policy.js';
import { findPerson, type Person, type Roster } from '../../domain/roster.js';
import type { CeremonyView } from '../../domain/view.js';
import type { RoleKeys } from '../../proofs/receipt.js';
import { provenEvent } from './proven-event.js';
import { ResealError } from './reseal-error.js';
import { witness } from './witness.js';
import type { WorkflowReader } from './workflow-reader.js';

/** Who asks for what: a person by id, alias or object id; a profile; seconds, as long as may be when left out. */
export interface DecideQuestion {
  person: string;
  profile: string;
  session_seconds?: number;
}

/** Where a decision looks. Nothing of it is changed. */
export interface DecideSources {
  policy: () => Promise<PolicyInForce>;
  roster: () => Promise<Roster>;
  /** Epoch milliseconds. */
  now: () => number;
  reader: WorkflowReader;
  /** null when the register holds no answer: there is none, or it is down. */
  openFor: (wanted: { profile: string; principal_ids: readonly string[] }) => Promise<CeremonyView[] | null>;
  ledgerOf: (eventId: string) => Promise<Entry[] | null>;
  /** Without the register: what runs under this profile, and whether that is all of it. */
  search: (profile: string) => Promise<{ found: CeremonyView[]; complete: boolean }>;
  /** The roles' public keys, or null where no trust roots are configured. */
  keys: (() => Promise<RoleKeys>) | null;
}

/**
 * Gathers what `decide` needs and asks it. A standing rule needs neither register nor Temporal. Otherwise the register
 * says which ceremonies there are, each ceremony's own workflow whether it stands now, and the ledger's signatures what
 * was granted, to whom and until when.
 *
 * @throws {ResealError} `unknown_person`, `temporal_unreachable`, `register_unreachable` where the search without it was cut short.
 */
export async function decideSession(from: DecideSources, question: DecideQuestion): Promise<Decision> {
  const { profile, session_seconds } = question;
  const [{ policy, digest }, roster] = await Promise.all([from.policy(), from.roster()]);
  const person = accountsOf(roster, question.person);
  const asked = {
    policy,
    policy_digest: digest,
    person,
    profile,
    ...(session_seconds === undefined ? {} : { session_seconds }),
  };
  const judge = (events: readonly DecidableEvent[]): Decision => decide({ ...asked, events, now_ms: from.now() });
  const standing = judge([]);
  if (standing.effect === 'allow' || termsOf(policy, profile) === undefined) return standing;
  const { rows, recorded, complete } = await ceremoniesFor(from, person, profile);
  const events = await Promise.all(
    rows.map((row) => (recorded ? provenEvent(from, row) : witness(from.reader, row, { nowMs: from.now() }))),
  );
  const decision = judge(events);
  if (decision.effect === 'allow' || complete) return decision;
  throw new ResealError(
    'register_unreachable',
    'the register does not answer, and without it too much is open to look through',
    { hint: 'try again when it is back' },
  );
}

/** Asked by object id, that account alone is meant: another account of the same person may be in other hands. */
function accountsOf(roster: Roster, name: string): Person {
  const person = findPerson(roster, name);
  if (person === undefined) throw new ResealError('unknown_person', `nobody on the roster is called ${name}`);
  const account = person.object_ids.find((id) => id === name.toLowerCase());
  return account === undefined ? person : { ...person, object_ids: [account] };
}

async function ceremoniesFor(
  from: DecideSources,
  { object_ids }: Person,
  profile: string,
): Promise<{ rows: CeremonyView[]; recorded: boolean; complete: boolean }> {
  const rows = await from.openFor({ profile, principal_ids: object_ids });
  if (rows !== null) return { rows, recorded: true, complete: true };
  const { found, complete } = await from.search(profile);
  const theirs = found.filter(({ principal_id }) => principal_id !== null && object_ids.includes(principal_id));
  return { rows: theirs, recorded: false, complete };
}
