import { z } from 'zod';

import { epochMs } from '../../../domain/identifiers.js';
import type { Finding, Survey } from '../../../domain/outcomes.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { changesSince, keysOf } from './access-differences.js';
import { accessOf } from './access-intent.js';
import { readAccessPolicy } from './access-policy.js';
import { Attempt } from '../attempt.js';
import { openSession, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { keepApart, NEXT_READ_MS, readFailed } from '../reading.js';

const POLL_MS = 5 * 60_000;
/** The ceremony has long ended by then: it waits a day for the audit log at most. */
const OVER_MS = 24 * 3600_000;
const GONE = 'gone';

const progressSchema = z.object({
  last_at: z.number().nullable(),
  /** What the last read showed, by its details. */
  seen: z.array(z.string()).max(64),
});

/**
 * Watches a policy while the glass is broken: returns when two reads, apart, show that somebody else changed it, or that ours is
 * not there any more. It reads no more once the deadline has passed.
 */
export function watchAccess(deps: GraphDeps): VerifierTasks['watch'] {
  return ({ signed, survey }) =>
    Attempt.run(progressSchema, { last_at: null, seen: [] }, async (attempt) => {
      requireAuthentic(signed, deps);
      const { tuple, toggle, deadline } = accessOf(signed.intent);
      if (deps.clock.now() >= epochMs(deadline)) throw waitFor('watch_over', 'the deadline has passed', OVER_MS);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, tuple.tenant_id, attempt);
      const read = await readAccessPolicy(graph, tuple.policy_id);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const policy = read.value;
      const isGone = !toggle.stands(policy);
      const gone: Finding[] =
        isGone && !survey.holders.includes(GONE)
          ? [
              {
                code: 'provider_ended_early',
                detail: `policy ${policy.id} no longer ${toggle.wanted}, by somebody else`,
              },
            ]
          : [];
      const found = [...gone, ...changesSince(survey, policy, tuple)];
      const { seen } = attempt.details;
      attempt.keep({ last_at: deps.clock.now(), seen: found.map(({ detail }) => detail).slice(0, 64) });
      const certain = found.filter(({ detail }) => seen.includes(detail));
      if (certain.length > 0) return { findings: certain, holders: baseline(survey, keysOf(policy), isGone) };
      if (found.length > 0) throw waitFor('newcomer_seen_once', 'looking again before telling', NEXT_READ_MS);
      throw waitFor('nothing_new', 'nothing new', POLL_MS);
    });
}

/** What the next watch compares with: the policy as it is now, so that nothing is told twice. */
const baseline = (survey: Survey, now: string[], isGone: boolean): string[] => [
  ...now,
  ...(isGone || survey.holders.includes(GONE) ? [GONE] : []),
];
