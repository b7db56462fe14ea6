import type { EffectTasks } from '../../../domain/tasks.js';
import { applyDirectoryRole } from './directory-role-apply.js';
import { rollbackDirectoryRole } from './directory-role-rollback.js';
import type { GraphDeps } from '../effect-deps.js';

/** The activities of the role that grants and removes directory roles through PIM. `grantGate` stands before them. */
export function directoryRoleTasks(deps: GraphDeps): EffectTasks {
  return { apply: applyDirectoryRole(deps), rollback: rollbackDirectoryRole(deps) };
}
