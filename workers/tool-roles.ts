import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { roleAssignmentTasks } from '../activities/graph/assignment/role-assignment.js';
import { directoryRoleTasks } from '../activities/graph/pim/directory-role.js';
import { removeRoleAssignment, writeRoleAssignment } from '../activities/tools/change-role-assignment.js';
import { removeThroughPim, writeThroughPim } from '../activities/tools/change-through-pim.js';
import { noteEnded } from '../activities/tools/note-ended.js';
import { readRoleAssignment } from '../activities/tools/read-role-assignment.js';
import { readThroughPim } from '../activities/tools/read-through-pim.js';
import { takeModelReceipt } from '../activities/tools/take-model-receipt.js';
import type { ToolDeps, Verb } from '../activities/tools/tool-deps.js';
import { toolGate } from '../activities/tools/tool-gate.js';
import { toolTasks } from '../activities/tools/tool-tasks.js';
import { UsedProofs } from '../activities/tools/used-proofs.js';
import type { EffectKind } from '../domain/effects/effects.js';
import type { ToolTasks } from '../domain/job-tasks.js';
import { TOOL_ROLES, type Role, type ToolRole } from '../domain/roles.js';
import { signReceipt } from '../proofs/receipt.js';
import { graphDeps } from './graph-deps.js';
import { authorityKeyOf, grantGateDeps } from './role-tasks.js';
import { keyOf, type RoleContext } from './role-context.js';
import { sectionOf } from './settings.js';

/** The tools of a role, and what stands before them; undefined for a role that has none. */
export function toolsOfRole(
  role: Role,
  context: RoleContext,
): { tasks: ToolTasks; gate: ActivityInterceptorsFactory } | undefined {
  if (!isToolRole(role)) return undefined;
  const deps = toolDeps(role, context);
  return { tasks: toolTasks(deps), gate: toolGate(deps) };
}

const isToolRole = (role: Role): role is ToolRole => (TOOL_ROLES as readonly Role[]).includes(role);

function toolDeps(role: ToolRole, context: RoleContext): ToolDeps {
  const { clock, contracts } = context;
  const key = keyOf(context, role);
  return {
    role,
    clock,
    sign: (payload) => signReceipt(payload, key),
    authorityKey: authorityKeyOf(context),
    carrying: (digest, nowMs) => contracts.carrying(digest, nowMs),
    used: new UsedProofs(clock),
    ...verbsOf(role, context),
  };
}

/** The kind whose changes each role that changes something makes. */
const KIND_OF = {
  'effect:entra.directory_role': 'entra.directory_role',
  'effect:entra.group_membership': 'entra.group_membership',
  'effect:entra.role_assignment': 'entra.role_assignment',
} as const satisfies Record<Exclude<ToolRole, 'verifier'>, EffectKind>;

function verbsOf(role: ToolRole, context: RoleContext): Pick<ToolDeps, 'verbs' | 'entries' | 'kind'> {
  if (role === 'verifier') {
    const { model_receipt_keys = [] } = sectionOf(context.settings, 'verifier');
    const verbs = { read: readOf(context), ended: noteEnded, receipt: takeModelReceipt(model_receipt_keys) };
    const done = { read: 'tool_read', ended: 'job_ended', receipt: 'model_receipt' } as const;
    return { verbs, entries: { done, refused: 'tool_refused' } };
  }
  const done = { write: 'tool_wrote', remove: 'tool_removed' } as const;
  const entries = { done, refused: 'tool_change_refused' } as const;
  return { verbs: changesOf(role, context), entries, kind: KIND_OF[role] };
}

function readOf(context: RoleContext): Verb {
  const deps = graphDeps(context, 'verifier', 'verifier');
  const [throughPim, plain] = [readThroughPim(deps), readRoleAssignment(deps)];
  return (call) => (call.signed.intent.kind === 'entra.role_assignment' ? plain(call) : throughPim(call));
}

function changesOf(role: keyof typeof KIND_OF, context: RoleContext): ToolDeps['verbs'] {
  const gate = grantGateDeps(context, role);
  if (role === 'effect:entra.role_assignment') {
    const tools = { gate, tasks: roleAssignmentTasks(gate), roleKeys: context.trust.keyOf };
    return { write: writeRoleAssignment(tools), remove: removeRoleAssignment(tools) };
  }
  const tasks = directoryRoleTasks(gate);
  return { write: writeThroughPim(gate, tasks), remove: removeThroughPim(tasks) };
}
