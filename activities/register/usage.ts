import { objectOf } from '../../domain/effects/effects.js';
import { instant } from '../../domain/identifiers.js';
import type { Tuple } from '../../domain/intent.js';
import type { Limits } from '../../domain/limits.js';
import type { Usage } from '../../domain/usage.js';
import type { Sql } from './database.js';
import {
  BY_INVOKER_SINCE,
  BY_PROFILE_SINCE,
  LAST_OF_PAIR,
  OPEN_OF_PAIR,
  OPEN_OF_TARGET,
  OVERDUE_REVIEWS,
} from './lookups.js';

/** Whose past is asked for, and by which limits it will be judged. */
export interface UsageQuestion {
  /** Person id on the roster. */
  invoker: string;
  profile: string;
  tuple: Tuple;
  limits: Limits | undefined;
  /** Epoch milliseconds. */
  nowMs: number;
}

const USAGE = `
SELECT (${OPEN_OF_PAIR}) AS open_of_pair,
  (${OPEN_OF_TARGET}) AS open_of_target,
  (${LAST_OF_PAIR}) AS last_of_pair_at,
  ARRAY(${BY_INVOKER_SINCE}) AS user_times,
  ARRAY(${BY_PROFILE_SINCE}) AS profile_times,
  ARRAY(${OVERDUE_REVIEWS}) AS overdue_reviews`;

/**
 * What the register knows of an invoker, a profile and a target: one round trip, each look-up from an index, and no dearer
 * for what is long past. Reads the authority's journal beside the register's rows, so that a grant counts from the moment
 * it was journalled.
 */
export async function usageOf(sql: Sql, question: UsageQuestion): Promise<Usage> {
  const { invoker, profile, tuple, limits, nowMs } = question;
  const { max_per_user = 0, max_per_profile = 0, escalation_threshold = 0, quota_window = 0 } = limits ?? {};
  const object = objectOf(tuple);
  const [row] = await sql.query<Usage & Record<string, unknown>>(USAGE, [
    invoker,
    profile,
    tuple.tenant_id,
    tuple.principal_id,
    object.id,
    object.scope,
    instant(nowMs),
    instant(nowMs - quota_window * 1000),
    Math.max(max_per_user, escalation_threshold),
    max_per_profile,
  ]);
  if (row === undefined) throw new TypeError('a query without a FROM answered no row');
  return row;
}
