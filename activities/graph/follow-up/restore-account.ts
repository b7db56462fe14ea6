import { z } from 'zod';

import type { FollowedUp, RestoreTasks } from '../../../domain/follow-up-tasks.js';
import { instant } from '../../../domain/identifiers.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf } from '../effect-deps.js';
import { keepApart, NEXT_READ_MS } from '../reading.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';
import { admitOrder, type FollowUpDeps } from './order.js';

const AGREEING_READS = 3;
const MISSING_READS = 12;

const progressSchema = z.object({
  /** A PATCH of this activity's was begun. */
  asked: z.boolean(),
  /** Graph said that it took one. */
  taken: z.boolean(),
  reads: z.number().int(),
  last_at: z.number().nullable(),
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
const userSchema = z.object({ accountEnabled: z.boolean() });

/**
 * Enables the principal's account again, as an order says, and reads back that it took. It gives somebody reach: the order is
 * judged again at each attempt, and is over after half an hour. One that is enabled already is somebody else's doing.
 */
export function restoreAccount(deps: FollowUpDeps): RestoreTasks['restoreAccount'] {
  const nothing = { asked: false, taken: false, reads: 0, last_at: null, missing_reads: 0, client_request_ids: [] };
  return ({ signed, order }) =>
    Attempt.run(progressSchema, nothing, async (attempt): Promise<FollowedUp> => {
      const admitted = admitOrder(deps, 'restore_account', signed, order);
      const { principal_id, tenant_id } = signed.intent.tuple;
      const graph = openSession(deps, tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const end = (result: FollowedUp['result'], code: string | null): FollowedUp => {
        const told = { order_digest: admitted.digest, result, code, client_request_ids: ids() };
        const transition = `account_enabled/${admitted.digest.slice(0, 32)}`;
        const receipt = receiptOf(deps, signed.intent, { type: 'account_enabled', transition, data: told });
        return { result, code, at: instant(deps.clock.now()), receipt };
      };
      const failed = (failure: GraphFailure): Error => {
        attempt.keep({ reads: 0, client_request_ids: ids() });
        return toApplicationFailure(failure, backoffMs(failure, attempt.number));
      };
      if (deps.protectedIds.has(principal_id)) return end('refused', 'protected_target');
      keepApart(attempt.details.last_at, deps.clock.now());
      const user = `/users/${encodeURIComponent(principal_id)}`;
      const read = await graph.read(user, userSchema, { $select: 'id,accountEnabled' });
      if (!read.ok) {
        const missing_reads = read.failure.kind === 'not_found' ? attempt.details.missing_reads + 1 : 0;
        attempt.keep({ missing_reads });
        if (missing_reads >= MISSING_READS) return end('refused', 'target_not_found');
        throw failed(read.failure);
      }
      const { accountEnabled } = read.value;
      if (accountEnabled && !attempt.details.asked) return end('refused', 'acted_since');
      // Once Graph took it, a read that shows it disabled is an old replica's, or somebody's: it is not enabled twice.
      if (!accountEnabled && !attempt.details.taken) {
        attempt.stopIfCancelled();
        attempt.keep({ asked: true });
        const patched = await graph.amend(user, { accountEnabled: true });
        if (!patched.ok) throw failed(patched.failure);
        attempt.keep({ taken: true });
      }
      const reads = accountEnabled ? attempt.details.reads + 1 : 0;
      attempt.keep({ reads, missing_reads: 0, last_at: deps.clock.now(), client_request_ids: ids() });
      if (reads < AGREEING_READS) throw waitFor('account_read_again', 'reading until it is enabled', NEXT_READ_MS);
      return end('done', null);
    });
}
