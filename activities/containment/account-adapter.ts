import { z } from 'zod';
import type { TargetOf } from '../../domain/incidents/containment-targets.js';
import { epochMs } from '../../domain/identifiers.js';
import type { Clock } from '../clock.js';
import type { GraphAccess } from '../graph/wire/graph-access.js';
import type { GraphFailure } from '../graph/wire/graph-error.js';
import { GraphSession } from '../graph/wire/graph-session.js';
import { TargetFailure, type Adapter } from './adapter.js';

/** The role's own Graph identity; `protectedIds` (lower case) are accounts that no write may touch. */
export interface AccountAccess {
  graph: GraphAccess;
  clock: Clock;
  protectedIds: ReadonlySet<string>;
}

/** Graph's clock and ours may differ by this much. */
const SKEW_MS = 5 * 60_000;
const userSchema = z.object({ accountEnabled: z.boolean(), signInSessionsValidFromDateTime: z.string().nullish() });

/**
 * An account of the directory: disabled, and its sessions ended. Access tokens that were issued before live on, up to about
 * an hour, or minutes where continuous access evaluation is in force. Graph has no revision of an account, so that who
 * enables and disables it again in between is not told from us.
 */
export function accountAdapter(access: AccountAccess, target: TargetOf<'graph_account'>): Adapter {
  const { tenant_id, user_id, end_sessions } = target;
  const user = `/users/${user_id}`;
  const session = (): GraphSession =>
    new GraphSession(access.graph.clientFor(tenant_id), access.clock, new AbortController().signal);
  const read = async (graph: GraphSession): Promise<z.output<typeof userSchema>> => {
    const $select = 'id,accountEnabled,signInSessionsValidFromDateTime';
    const answer = await graph.read(user, userSchema, { $select });
    if (answer.ok) return answer.value;
    throw failureOf(answer.failure);
  };
  const enable = async (accountEnabled: boolean): Promise<void> => {
    if (access.protectedIds.has(user_id))
      throw new TargetFailure('protected_target', `account ${user_id} is protected: no write may touch it`);
    const answer = await session().amend(user, { accountEnabled });
    if (!answer.ok) throw failureOf(answer.failure);
  };
  const endSessions = async (): Promise<void> => {
    const at = access.clock.now();
    const answer = await session().write(`${user}/revokeSignInSessions`, {}, z.unknown());
    if (!answer.ok) throw failureOf(answer.failure);
    const { signInSessionsValidFromDateTime: from } = await read(session());
    if (from === undefined || from === null || epochMs(from) < at - SKEW_MS)
      throw new TargetFailure('not_contained_yet', `sessions of ${user_id} have not ended yet`);
  };
  return {
    async observe() {
      const { accountEnabled } = await read(session());
      return { state: accountEnabled ? 'released' : 'contained', revision: null };
    },
    async contain() {
      await enable(false);
      if (end_sessions) await endSessions();
    },
    release: () => enable(true),
  };
}

/** What Graph answered, as a target's failure. */
export function failureOf({ kind, code, status }: GraphFailure): TargetFailure {
  const detail = `Graph answered ${code}${status > 0 ? ` (HTTP ${status})` : ''}`;
  if (kind === 'not_found') return new TargetFailure('not_found', detail);
  if (kind === 'unauthenticated' || kind === 'denied') return new TargetFailure('unauthorized', detail);
  return new TargetFailure(status > 0 ? 'http_status' : 'unreachable', detail);
}
