import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { KillOutcome } from '../../../domain/kill-state.js';
import type { AccountTasks } from '../../../domain/tasks.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor } from '../wire/graph-error.js';
import { keepApart, NEXT_READ_MS } from '../reading.js';

/** By so many agreeing reads the account is disabled. */
const AGREEING_READS = 3;
/** A principal that Graph has not known for so many attempts is deleted, and cannot sign in. */
const MISSING_READS = 12;

const progressSchema = z.object({
  /** Whether any read showed it enabled: then it was ours to disable. */
  was_enabled: z.boolean(),
  reads: z.number().int(),
  last_at: z.number().nullable(),
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
const userSchema = z.object({ accountEnabled: z.boolean() });

/**
 * Disables the principal's account where the signed intent says that a kill does so, and reads back that it took. An account
 * that was disabled already is left as it is, and said to have been. Nothing here enables one: that gives somebody reach.
 */
export function accountTasks(deps: GraphDeps): AccountTasks {
  const nothing = { was_enabled: false, reads: 0, last_at: null, missing_reads: 0, client_request_ids: [] };
  return {
    disableAccount: ({ signed }) =>
      Attempt.run(progressSchema, nothing, async (attempt) => {
        const { intent } = signed;
        if (intent.on_kill?.disable_account !== true)
          throw ApplicationFailure.nonRetryable('the intent disables no account', 'not_in_the_intent');
        requireAuthentic(signed, deps);
        const { principal_id, tenant_id } = intent.tuple;
        const end = (result: KillOutcome['result'], code: string | null): KillOutcome => {
          const { was_enabled, client_request_ids } = attempt.details;
          const told = { result, code, was_enabled, attempt: attempt.number, client_request_ids };
          const entry = { type: 'account_disabled', transition: 'account_disabled', data: told } as const;
          return { result, code, at: instant(deps.clock.now()), receipt: receiptOf(deps, intent, entry) };
        };
        if (deps.protectedIds.has(principal_id)) return end('refused', 'protected_target');
        keepApart(attempt.details.last_at, deps.clock.now());
        const graph = openSession(deps, tenant_id, attempt);
        const user = `/users/${encodeURIComponent(principal_id)}`;
        const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
        const read = await graph.read(user, userSchema, { $select: 'id,accountEnabled' });
        if (!read.ok) {
          const missing_reads = read.failure.kind === 'not_found' ? attempt.details.missing_reads + 1 : 0;
          attempt.keep({ missing_reads, reads: 0, client_request_ids: ids() });
          if (missing_reads >= MISSING_READS) return end('refused', 'target_not_found');
          throw toApplicationFailure(read.failure, backoffMs(read.failure, attempt.number));
        }
        const { accountEnabled } = read.value;
        if (accountEnabled) {
          attempt.keep({ was_enabled: true, reads: 0 });
          attempt.stopIfCancelled();
          const patched = await graph.amend(user, { accountEnabled: false });
          if (!patched.ok) {
            attempt.keep({ client_request_ids: ids() });
            throw toApplicationFailure(patched.failure, backoffMs(patched.failure, attempt.number));
          }
        }
        const reads = accountEnabled ? 0 : attempt.details.reads + 1;
        attempt.keep({ reads, missing_reads: 0, last_at: deps.clock.now(), client_request_ids: ids() });
        if (reads < AGREEING_READS) throw waitFor('account_read_again', 'reading until it is disabled', NEXT_READ_MS);
        return end('done', attempt.details.was_enabled ? null : 'was_disabled_before');
      }),
  };
}
