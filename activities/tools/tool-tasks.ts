import type { ToolTasks } from '../../domain/job-tasks.js';
import { admittedCall } from './admitted-call.js';
import { doneCall, refusedCall } from './call-receipt.js';
import type { ToolDeps } from './tool-deps.js';

/** The activity by which a role's tools are called. `toolGate` stands before it. */
export function toolTasks(deps: ToolDeps): ToolTasks {
  return {
    tool: async () => {
      const call = admittedCall();
      const verb = deps.verbs[call.verb];
      if (verb === undefined) throw new TypeError(`${deps.role} does not ${call.verb}`);
      const answered = await verb(call);
      return answered.ok ? doneCall(deps, call, answered) : refusedCall(deps, call.input, answered, call.claims);
    },
  };
}
