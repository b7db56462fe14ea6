import { randomBytes } from 'node:crypto';

import { AUTHORITY_MIGRATIONS } from '../../../activities/authority/authority-migrations.js';
import { authorityTasks } from '../../../activities/authority/authority-tasks.js';
import type { Database } from '../../../activities/register/database.js';
import { eventReader } from '../../../activities/register/events.js';
import type { RegisterHoldings } from '../../../activities/register/holdings.js';
import { REGISTER_MIGRATIONS } from '../../../activities/register/register-migrations.js';
import { registerTasks } from '../../../activities/register/register-tasks.js';
import { givenInForce } from '../../../deploy/local/stack/given-in-force.js';
import type { Receipt } from '../../../domain/entry.js';
import { instant } from '../../../domain/identifiers.js';
import type { AdmitOutcome } from '../../../domain/outcomes.js';
import { policySchema, type Policy } from '../../../domain/policy.js';
import type { Request } from '../../../domain/request.js';
import type { Person, Roster } from '../../../domain/roster.js';
import { newCeremony } from '../../../domain/ceremony-state.js';
import { viewOf, type CeremonyView } from '../../../domain/view.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { readEntry } from '../../../proofs/receipt.js';
import {
  alice,
  bob,
  carol,
  entryOf,
  keyOf,
  policy as basePolicy,
  requestFor,
  roleKeys,
  roster as baseRoster,
  signAct,
  signRequest,
  T0,
  type TestPerson,
} from '../../proofs/ceremony-people.js';
import { sign } from '../../proofs/full-ceremony.js';

export const MIN = 60_000;
export const HOUR = 60 * MIN;

/** A role of nobody else's, so that no two profiles of a test are about the same target. */
const roleOf = (name: string) => ({
  template_id: `${Buffer.from(name.padEnd(4, '.')).toString('hex').slice(0, 8)}-0000-4000-8000-000000000000`,
  name: `Role ${name}`,
});

export const profileNamed = (name: string, more: Record<string, unknown> = {}) => ({
  action: 'entra.directory_role' as const,
  role: roleOf(name),
  ...more,
});

/** The register and the authority over one database, on a clock of the test's own. */
export class RegisterWorld {
  now = T0;
  roster: Roster = baseRoster;
  readonly logged: [string, Record<string, unknown>][] = [];
  readonly holdings: RegisterHoldings;
  readonly register: ReturnType<typeof registerTasks>;
  readonly authority: ReturnType<typeof authorityTasks>;
  readonly reader: ReturnType<typeof eventReader>;
  private inForce: { policy: Policy; digest: string };

  constructor(readonly database: Database) {
    this.inForce = { policy: basePolicy, digest: digestOf(basePolicy) };
    this.holdings = {
      database,
      key: roleKeys.register,
      clock: { now: () => this.now },
      ...givenInForce(
        () => this.inForce,
        () => this.roster,
      ),
      roleKeys: keyOf,
      log: (message, fields) => void this.logged.push([message, fields]),
    };
    this.register = registerTasks(this.holdings);
    this.authority = authorityTasks({ ...this.holdings, key: roleKeys.authority });
    this.reader = eventReader(database, () => this.now);
  }

  /** Both schemas anew, so that nothing of another test counts. */
  async clear(): Promise<void> {
    await this.database.query('DROP SCHEMA IF EXISTS authority CASCADE');
    await this.database.query('DROP SCHEMA IF EXISTS register CASCADE');
    await this.database.query('DROP TABLE IF EXISTS schema_migrations');
    await this.database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
    this.now = T0;
    this.roster = baseRoster;
    this.logged.length = 0;
    this.setPolicy({});
  }

  get policy(): Policy {
    return this.inForce.policy;
  }

  /** The test policy with these members of a policy file besides or instead. */
  setPolicy(more: Record<string, unknown>): void {
    const policy = policySchema.parse({ ...basePolicy, ...more });
    this.inForce = { policy, digest: digestOf(policy) };
  }

  withPeople(...people: Person[]): void {
    this.roster = { ...baseRoster, people: [...baseRoster.people, ...people] };
  }

  /** A request of alice's for herself, made now, under the policy in force. */
  request(over: Partial<Request> & { by?: TestPerson } = {}): Request {
    const { profile = 'admin', by = alice } = over;
    const named = this.policy.profiles[profile];
    const request = requestFor({ requested_at: instant(this.now), policy_digest: this.inForce.digest, ...over, by });
    const role = named !== undefined && 'role' in named ? named.role : roleOf(profile);
    const { effect } = request;
    if (effect.kind !== 'entra.directory_role') return request;
    return { ...request, effect: { ...effect, role_template_id: role.template_id, role_name: role.name } };
  }

  admit(request: Request, by: TestPerson = alice): Promise<AdmitOutcome> {
    return this.register.admit({ event_id: request.event_id, run_id: 'run-1', envelope: signRequest(request, by) });
  }

  /** Admits, and fails where that is refused. */
  async admitted(request: Request, by: TestPerson = alice): Promise<Extract<AdmitOutcome, { outcome: 'admitted' }>> {
    const answer = await this.admit(request, by);
    if (answer.outcome === 'admitted') return answer;
    throw new Error(`${answer.code}: ${answer.message}`);
  }

  /** Asked, approved and journalled, all in this minute; nothing is appended yet. */
  async issue(
    request: Request,
    { by = alice, approvers = [bob, carol] }: { by?: TestPerson; approvers?: TestPerson[] } = {},
  ): Promise<Receipt> {
    const { receipt: admission } = await this.admitted(request, by);
    return this.journal(request, admission, { by, approvers });
  }

  async journal(
    request: Request,
    admission: Receipt,
    { by = alice, approvers = [bob, carol] }: { by?: TestPerson; approvers?: TestPerson[] } = {},
  ): Promise<Receipt> {
    const approvals = approvers.map((person) => signAct(person, 'approve', request, {}, this.now));
    const evidence = { event_id: request.event_id, request: signRequest(request, by), approvals, admission };
    const issued = await this.authority.issue(evidence);
    if (issued.outcome === 'issued') return issued.receipt;
    throw new Error(`${issued.code}: ${issued.message}`);
  }

  /** Tells the register of entries and of how the ceremony stands, as its workflow does. */
  append(
    request: Request,
    items: Parameters<RegisterWorld['register']['append']>[0]['items'],
    change: Partial<CeremonyView> = {},
    held?: string[],
  ): ReturnType<RegisterWorld['register']['append']> {
    const view = { ...viewOf(newCeremony(request.event_id, signRequest(request), this.now)), ...change };
    return this.register.append({ event_id: request.event_id, items, view, ...(held === undefined ? {} : { held }) });
  }

  /** What the ledger holds of an event, in its order; a code where an entry does not verify. */
  async transitionsOf({ event_id }: Request): Promise<string[]> {
    return (await this.reader.ledgerOf(event_id)).map(({ body }) => {
      const read = readEntry(body, event_id, keyOf);
      return read.ok ? read.entry.transition : read.code;
    });
  }

  /** The end of what was issued: gone, says the verifier. */
  async end(request: Request, intent: Receipt): Promise<void> {
    const { event_id } = request;
    const ended = { end: 'expired', cause: 'deadline', by: null };
    await this.append(
      request,
      [
        intent,
        sign(entryOf(event_id, 'confirmed', 'confirmed', this.now)),
        { transition: 'ended', draft: entryOf(event_id, 'ended', 'ended', this.now, ended) },
      ],
      { state: 'expired', status: 'expired', ended_at: instant(this.now) },
    );
  }

  /** The end of what nobody was granted. */
  async deny(request: Request): Promise<void> {
    const ended = { end: 'denied', cause: 'deny', by: 'bob' };
    const draft = entryOf(request.event_id, 'ended', 'ended', this.now, ended);
    await this.append(request, [{ transition: 'ended', draft }], { state: 'denied', ended_at: instant(this.now) });
  }

  /** A whole ceremony of an invoker's, granted and over in this minute. */
  async granted(over: Parameters<RegisterWorld['request']>[0] & { approvers?: TestPerson[] } = {}): Promise<Request> {
    const { approvers, ...asked } = over;
    const request = this.request(asked);
    const { by = alice } = asked;
    await this.end(request, await this.issue(request, approvers === undefined ? { by } : { by, approvers }));
    return request;
  }
}

export const newEvent = (): string => randomBytes(8).toString('hex');
