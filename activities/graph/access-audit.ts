import { z } from 'zod';

import { changesOfOthers, isUntouched } from '../../domain/exclusions.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { VerifierTasks } from '../../domain/tasks.js';
import { accessOf, type AccessIntent } from './access-intent.js';
import { readChanges, turned, type AccessChange } from './access-log.js';
import { Attempt } from './attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from './effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor } from './graph-error.js';
import type { GraphSession } from './graph-session.js';
import { readSignIns } from './sign-ins.js';

/** The logs are minutes late: earlier reads would only cost quota. */
const SETTLE_MS = 15 * 60_000;
const GIVE_UP_MS = 24 * 3_600_000;
const FIRST_AGAIN_MS = 10 * 60_000;
const LONGEST_AGAIN_MS = 60 * 60_000;
/** Reads of the sign-ins that may fail before the entry says that they could not be read. */
const SIGN_IN_READS = 3;
const MAX_OTHERS = 20;

const progressSchema = z.object({
  reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});

/**
 * Minutes after the end: the directory's audit log has our change of the policy and, after it, that it was taken back; with
 * them what others changed in it, whether ours undid any of that, and the sign-ins of the window. `missing` after a day. It
 * gates nothing; sign-ins that cannot be read are said to be so, and not waited for.
 */
export function auditAccess(deps: GraphDeps): VerifierTasks['audit'] {
  return ({ signed, ended_at }) =>
    Attempt.run(progressSchema, { reads: 0, client_request_ids: [] }, async (attempt) => {
      requireAuthentic(signed, deps);
      const access = accessOf(signed.intent);
      const settled = epochMs(ended_at) + SETTLE_MS;
      const begun = deps.clock.now();
      if (begun < settled) throw waitFor('audit_not_due', 'the audit log is minutes late', settled - begun);
      const graph = openSession(deps, access.tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const changes = await readChanges(graph, access, deps.accessWriterIds ?? new Set());
      const now = deps.clock.now();
      const reads = attempt.details.reads + 1;
      attempt.keep({ reads, client_request_ids: ids() });
      const expired = now >= epochMs(ended_at) + GIVE_UP_MS;
      if (!changes.ok && !expired)
        throw toApplicationFailure(changes.failure, Math.max(10_000, backoffMs(changes.failure, attempt.number)));
      const told = changes.ok ? toldChanges(changes.value, access) : { added: null, removed: null };
      const complete = told.added !== null && told.removed !== null;
      const again = Math.min(LONGEST_AGAIN_MS, FIRST_AGAIN_MS * 2 ** Math.min(10, reads - 1));
      if (!complete && !expired) throw waitFor('audit_incomplete', 'rows are still missing', again);
      const sign_ins = await signIns(graph, access, epochMs(ended_at));
      if (sign_ins === undefined && attempt.number < SIGN_IN_READS && !expired) {
        attempt.keep({ client_request_ids: ids() });
        throw waitFor('sign_ins_unread', 'the sign-in log could not be read', 30_000);
      }
      const outcome = complete ? ('audited' as const) : ('missing' as const);
      const rest = { ...told, sign_ins: sign_ins ?? { unreadable: true }, log_readable: changes.ok };
      const data = { outcome, ended_at, ...rest, reads, client_request_ids: ids() };
      const receipt = receiptOf(deps, access.intent, { type: 'audited', transition: 'audited', data });
      return { outcome, at: instant(now), receipt };
    });
}

/** Those of the principal; where the policy was off for everybody, everybody's. Undefined where the log could not be read. */
async function signIns(graph: GraphSession, { intent, tuple }: AccessIntent, until: number) {
  const user_id = intent.kind === 'entra.ca_policy' ? null : tuple.principal_id;
  const asked = { user_id, from: epochMs(intent.issued_at), until, policy_id: tuple.policy_id };
  const answer = await readSignIns(graph, asked);
  if (answer.ok) return answer.value;
  const { kind, code } = answer.failure;
  // What Graph refuses for good (no permission, no licence) is said with its code.
  return kind === 'denied' || kind === 'refused' ? { unreadable: code.slice(0, 100) } : undefined;
}

function toldChanges(changes: readonly AccessChange[], access: AccessIntent) {
  const on = changes.find((change) => change.ours && turned(change, access) === 'on');
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
