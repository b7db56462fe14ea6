import { Context } from '@temporalio/activity';

import { passGate } from '../../../../activities/graph/grant/grant-gate.js';
import { takingOrders } from '../../../../activities/graph/grant/ordered-rollback.js';
import { roleAssignmentTasks } from '../../../../activities/graph/assignment/role-assignment.js';
import { verifierTasks } from '../../../../activities/graph/verifier.js';
import type { Intent, SignedIntent } from '../../../../domain/intent.js';
import type { Request } from '../../../../domain/request.js';
import type { EffectTasks, OrderTasks, VerifierTasks } from '../../../../domain/tasks.js';
import { ChangeWorld } from '../change-world.js';
import { ALICE, READER, USER_ADMINISTRATOR, type Assignment, type Unbound } from '../world.js';

export const ASSIGNER = '55555555-0000-4000-8000-000000000005';
export const ASSIGNMENTS = '/roleManagement/directory/roleAssignments';

/** A tenant without PIM, the role that assigns roles in it, and the second identity. */
export class AssignmentWorld extends ChangeWorld {
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
      roleKeys: this.world.keysOf('effect:entra.role_assignment'),
      assignmentWriterIds: new Set([ASSIGNER]),
    });
  }

  intent(change: Partial<Intent> = {}): SignedIntent {
    const tuple = {
      tenant_id: this.world.tenant,
      principal_id: ALICE,
      assigned_role_template_id: USER_ADMINISTRATOR,
      directory_scope_id: '/',
    };
    return this.signedIntent({ kind: 'entra.role_assignment', tuple }, change);
  }

  request(over: object = {}): Request {
    const effect = {
      kind: 'entra.role_assignment',
      tenant_id: this.world.tenant,
      role_template_id: USER_ADMINISTRATOR,
      role_name: 'User Administrator',
      directory_scope_id: '/',
      end_sessions: true,
      ...over,
    };
    return this.requestFor(effect as Request['effect'], { profile: 'user-admin' });
  }
}
