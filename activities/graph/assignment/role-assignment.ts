import type { EffectTasks } from '../../../domain/tasks.js';
import { applyAssignment } from './assignment-apply.js';
import { rollbackAssignment } from './assignment-rollback.js';
import type { GraphDeps } from '../effect-deps.js';

/** The activities of the role that assigns roles outside PIM. `grantGate` stands before them. */
export function roleAssignmentTasks(deps: GraphDeps): EffectTasks {
  return { apply: applyAssignment(deps), rollback: rollbackAssignment(deps) };
}
