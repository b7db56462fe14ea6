import type { Granted } from './kill-state.js';

const GRAPH = 'https://graph.microsoft.com/v1.0/roleManagement/directory';
/** What Graph's ids and scopes are made of: nothing of it means anything to a shell within single quotes. */
const PLAIN = /^[A-Za-z0-9/_-]{1,200}$/;

/**
 * The command by which an operator takes back one role that the principal gave to somebody, with the Azure CLI and the
 * operator's own rights; null for what does not stand, is not a role, or is not plain enough to be pasted into a shell.
 */
export function removalCommand(granted: Granted): string | null {
  const { via, standing, principal_id, role_template_id, directory_scope_id, assignment_id } = granted;
  if (standing !== true) return null;
  if (via === 'direct') {
    if (assignment_id === null || !PLAIN.test(assignment_id)) return null;
    return `az rest --method DELETE --url '${GRAPH}/roleAssignments/${assignment_id}'`;
  }
  const ids = [principal_id, role_template_id, directory_scope_id];
  if (via !== 'pim' || !ids.every((id) => id !== null && PLAIN.test(id))) return null;
  const body = JSON.stringify({
    action: 'adminRemove',
    principalId: principal_id,
    roleDefinitionId: role_template_id,
    directoryScopeId: directory_scope_id,
    justification: 'granted by a principal whose break-glass ceremony was killed',
  });
  return `az rest --method POST --url '${GRAPH}/roleAssignmentScheduleRequests' --body '${body}'`;
}
