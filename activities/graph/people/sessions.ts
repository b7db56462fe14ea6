import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';

import { epochMs, instant } from '../../../domain/identifiers.js';
import type { Intent } from '../../../domain/intent.js';
import type { SessionsTasks } from '../../../domain/tasks.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../wire/graph-error.js';

/** Graph's clock and ours may differ by this much. */
const SKEW_MS = 5 * 60_000;
const AGAIN_MS = 5_000;
/** A principal that Graph has not known for so many attempts is deleted, and has no sessions. */
const MISSING_READS = 12;

const progressSchema = z.object({
  posted_at: z.number().nullable(),
  missing_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
const userSchema = z.object({ signInSessionsValidFromDateTime: z.string().nullish() });

/**
 * Ends the principal's sign-in sessions and reads back that it took. What it cannot end is stated in the receipt: access
 * tokens that were issued before live on, about an hour, or minutes where continuous access evaluation is in force.
 */
export function sessionsTasks(deps: GraphDeps): SessionsTasks {
  const nothing = { posted_at: null, missing_reads: 0, client_request_ids: [] };
  return {
    endSessions: ({ signed }) =>
      Attempt.run(progressSchema, nothing, async (attempt) => {
        const { intent } = signed;
        const { principal_id, tenant_id } = intent.tuple;
        if (deps.protectedIds.has(principal_id)) throw protectedPrincipal();
        requireAuthentic(signed, deps);
        const graph = openSession(deps, tenant_id, attempt);
        const user = `/users/${encodeURIComponent(principal_id)}`;
        const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
        const end = (postedAt: number | null, validFrom: string | null) =>
          ended(deps, intent, { postedAt, validFrom, attempt: attempt.number, ids: ids() });
        const failed = (failure: GraphFailure): Error | undefined => {
          const missing_reads = failure.kind === 'not_found' ? attempt.details.missing_reads + 1 : 0;
          attempt.keep({ missing_reads, client_request_ids: ids() });
          if (missing_reads >= MISSING_READS) return undefined;
          return toApplicationFailure(failure, backoffMs(failure, attempt.number));
        };
        if (attempt.details.posted_at === null) {
          attempt.stopIfCancelled();
          const at = deps.clock.now();
          const posted = await graph.write(`${user}/revokeSignInSessions`, {}, z.unknown());
          if (!posted.ok) {
            const failure = failed(posted.failure);
            if (failure === undefined) return end(null, null);
            throw failure;
          }
          attempt.keep({ posted_at: at, missing_reads: 0 });
        }
        const postedAt = attempt.details.posted_at ?? deps.clock.now();
        const query = { $select: 'id,signInSessionsValidFromDateTime' };
        const read = await graph.read(user, userSchema, query);
        if (!read.ok) {
          const failure = failed(read.failure);
          if (failure === undefined) return end(postedAt, null);
          throw failure;
        }
        const validFrom = read.value.signInSessionsValidFromDateTime ?? null;
        if (validFrom !== null && epochMs(validFrom) >= postedAt - SKEW_MS) return end(postedAt, validFrom);
        attempt.keep({ missing_reads: 0, client_request_ids: ids() });
        throw waitFor('sessions_not_ended_yet', `sessions are valid from ${validFrom ?? 'ever'}`, AGAIN_MS);
      }),
  };
}

function ended(
  deps: GraphDeps,
  intent: Intent,
  seen: { postedAt: number | null; validFrom: string | null; attempt: number; ids: string[] },
) {
  const data = {
    posted_at: seen.postedAt === null ? null : instant(seen.postedAt),
    sessions_valid_from: seen.validFrom,
    principal_found: seen.validFrom !== null,
    tail: 'access tokens issued before live up to about an hour, minutes with continuous access evaluation',
    attempt: seen.attempt,
    client_request_ids: seen.ids,
  };
  const receipt = receiptOf(deps, intent, { type: 'sessions_ended', transition: 'sessions_ended', data });
  return { at: instant(deps.clock.now()), receipt };
}

/** Never granted anything, so there is nothing that its sessions could carry on. */
function protectedPrincipal(): ApplicationFailure {
  return ApplicationFailure.nonRetryable('the principal is protected: no write may touch it', 'protected_principal');
}
