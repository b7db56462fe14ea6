import { randomUUID } from 'node:crypto';

import { Context } from '@temporalio/activity';

import { loopbackAccess } from '../../../activities/graph/wire/graph-access.js';
import { directoryRoleTasks } from '../../../activities/graph/pim/directory-role.js';
import type { GraphDeps } from '../../../activities/graph/effect-deps.js';
import { passGate, type Judge } from '../../../activities/graph/grant/grant-gate.js';
import { takingOrders } from '../../../activities/graph/grant/ordered-rollback.js';
import { pimFamily, pimTuple } from '../../../activities/graph/pim/pim-family.js';
import { sessionsTasks } from '../../../activities/graph/people/sessions.js';
import { verifierTasks } from '../../../activities/graph/verifier.js';
import { startGraphSimulator, type GraphSimulator } from '../../../deploy/local/graph/server.js';
import { kindOfTuple } from '../../../domain/effects/effects.js';
import type { EntryPayload, Receipt } from '../../../domain/entry.js';
import { instant } from '../../../domain/identifiers.js';
import { INTENT_PAYLOAD_TYPE, type IntentOf, type Tuple, type SignedIntent } from '../../../domain/intent.js';
import type { EffectTasks, Evidence, OrderTasks, SessionsTasks, VerifierTasks } from '../../../domain/tasks.js';
import type { SigningRole } from '../../../domain/roles.js';
import type { PolicyInForce } from '../../../domain/policy-in-force.js';
import type { Roster } from '../../../domain/roster.js';
import { canonicalJson, digestOf } from '../../../proofs/canonical-json.js';
import { signDsse } from '../../../proofs/dsse.js';
import { makeMarker } from '../../../proofs/marker.js';
import { signReceipt, type RoleKeys } from '../../../proofs/receipt.js';
import { generateRoleKey, type RoleKey } from '../../../proofs/role-key.js';
import { mintWarrant } from '../../../proofs/warrant.js';
import { policy, policyDigest, roster } from '../../proofs/ceremony-people.js';
import { FakeClock } from './attempts.js';

export const ALICE = 'a11ce000-0000-4000-8000-000000000001';
export const BOB = 'b0b00000-0000-4000-8000-000000000002';
export const ADMIN = 'ad314000-0000-4000-8000-00000000000f';
export const USER_ADMINISTRATOR = 'fe930be7-5e62-47db-91af-98c3a49a38b1';
export const SECURITY_READER = '5d6b6bb7-de71-4623-b4af-96380a352509';
export const WRITER = '11111111-0000-4000-8000-000000000001';
export const READER = '22222222-0000-4000-8000-000000000002';
export const STRANGER = '33333333-0000-4000-8000-000000000003';
export const EVIDENCE: Evidence = {
  event_id: '0123456789abcdef',
  request: { payload: '', signature: '' },
  approvals: [],
  admission: { transition: 'request', envelope: { payloadType: '', payload: '', signatures: [] } },
};
type RoleIntent = IntentOf<'entra.directory_role'>;
const MINUTE = 60_000;
/** The run in which the SDK's own test environment has activities. */
export const RUN = '00000000-0000-0000-0000-000000000000';

export interface Assignment {
  principal_id: string;
  role_definition_id: string;
  directory_scope_id: string;
  ends_at: string | null;
  ticket_number: string | null;
}
export interface Call {
  method: string;
  path: string;
  status: number | null;
  client_request_id: string | null;
  action: string | null;
  validation_only: boolean;
}

export const startSimulator = (): Promise<GraphSimulator> => startGraphSimulator();

/** Activities are plain functions, whatever interface names them. */
export type Unbound<Tasks> = {
  [Name in keyof Tasks]: Tasks[Name] extends (input: infer Input) => infer Result
    ? (this: void, input: Input) => Result
    : never;
};

/** One tenant of the simulator, with Reseal's two identities, the authority's key, and a clock of its own. */
export class World {
  readonly tenant = randomUUID();
  readonly clock = new FakeClock();
  readonly authority: RoleKey = generateRoleKey();
  readonly role: RoleKey = generateRoleKey();
  readonly entries: EntryPayload[] = [];
  readonly protectedIds = new Set<string>();
  /** Those of the authority's keys that Reseal's roles know. */
  readonly authorityKeys = [this.authority.publicKey];
  verdict: ReturnType<Judge> = { ok: true };
  /** Behind which role's gate `effects` stand. */
  effectRole: SigningRole = 'effect:entra.directory_role';
  /** What the role that grants judges orders by. */
  policy: PolicyInForce = { policy, digest: policyDigest };
  roster: Roster = roster;

  constructor(private readonly simulator: GraphSimulator) {}

  /** Where the simulator listens. */
  get url(): string {
    return this.simulator.url;
  }

  /** What a role with its own application and permissions holds. */
  depsOf(applicationId: string, permissions: string[]): GraphDeps {
    return this.deps(applicationId, permissions);
  }

  private deps(applicationId: string, permissions: string[]): GraphDeps {
    return {
      access: loopbackAccess({ application_id: applicationId, base_url: this.simulator.url, permissions }),
      clock: this.clock,
      sign: (payload): Receipt => {
        this.entries.push(payload);
        return signReceipt(payload, this.role);
      },
      authorityKeys: this.authorityKeys,
      writerIds: () => new Set([WRITER]),
      protectedIds: this.protectedIds,
    };
  }

  /** What the role that grants holds. */
  get holdings(): GraphDeps {
    const groups = this.effectRole === 'effect:entra.group_membership';
    const needed = groups
      ? 'PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'
      : 'RoleAssignmentSchedule.ReadWrite.Directory';
    return this.deps(WRITER, [needed]);
  }

  get effects(): Unbound<EffectTasks & OrderTasks> {
    const deps = this.holdings;
    const tasks = takingOrders(
      { ...deps, policy: () => this.policy, roster: () => this.roster },
      directoryRoleTasks(deps),
    );
    const gate = { ...deps, role: this.effectRole, judge: () => this.verdict };
    // As the worker has it: the gate stands before every attempt.
    return {
      apply: (input) => passGate(gate, Context.current(), input, () => tasks.apply(input)),
      rollback: (input) => tasks.rollback(input),
      rollbackOnOrder: (input) => tasks.rollbackOnOrder(input),
    };
  }

  get sessions(): Unbound<SessionsTasks> {
    return sessionsTasks(this.deps(WRITER, ['User.RevokeSessions.All', 'User.Read.All']));
  }

  get verifier(): Unbound<VerifierTasks> {
    const ofGroups = ['PrivilegedAssignmentSchedule', 'PrivilegedEligibilitySchedule', 'RoleManagementPolicy'];
    const permissions = ['RoleManagement.Read.Directory', 'RoleAssignmentSchedule.Read.Directory'];
    permissions.push(...ofGroups.map((name) => `${name}.Read.AzureADGroup`));
    permissions.push('AuditLog.Read.All', 'Directory.Read.All', 'Policy.Read.All');
    return verifierTasks({ ...this.deps(READER, permissions), roleKeys: this.keysOf(this.effectRole) });
  }

  /** The one key that signs here, as this role's. */
  keysOf(role: SigningRole): RoleKeys {
    return (keyid) => (keyid === this.role.keyid ? { role, publicKey: this.role.publicKey } : undefined);
  }

  /** A word of the role that grants on an intent: of a removal or a refusal to the run under test, unless said otherwise. */
  said(signed: SignedIntent, over: Partial<EntryPayload> = {}, key = this.role): Receipt {
    const { event_id, kind } = signed.intent;
    const intent_digest = digestOf(signed.intent);
    const type = over.type ?? 'removal';
    const word = type === 'removal' ? { outcome: 'removed', word: 'revoked' } : { clean: true, run_id: RUN };
    const ofKind = kind === 'entra.directory_role' ? {} : { kind };
    const data = { intent_digest, ...ofKind, ...word, ...over.data };
    const transition = type === 'removal' ? 'removal/1' : 'not_granted';
    const at = instant(this.clock.now());
    return signReceipt({ schema: 'reseal.entry.v1', event_id, transition, type, at, ...over, data }, key);
  }

  /** What the role that grants has signed of its calls, as a ceremony would show it. */
  get shown(): Receipt[] {
    const told = this.entries.filter(({ type }) => type === 'removal' || type === 'not_granted');
    return told.slice(-4).map((entry) => signReceipt(entry, this.role));
  }

  /** An intent of the authority's: 30 minutes, and the provider's own end 10 minutes later. */
  intent(change: Partial<RoleIntent> = {}, key = this.authority): SignedIntent & { intent: RoleIntent } {
    const now = this.clock.now();
    const event_id = change.event_id ?? '0123456789abcdef';
    const deadline = change.deadline ?? instant(now + 30 * MINUTE);
    const tuple = change.tuple ?? {
      tenant_id: this.tenant,
      principal_id: ALICE,
      role_template_id: USER_ADMINISTRATOR,
      directory_scope_id: '/',
    };
    const intent = {
      schema: 'reseal.intent.v1',
      event_id,
      round: 1,
      kind: kindOfTuple(tuple),
      tuple,
      end_sessions: true,
      request_digest: '1'.repeat(64),
      policy_digest: '2'.repeat(64),
      evidence_digest: '3'.repeat(64),
      quorum: 'full',
      issued_at: instant(now),
      deadline,
      dead_man: instant(Date.parse(deadline) + 10 * MINUTE),
      marker: makeMarker({ event_id, deadline, tuple }, key.privateKey),
      ...change,
    } as RoleIntent;
    const payload = Buffer.from(canonicalJson(intent), 'utf8');
    return { intent, envelope: signDsse({ payloadType: INTENT_PAYLOAD_TYPE, payload, key }) };
  }

  /** The same about a group. */
  groupIntent(group_id: string, key = this.authority): SignedIntent {
    const tuple: Tuple = { tenant_id: this.tenant, principal_id: ALICE, group_id };
    return this.intent({ tuple: tuple as never }, key);
  }

  /** A warrant of the authority's for this intent: as long as the grant itself, unless said otherwise. */
  warrant(signed: SignedIntent, seconds = 30 * 60, key = this.authority): Promise<string> {
    return mintWarrant(signed.intent, key, this.clock.now(), seconds);
  }

  /** The data of the newest entry of a type. */
  entry(type: string): Record<string, unknown> {
    const found = this.entries.findLast((entry) => entry.type === type);
    if (found === undefined) throw new Error(`no entry ${type}`);
    return found.data;
  }

  async control(path: string, body: object): Promise<void> {
    await this.graph('GET', '/users/' + BOB, READER);
    const response = await fetch(`${this.simulator.controlUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tenant: this.tenant, ...body }),
    });
    if (!response.ok) throw new Error(await response.text());
  }

  fault(fault: object): Promise<void> {
    return this.control('/faults', fault);
  }

  faultOnGrant(fault: object): Promise<void> {
    return this.fault({ method: 'POST', action: 'adminAssign', validation_only: false, ...fault });
  }

  faultOnRemoval(fault: object): Promise<void> {
    return this.fault({ method: 'POST', action: 'adminRemove', ...fault });
  }

  async truth(): Promise<{ assignments: Assignment[]; calls: Call[]; sessions_revoked: unknown[] }> {
    await this.graph('GET', '/users/' + BOB, READER);
    const response = await fetch(`${this.simulator.controlUrl}/truth?tenant=${this.tenant}`);
    return (await response.json()) as { assignments: Assignment[]; calls: Call[]; sessions_revoked: unknown[] };
  }

  /** The writing calls that reached Graph, in their order. */
  async posts(): Promise<Call[]> {
    return (await this.truth()).calls.filter(({ method }) => method === 'POST');
  }

  /** A call of anybody's, at the tenant's time. `who` is an application id, or `user:<object id>`. */
  async graph(method: string, path: string, who: string, body?: object): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.simulator.url}/v1.0${path}`, {
      method,
      headers: {
        authorization: `Bearer sim.${this.tenant}.${who}.`,
        'content-type': 'application/json',
        'x-reseal-now': instant(this.clock.now()),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  }

  /** adminAssign for the intent's tuple by anybody, with any marker. */
  async assign(signed: SignedIntent, who: string, change: object = {}): Promise<void> {
    const { tuple, marker, dead_man } = signed.intent;
    const answer = await this.graph('POST', pimFamily(tuple).requests, who, {
      action: 'adminAssign',
      ...pimFamily(tuple).bodyOf(pimTuple(tuple)),
      justification: marker.justification,
      ticketInfo: { ticketNumber: marker.ticket_number, ticketSystem: marker.ticket_system },
      scheduleInfo: { expiration: { type: 'afterDateTime', endDateTime: dead_man } },
      ...change,
    });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  }
}

/** Runs with Graph's lists under this path empty, as long as `now` says so: lists have been seen to leave things out. */
export async function withEmptyList<T>(resource: string, run: () => Promise<T>, now = (): boolean => true): Promise<T> {
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const url = typeof input === 'string' ? input : input instanceof URL ? input.href : input.url;
    if (!url.includes(`/${resource}?`) || !now()) return real(input, init);
    const headers = { 'content-type': 'application/json' };
    return Promise.resolve(new Response(JSON.stringify({ value: [] }), { headers }));
  };
  try {
    return await run();
  } finally {
    globalThis.fetch = real;
  }
}
