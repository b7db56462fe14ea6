import type { DirectoryRoleTasks } from '../../domain/tasks.js';
import { applyDirectoryRole, type ApplyDeps } from './directory-role-apply.js';
import { rollbackDirectoryRole } from './directory-role-rollback.js';

/** The activities of the role that grants and removes directory roles through PIM. */
export function directoryRoleTasks(deps: ApplyDeps): DirectoryRoleTasks {
  return { apply: applyDirectoryRole(deps), rollback: rollbackDirectoryRole(deps) };
}
