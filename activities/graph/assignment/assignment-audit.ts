import { instant } from '../../../domain/identifiers.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { assignmentIntent } from './assignment-intent.js';
import { readMembershipChanges, type MembershipChange } from './assignment-log.js';
import type { GraphDeps } from '../effect-deps.js';
import { auditLog } from '../log-audit.js';

const MAX_OTHERS = 20;

/**
 * Minutes after the end: the directory's audit log has the role given by our application and, after it, taken away by
 * whomever; with them what others did with the same person and role meanwhile. `missing` after a day. It gates nothing.
 */
export const auditAssignment = (deps: GraphDeps): VerifierTasks['audit'] =>
  auditLog(deps, (intent) => ({
    read: (graph) => readMembershipChanges(graph, assignmentIntent(intent), deps.assignmentWriterIds ?? new Set()),
    tell: (changes) => toldChanges(changes ?? []),
  }));

function toldChanges(changes: readonly MembershipChange[]) {
  // The window of an extended ceremony may reach back to one before it.
  const added = changes.findLast((change) => change.ours && change.added);
  const removed = changes.find((change) => added !== undefined && !change.added && change.at >= added.at);
  const others = changes.filter((change) => !change.ours && change !== removed);
  return {
    added: added === undefined ? null : told(added),
    removed: removed === undefined ? null : told(removed),
    others: others.slice(0, MAX_OTHERS).map(told),
  };
}

const told = ({ id, added, at, by }: MembershipChange) => ({
  id: id.slice(0, 100),
  activity: added ? 'Add member to role' : 'Remove member from role',
  at: instant(at),
  by,
});
