import { changesOfOthers, isUntouched } from '../../../domain/exclusions.js';
import { begunAfter } from '../../../domain/extension.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { accessOf, type AccessIntent } from './access-intent.js';
import { readChanges, turned, type AccessChange } from './access-log.js';
import type { GraphDeps } from '../effect-deps.js';
import type { GraphSession } from '../wire/graph-session.js';
import { auditLog } from '../log-audit.js';
import { readSignIns } from './sign-ins.js';

/** Reads of the sign-ins that may fail before the entry says that they could not be read. */
const SIGN_IN_READS = 3;
const MAX_OTHERS = 20;

/**
 * Minutes after the end: the directory's audit log has our change of the policy and, after it, that it was taken back; with
 * them what others changed in it, whether ours undid any of that, and the sign-ins of the window. `missing` after a day. It
 * gates nothing; sign-ins that cannot be read are said to be so, and not waited for.
 */
export const auditAccess = (deps: GraphDeps): VerifierTasks['audit'] =>
  auditLog(deps, (intent) => {
    const access = accessOf(intent);
    return {
      read: (graph) => readChanges(graph, access, deps.accessWriterIds ?? new Set()),
      tell: (changes) => (changes === null ? { added: null, removed: null } : toldChanges(changes, access)),
      besides: async (graph, { ended_at, attempt, expired, again }) => {
        const sign_ins = await signIns(graph, access, epochMs(ended_at));
        if (sign_ins === undefined && attempt < SIGN_IN_READS && !expired)
          throw again('sign_ins_unread', 'the sign-in log could not be read', 30_000);
        return { sign_ins: sign_ins ?? { unreadable: true } };
      },
    };
  });

/** Those of the principal; where the policy was off for everybody, everybody's. Undefined where the log could not be read. */
async function signIns(graph: GraphSession, { intent, tuple }: AccessIntent, until: number) {
  const user_id = intent.kind === 'entra.ca_policy' ? null : tuple.principal_id;
  const asked = { user_id, from: begunAfter(intent), until, policy_id: tuple.policy_id };
  const answer = await readSignIns(graph, asked);
  if (answer.ok) return answer.value;
  const { kind, code } = answer.failure;
  // What Graph refuses for good (no permission, no licence) is said with its code.
  return kind === 'denied' || kind === 'refused' ? { unreadable: code.slice(0, 100) } : undefined;
}

function toldChanges(changes: readonly AccessChange[], access: AccessIntent) {
  // The window of an extended ceremony may reach back to one before it.
  const on = changes.findLast((change) => change.ours && turned(change, access) === 'on');
  const off = changes.find((change) => on !== undefined && change.at >= on.at && turned(change, access) === 'off');
  const others = changes.filter((change) => !change.ours);
  const undone = changes.filter((change) => change.ours).flatMap((change) => undoneBy(change, access));
  return {
    added: on === undefined ? null : told(on),
    removed: off === undefined ? null : told(off),
    others: others.slice(0, MAX_OTHERS).map(told),
    others_count: others.length,
    /** Users whom a write of ours put in or took out besides the one it was about: another's change that was lost. */
    undone: undone.slice(0, MAX_OTHERS),
  };
}

/** Graph replaces the array whole: a write made from an old read undoes another's. Its own log shows that. */
function undoneBy({ id, before, after }: AccessChange, { tuple }: AccessIntent): Record<string, unknown>[] {
  if (before === undefined || after === undefined) return [];
  const { exclude_users: was } = before.reach;
  const changed = changesOfOthers(was, after.reach.exclude_users, tuple.principal_id);
  return isUntouched(changed) ? [] : [{ id, ...changed }];
}

const told = ({ id, at, by, before, after }: AccessChange) => ({
  id: id.slice(0, 100),
  at: Number.isNaN(at) ? null : instant(at),
  by,
  policy_sha256_before: before?.digest ?? null,
  policy_sha256: after?.digest ?? null,
});
