import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { directoryRoleTasks } from '../activities/graph/pim/directory-role.js';
import { removeDirectoryRole, writeDirectoryRole } from '../activities/tools/change-directory-role.js';
import { noteEnded } from '../activities/tools/note-ended.js';
import { readDirectoryRole } from '../activities/tools/read-directory-role.js';
import { takeModelReceipt } from '../activities/tools/take-model-receipt.js';
import type { ToolDeps } from '../activities/tools/tool-deps.js';
import { toolGate } from '../activities/tools/tool-gate.js';
import { toolTasks } from '../activities/tools/tool-tasks.js';
import { UsedProofs } from '../activities/tools/used-proofs.js';
import type { ToolTasks } from '../domain/job-tasks.js';
import { TOOL_ROLES, type Role, type ToolRole } from '../domain/roles.js';
import { signReceipt } from '../proofs/receipt.js';
import { authorityKeyOf, grantGateDeps, graphDeps } from './role-tasks.js';
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

function verbsOf(role: ToolRole, context: RoleContext): Pick<ToolDeps, 'verbs' | 'entries'> {
  if (role === 'verifier') {
    const { model_receipt_keys = [] } = sectionOf(context.settings, 'verifier');
    const verbs = {
      read: readDirectoryRole(graphDeps(context, role, 'verifier')),
      ended: noteEnded,
      receipt: takeModelReceipt(model_receipt_keys),
    };
    const done = { read: 'tool_read', ended: 'job_ended', receipt: 'model_receipt' } as const;
    return { verbs, entries: { done, refused: 'tool_refused' } };
  }
  const gate = grantGateDeps(context);
  const tasks = directoryRoleTasks(gate);
  return {
    verbs: { write: writeDirectoryRole(gate, tasks), remove: removeDirectoryRole(tasks) },
    entries: { done: { write: 'tool_wrote', remove: 'tool_removed' }, refused: 'tool_change_refused' },
  };
}
