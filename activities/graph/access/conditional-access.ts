import type { EffectTasks } from '../../../domain/tasks.js';
import { applyAccess } from './access-apply.js';
import type { AccessDeps } from './access-deps.js';
import { rollbackAccess } from './access-rollback.js';

/** The activities of the role that edits Conditional Access policies. `grantGate` stands before them. */
export function conditionalAccessTasks(deps: AccessDeps): EffectTasks {
  return { apply: applyAccess(deps), rollback: rollbackAccess(deps) };
}
