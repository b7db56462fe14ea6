import { Context } from '@temporalio/activity';
import { expect } from 'vitest';

import { passGate } from '../../../../activities/graph/grant/grant-gate.js';
import { takingOrders } from '../../../../activities/graph/grant/ordered-rollback.js';
import { roleAssignmentTasks } from '../../../../activities/graph/assignment/role-assignment.js';
import { verifierTasks } from '../../../../activities/graph/verifier.js';
import { instant } from '../../../../domain/identifiers.js';
import { INTENT_PAYLOAD_TYPE, type Intent, type SignedIntent } from '../../../../domain/intent.js';
import {
  absenceOutcomeSchema,
  applyOutcomeSchema,
  rollbackOutcomeSchema,
  type Survey,
} from '../../../../domain/outcomes.js';
import type { Request } from '../../../../domain/request.js';
import type { EffectTasks, OrderTasks, VerifierTasks } from '../../../../domain/tasks.js';
import { canonicalJson } from '../../../../proofs/canonical-json.js';
import { signDsse } from '../../../../proofs/dsse.js';
import { makeMarker } from '../../../../proofs/marker.js';
import { mintWarrant } from '../../../../proofs/warrant.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { MINUTE } from '../in-a-world.js';
import { ALICE, EVIDENCE, READER, USER_ADMINISTRATOR, type Assignment, type Unbound, type World } from '../world.js';

export const ASSIGNER = '55555555-0000-4000-8000-000000000005';
export const ASSIGNMENTS = '/roleManagement/directory/roleAssignments';
const EVENT = '0123456789abcdef';
type Rest = Omit<Parameters<EffectTasks['rollback']>[0], 'signed' | 'round'> & { round?: number };

/** A tenant without PIM, the role that assigns roles in it, and the second identity. */
export class AssignmentWorld {
  endMark: () => Promise<string | undefined> = () => Promise.resolve(undefined);

  constructor(readonly world: World) {}

  /** What really stands for the tuple. */
  async standing(): Promise<Assignment[]> {
    const { assignments } = await this.world.truth();
    return assignments.filter((one) => one.principal_id === ALICE && one.role_definition_id === USER_ADMINISTRATOR);
  }

  /** How many calls of a method reached Graph's assignments. */
  async sent(method: 'POST' | 'DELETE'): Promise<number> {
    const { calls } = await this.world.truth();
    return calls.filter((call) => call.method === method && call.path.includes('roleAssignments')).length;
  }

  /** Another administrator's hand. */
  outside(body: object = {}): Promise<void> {
    const held = { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR, via: 'direct' };
    return this.world.control('/assignments', { ...held, ...body });
  }

  get tasks(): Unbound<EffectTasks & OrderTasks> {
    const { world } = this;
    const deps = {
      ...world.depsOf(ASSIGNER, ['RoleManagement.ReadWrite.Directory']),
      assignmentWriterIds: new Set([ASSIGNER]),
    };
    const orders = { ...deps, policy: () => world.policy, roster: () => world.roster };
    const tasks = takingOrders(orders, roleAssignmentTasks(deps));
    const role = 'effect:entra.role_assignment' as const;
    const gate = { ...deps, role, judge: () => world.verdict, endMark: () => this.endMark() };
    return {
      apply: (input) => passGate(gate, Context.current(), input, () => tasks.apply(input)),
      rollback: (input) => tasks.rollback(input),
      rollbackOnOrder: (input) => tasks.rollbackOnOrder(input),
    };
  }

  /** Without a permission of PIM's: there is none in the tenant. */
  get verifier(): Unbound<VerifierTasks> {
    const permissions = ['RoleManagement.Read.Directory', 'AuditLog.Read.All', 'Directory.Read.All', 'User.Read.All'];
    return verifierTasks({
      ...this.world.depsOf(READER, permissions),
      assignmentWriterIds: new Set([ASSIGNER]),
    });
  }

  intent(change: Partial<Intent> = {}): SignedIntent {
    const { authority, clock, tenant } = this.world;
    const deadline = instant(clock.now() + 30 * MINUTE);
    const tuple = {
      tenant_id: tenant,
      principal_id: ALICE,
      assigned_role_template_id: USER_ADMINISTRATOR,
      directory_scope_id: '/',
    };
    const intent = {
      schema: 'reseal.intent.v1',
      event_id: EVENT,
      round: 1,
      kind: 'entra.role_assignment',
      tuple,
      end_sessions: true,
      request_digest: '1'.repeat(64),
      policy_digest: '2'.repeat(64),
      evidence_digest: '3'.repeat(64),
      quorum: 'full',
      issued_at: instant(clock.now()),
      deadline,
      dead_man: null,
      marker: makeMarker({ event_id: EVENT, deadline, tuple }, authority.privateKey),
      ...change,
    } as Intent;
    const payload = Buffer.from(canonicalJson(intent), 'utf8');
    return { intent, envelope: signDsse({ payloadType: INTENT_PAYLOAD_TYPE, payload, key: authority }) };
  }

  async apply(signed: SignedIntent, options: RunOptions = {}, first = true) {
    const { authority, clock } = this.world;
    const warrant = await mintWarrant(signed.intent, authority, clock.now(), 30 * 60);
    const ran = await runAttempts(this.tasks.apply, { signed, evidence: EVIDENCE, warrant, first }, clock, options);
    expect(applyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
    return ran;
  }

  /** The id that Graph gave it. */
  async granted(signed: SignedIntent): Promise<string> {
    const { result } = await this.apply(signed);
    if (result.outcome !== 'granted') throw new Error(JSON.stringify(result));
    return result.provider_request_id;
  }

  async rollback(signed: SignedIntent, input: Rest = {}, options: RunOptions = {}) {
    const ran = await runAttempts(this.tasks.rollback, { signed, round: 1, ...input }, this.world.clock, options);
    expect(rollbackOutcomeSchema.parse(ran.result)).toEqual(ran.result);
    return ran;
  }

  async checked(signed: SignedIntent, survey: Survey | null, input: { refused?: true } = {}) {
    const asked = { signed, survey, round: 1, settle_until: null, patience: 3, ...input };
    const ran = await runAttempts(this.verifier.verifyRolledBack, asked, this.world.clock, { maxAttempts: 200 });
    return { ...ran, outcome: absenceOutcomeSchema.parse(ran.result) };
  }

  request(over: object = {}): Request {
    return {
      event_id: EVENT,
      profile: 'user-admin',
      reason_code: 'incident',
      justification: 'people are locked out and nobody can unlock them',
      ticket: null,
      duration_seconds: 1800,
      invoker: { person: 'alice', upn: 'alice@example.test' },
      principal: { object_id: ALICE, upn: 'alice@example.test' },
      effect: {
        kind: 'entra.role_assignment',
        tenant_id: this.world.tenant,
        role_template_id: USER_ADMINISTRATOR,
        role_name: 'User Administrator',
        directory_scope_id: '/',
        end_sessions: true,
        ...over,
      },
      policy_digest: '2'.repeat(64),
      requested_at: '2026-06-01T10:00:00.000Z',
    };
  }

  async survey(request = this.request()) {
    const input = { request, request_digest: '1'.repeat(64) };
    return (await runAttempts(this.verifier.survey, input, this.world.clock)).result;
  }

  async surveyed(): Promise<Survey> {
    const outcome = await this.survey();
    if (outcome.outcome !== 'surveyed') throw new Error(outcome.message);
    return outcome.survey;
  }
}
