import { z } from 'zod';

import { endsLater } from '../../../domain/ends-later.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import type { Intent } from '../../../domain/intent.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { Attempt } from '../attempt.js';
import { openSession, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import type { GraphSession } from '../wire/graph-session.js';
import { readHoldings, type Holding } from './holdings.js';
import { certain, newcomersTo, sight, sightingsSchema } from '../tenant/newcomers.js';
import { pimFamily, pimTuple } from './pim-family.js';
import { judgeNewcomers, keepApart, NEXT_READ_MS, readFailed, recognitionOf } from '../reading.js';
import { historyOf, markedDeadline, type Recognition } from './tuple-history.js';

const POLL_MS = 5 * 60_000;
/** The audit log, which names who assigned a role outside PIM, is minutes late. */
const UNKNOWN_POLL_MS = 60_000;
const UNKNOWN_PATIENCE_MS = 10 * 60_000;
const MAX_HOLDERS = 5000;
/** The ceremony has long ended by then: it waits a day for the audit log at most. */
const OVER_MS = 24 * 3600_000;

const progressSchema = z.object({
  last_at: z.number().nullable(),
  sightings: sightingsSchema,
  /** Newcomers that another ceremony explains. */
  explained: z.array(z.string()).max(500),
  /** The deadline has passed, and no extension was found then. */
  over: z.boolean().default(false),
});

/**
 * Watches while the glass is broken: returns when somebody has something that nobody had at the survey and no ceremony
 * explains, or when our own assignment has come to end later than intended. A newcomer counts once two reads showed it.
 *
 * The ceremony does not call it off, nor tells it of an extension: that would cost history. Once the deadline has passed, and
 * Graph shows no extension of the authority's, it reads no more, and waits without a word until the workflow ends, because an
 * answer would cost history too.
 */
export function watchGrant(deps: GraphDeps): VerifierTasks['watch'] {
  return ({ signed, survey }) =>
    Attempt.run(progressSchema, { last_at: null, sightings: {}, explained: [], over: false }, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const by = recognitionOf(deps, intent);
      let bounds: Bounds = intent;
      const isOver = (): boolean => deps.clock.now() >= epochMs(bounds.deadline);
      // Looked once more, and not extended: that is the end of it.
      if (isOver() && !attempt.details.over) bounds = await boundsOf(graph, intent, by, attempt);
      if (isOver()) {
        attempt.keep({ over: true });
        throw waitFor('watch_over', 'the deadline has passed', OVER_MS);
      }
      const read = await readHoldings(graph, intent.tuple);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const now = deps.clock.now();
      const { explained } = attempt.details;
      const all = newcomersTo(survey, read.value);
      const newcomers = all.filter(({ key }) => !explained.includes(key));
      const longer = all.filter((holding) => outlives(holding, intent, bounds));
      if (longer.length > 0 && bounds === intent) bounds = await boundsOf(graph, intent, by, attempt);
      const extended = longer.filter((holding) => outlives(holding, intent, bounds)).map(asExtended);
      const sightings = sight(attempt.details.sightings, [...newcomers, ...extended], now);
      attempt.keep({ sightings, last_at: now });

      const outOfPatience = ({ key }: Holding): boolean =>
        now - (sightings[key]?.first_at ?? now) >= UNKNOWN_PATIENCE_MS;
      const sure = certain(sightings, newcomers);
      const judged = await judgeNewcomers(graph, sure, { intent, by, outOfPatience });
      if (!judged.ok) throw readFailed(judged.failure, attempt);
      const { settled, unknown } = judged.value;
      const findings = [...judged.value.findings, ...certain(sightings, extended).map(({ ends }) => endsLater(ends))];
      if (findings.length > 0) {
        const holders = [...new Set([...survey.holders, ...settled])].slice(-MAX_HOLDERS);
        return { findings, holders };
      }
      attempt.keep({ explained: [...explained, ...settled].slice(-500) });
      const fresh = [...newcomers, ...extended].some(({ key }) => sightings[key]?.seen === 1);
      if (fresh || sure.length > settled.length + unknown.length)
        throw waitFor('newcomer_seen_once', 'looking again before telling', NEXT_READ_MS);
      if (unknown.length > 0)
        throw waitFor('newcomer_unattributed', 'waiting for the audit log to name somebody', UNKNOWN_POLL_MS);
      throw waitFor('nothing_new', 'nothing new', POLL_MS);
    });
}

/** Until when a grant may stand, and when the provider must end it. RFC 3339. */
type Bounds = Pick<Intent, 'deadline' | 'dead_man'>;

/**
 * The same of a ceremony that was extended since this watch began, from Graph alone: our own update under the authority's
 * marker names the later deadline, and the provider's end follows it by as much as before.
 */
async function boundsOf<D extends object>(
  graph: GraphSession,
  intent: Intent,
  by: Recognition,
  attempt: Attempt<D>,
): Promise<Bounds> {
  // Nothing is extended that the provider does not end by itself.
  if (intent.dead_man === null) return intent;
  const pim = pimFamily(intent.tuple);
  const query = { $filter: pim.ofTuple(pimTuple(intent.tuple)) };
  const requests = await graph.readAll(pim.requests, pim.requestSchema, query);
  if (!requests.ok) throw readFailed(requests.failure, attempt);
  const deadline = markedDeadline(historyOf(requests.value, intent, by), intent, by);
  const grace = epochMs(intent.dead_man) - epochMs(intent.deadline);
  return { deadline, dead_man: instant(epochMs(deadline) + grace) };
}

/** Only PIM's assignment of our own tuple: one made outside PIM has no end and is a newcomer of its own. */
function outlives(holding: Holding, intent: Intent, { dead_man }: Bounds): boolean {
  if (dead_man === null) return false;
  const tuple = pimTuple(intent.tuple);
  const ours =
    holding.kind === 'pim' &&
    holding.principal_id === tuple.principal_id &&
    holding.role_template_id === tuple.role_template_id &&
    holding.directory_scope_id === tuple.directory_scope_id;
  return ours && (holding.ends === null || !(epochMs(holding.ends) <= epochMs(dead_man)));
}

const asExtended = (holding: Holding): Holding => ({ ...holding, key: `ends:${holding.ends ?? 'never'}` });
