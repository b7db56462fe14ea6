import { Context } from '@temporalio/activity';
import { expect } from 'vitest';

import { conditionalAccessTasks } from '../../../../activities/graph/access/conditional-access.js';
import { passGate } from '../../../../activities/graph/grant/grant-gate.js';
import { Turns } from '../../../../activities/graph/access/turns.js';
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
import type { EffectTasks, VerifierTasks } from '../../../../domain/tasks.js';
import { canonicalJson } from '../../../../proofs/canonical-json.js';
import { signDsse } from '../../../../proofs/dsse.js';
import { makeMarker } from '../../../../proofs/marker.js';
import { mintWarrant } from '../../../../proofs/warrant.js';
import { runAttempts, type RunOptions } from '../attempts.js';
import { MINUTE } from '../in-a-world.js';
import { ALICE, EVIDENCE, READER, type Unbound, type World } from '../world.js';

export const POLICY = 'ca000000-0000-4000-8000-000000000001';
export const PATH = `/identity/conditionalAccess/policies/${POLICY}`;
export const EDITOR = '44444444-0000-4000-8000-000000000004';
const EVENT = '0123456789abcdef';

export type AccessKind = 'entra.ca_exclusion' | 'entra.ca_policy';

/** A tenant with one policy for everybody, the role that edits it, and the second identity. */
export class AccessWorld {
  readonly turns = new Turns();
  endMark: () => Promise<string | undefined> = () => Promise.resolve(undefined);

  constructor(readonly world: World) {}

  policy(body: object = {}): Promise<void> {
    return this.world.control('/access-policies', { id: POLICY, display_name: 'Require MFA', ...body });
  }

  /** The policy as it really stands. */
  async truth(): Promise<{ state: string; excluded: string[] }> {
    const { access_policies } = (await this.world.truth()) as unknown as {
      access_policies: { state: string; conditions: { users: { excludeUsers: string[] } } }[];
    };
    const [policy] = access_policies;
    return { state: policy?.state ?? 'deleted', excluded: policy?.conditions.users.excludeUsers ?? [] };
  }

  async patches(): Promise<number> {
    return (await this.world.truth()).calls.filter(({ method }) => method === 'PATCH').length;
  }

  private get deps() {
    const permissions = ['Policy.Read.All', 'Policy.ReadWrite.ConditionalAccess'];
    return { ...this.world.depsOf(EDITOR, permissions), turns: this.turns, accessWriterIds: new Set([EDITOR]) };
  }

  get tasks(): Unbound<EffectTasks> {
    const { deps } = this;
    const tasks = conditionalAccessTasks(deps);
    const role = 'effect:entra.conditional_access' as const;
    const gate = { ...deps, role, judge: () => this.world.verdict, endMark: () => this.endMark() };
    return {
      apply: (input) => passGate(gate, Context.current(), input, () => tasks.apply(input)),
      rollback: (input) => tasks.rollback(input),
    };
  }

  get verifier(): Unbound<VerifierTasks> {
    const permissions = ['Policy.Read.All', 'AuditLog.Read.All', 'Directory.Read.All', 'User.Read.All'];
    return verifierTasks({ ...this.world.depsOf(READER, permissions), accessWriterIds: new Set([EDITOR]) });
  }

  intent(kind: AccessKind = 'entra.ca_exclusion', change: Partial<Intent> = {}): SignedIntent {
    const now = this.world.clock.now();
    const of = { tenant_id: this.world.tenant, principal_id: ALICE };
    const target =
      kind === 'entra.ca_exclusion'
        ? ({ kind, tuple: { ...of, policy_id: POLICY } } as const)
        : ({ kind, tuple: { ...of, disabled_policy_id: POLICY } } as const);
    const deadline = instant(now + 30 * MINUTE);
    const { authority } = this.world;
    const intent = {
      schema: 'reseal.intent.v1',
      event_id: EVENT,
      round: 1,
      ...target,
      end_sessions: true,
      request_digest: '1'.repeat(64),
      policy_digest: '2'.repeat(64),
      evidence_digest: '3'.repeat(64),
      quorum: 'full',
      issued_at: instant(now),
      deadline,
      dead_man: null,
      marker: makeMarker({ event_id: EVENT, deadline, tuple: target.tuple }, authority.privateKey),
      ...change,
    } as Intent;
    const payload = Buffer.from(canonicalJson(intent), 'utf8');
    return { intent, envelope: signDsse({ payloadType: INTENT_PAYLOAD_TYPE, payload, key: authority }) };
  }

  async apply(signed: SignedIntent, options: RunOptions = {}, first = true) {
    const { world } = this;
    const warrant = await mintWarrant(signed.intent, world.authority, world.clock.now(), 30 * 60);
    const ran = await runAttempts(
      this.tasks.apply,
      { signed, evidence: EVIDENCE, warrant, first },
      world.clock,
      options,
    );
    expect(applyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
    return ran;
  }

  async granted(signed: SignedIntent): Promise<void> {
    expect((await this.apply(signed)).result).toMatchObject({ outcome: 'granted' });
  }

  async rollback(signed: SignedIntent, input: { refused?: true } = {}, options: RunOptions = {}) {
    const ran = await runAttempts(this.tasks.rollback, { signed, round: 1, ...input }, this.world.clock, options);
    expect(rollbackOutcomeSchema.parse(ran.result)).toEqual(ran.result);
    return ran;
  }

  async checked(signed: SignedIntent, survey: Survey | null, input: { refused?: true } = {}) {
    const asked = { signed, survey, round: 1, settle_until: null, patience: 3, ...input };
    const ran = await runAttempts(this.verifier.verifyRolledBack, asked, this.world.clock, { maxAttempts: 200 });
    return { ...ran, outcome: absenceOutcomeSchema.parse(ran.result) };
  }

  request(kind: AccessKind = 'entra.ca_exclusion', over: object = {}): Request {
    return {
      event_id: EVENT,
      profile: 'mfa-out',
      reason_code: 'incident',
      justification: 'the second factor is down for everybody tonight',
      ticket: null,
      duration_seconds: 1800,
      invoker: { person: 'alice', upn: 'alice@example.test' },
      principal: { object_id: ALICE, upn: 'alice@example.test' },
      effect: {
        kind,
        tenant_id: this.world.tenant,
        policy_id: POLICY,
        policy_name: 'Require MFA',
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
