import { z } from 'zod';

import { epochMs } from '../../../domain/identifiers.js';
import type { Finding } from '../../../domain/outcomes.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { assignmentIntent } from './assignment-intent.js';
import { isHeldBy, readAssignments } from './assignments.js';
import { Attempt } from '../attempt.js';
import { openSession, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import type { Holding } from '../pim/holdings.js';
import { certain, newcomersTo, sight, sightingsSchema } from '../tenant/newcomers.js';
import { judgeNewcomers, keepApart, NEXT_READ_MS, readFailed, recognitionOf } from '../reading.js';

const POLL_MS = 5 * 60_000;
/** The audit log, which alone names who assigned a role, is minutes late. */
const UNKNOWN_POLL_MS = 60_000;
const UNKNOWN_PATIENCE_MS = 10 * 60_000;
const MAX_HOLDERS = 5000;
/** The ceremony has long ended by then: it waits a day for the audit log at most. */
const OVER_MS = 24 * 3600_000;
/** Among the holders of a survey: that ours is gone was told. */
const GONE = 'gone';
const GONE_READS = 3;

const progressSchema = z.object({
  last_at: z.number().nullable(),
  sightings: sightingsSchema,
  /** Reads in a row that did not show ours. */
  gone_reads: z.number().int(),
});

/**
 * Watches while the glass is broken: returns when somebody has a role that nobody had at the survey, or when ours is not there
 * any more. A newcomer counts once two reads showed it. It reads no more once the deadline has passed.
 */
export function watchAssignment(deps: GraphDeps): VerifierTasks['watch'] {
  return ({ signed, survey }) =>
    Attempt.run(progressSchema, { last_at: null, sightings: {}, gone_reads: 0 }, async (attempt) => {
      requireAuthentic(signed, deps);
      const intent = assignmentIntent(signed.intent);
      const { tuple, deadline } = intent;
      if (deps.clock.now() >= epochMs(deadline)) throw waitFor('watch_over', 'the deadline has passed', OVER_MS);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, tuple.tenant_id, attempt);
      const read = await readAssignments(graph, tuple);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const now = deps.clock.now();
      const isThere = read.value.principal.some((held) => isHeldBy(held, tuple));
      const gone_reads = isThere ? 0 : attempt.details.gone_reads + 1;
      const newcomers = newcomersTo(survey, read.value).filter((held) => !isHeldBy(held, tuple));
      const sightings = sight(attempt.details.sightings, newcomers, now);
      attempt.keep({ sightings, last_at: now, gone_reads });

      const outOfPatience = ({ key }: Holding): boolean =>
        now - (sightings[key]?.first_at ?? now) >= UNKNOWN_PATIENCE_MS;
      const sure = certain(sightings, newcomers);
      const judged = await judgeNewcomers(graph, sure, { intent, by: recognitionOf(deps, intent), outOfPatience });
      if (!judged.ok) throw readFailed(judged.failure, attempt);
      const wasTold = survey.holders.includes(GONE);
      const isGone = gone_reads >= GONE_READS && !wasTold;
      const gone: Finding[] = isGone
        ? [{ code: 'provider_ended_early', detail: `${tuple.principal_id} has the role no longer, by somebody else` }]
        : [];
      const findings = [...judged.value.findings, ...gone];
      if (findings.length > 0) {
        const told = [...survey.holders, ...judged.value.settled, ...(isGone ? [GONE] : [])];
        return { findings, holders: [...new Set(told)].slice(-MAX_HOLDERS) };
      }
      const { settled, unknown } = judged.value;
      const fresh = newcomers.some(({ key }) => sightings[key]?.seen === 1);
      if (fresh || sure.length > settled.length + unknown.length || (gone_reads > 0 && !wasTold))
        throw waitFor('newcomer_seen_once', 'looking again before telling', NEXT_READ_MS);
      if (unknown.length > 0)
        throw waitFor('newcomer_unattributed', 'waiting for the audit log to name somebody', UNKNOWN_POLL_MS);
      throw waitFor('nothing_new', 'nothing new', POLL_MS);
    });
}
