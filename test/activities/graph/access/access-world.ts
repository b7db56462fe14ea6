import { Context } from '@temporalio/activity';

import { conditionalAccessTasks } from '../../../../activities/graph/access/conditional-access.js';
import { passGate } from '../../../../activities/graph/grant/grant-gate.js';
import { Turns } from '../../../../activities/graph/access/turns.js';
import { verifierTasks } from '../../../../activities/graph/verifier.js';
import type { Intent, SignedIntent } from '../../../../domain/intent.js';
import type { Request } from '../../../../domain/request.js';
import type { EffectTasks, VerifierTasks } from '../../../../domain/tasks.js';
import { ChangeWorld } from '../change-world.js';
import { ALICE, READER, type Unbound } from '../world.js';

export const POLICY = 'ca000000-0000-4000-8000-000000000001';
export const PATH = `/identity/conditionalAccess/policies/${POLICY}`;
export const EDITOR = '44444444-0000-4000-8000-000000000004';

export type AccessKind = 'entra.ca_exclusion' | 'entra.ca_policy';

/** A tenant with one policy for everybody, the role that edits it, and the second identity. */
export class AccessWorld extends ChangeWorld {
  readonly turns = new Turns();

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
    return verifierTasks({
      ...this.world.depsOf(READER, permissions),
      roleKeys: this.world.keysOf('effect:entra.conditional_access'),
      accessWriterIds: new Set([EDITOR]),
    });
  }

  intent(kind: AccessKind = 'entra.ca_exclusion', change: Partial<Intent> = {}): SignedIntent {
    const of = { tenant_id: this.world.tenant, principal_id: ALICE };
    const target =
      kind === 'entra.ca_exclusion'
        ? ({ kind, tuple: { ...of, policy_id: POLICY } } as const)
        : ({ kind, tuple: { ...of, disabled_policy_id: POLICY } } as const);
    return this.signedIntent(target, change);
  }

  request(kind: AccessKind = 'entra.ca_exclusion', over: object = {}): Request {
    const tenant_id = this.world.tenant;
    const effect = { kind, tenant_id, policy_id: POLICY, policy_name: 'Require MFA', end_sessions: true, ...over };
    return this.requestFor(effect, {});
  }
}
