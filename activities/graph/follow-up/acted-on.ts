import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import { quoted } from '../pim/pim-wire.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';

const id = z.string().toLowerCase().nullish();
/** directoryAudit, as the Core Directory writes it. */
const rowSchema = z.object({
  activityDisplayName: z.string(),
  activityDateTime: z.string(),
  initiatedBy: z.object({ user: z.object({ id }).nullish(), app: z.object({ appId: id }).nullish() }).nullish(),
  targetResources: z.array(z.object({ id })).nullish(),
});

/** One thing that somebody did. */
export interface Acted {
  readonly activity: string;
  /** RFC 3339 UTC. */
  readonly at: string;
  /** An object id or an application id; null where the log does not say. */
  readonly by: string | null;
}

/**
 * What the audit log says was done by these names, since then (epoch milliseconds, that moment included), to all of these
 * targets together. The log is up to a quarter of an hour late: what it does not name may have happened all the same.
 */
export async function actedOn(
  graph: GraphSession,
  { activities, since, targets }: { activities: readonly string[]; since: number; targets: readonly string[] },
): Promise<GraphAnswer<Acted[]>> {
  const acted: Acted[] = [];
  for (const activity of activities) {
    const $filter = [
      `activityDateTime ge ${instant(since)}`,
      `loggedByService eq ${quoted('Core Directory')}`,
      `activityDisplayName eq ${quoted(activity)}`,
    ].join(' and ');
    const rows = await graph.readAll('/auditLogs/directoryAudits', rowSchema, { $filter });
    if (!rows.ok) return rows;
    for (const { activityDateTime, initiatedBy, targetResources } of rows.value) {
      const ids = (targetResources ?? []).map((target) => target.id);
      const at = Date.parse(activityDateTime);
      if (Number.isNaN(at) || at < since || !targets.every((target) => ids.includes(target))) continue;
      const by = initiatedBy?.app?.appId ?? initiatedBy?.user?.id ?? null;
      acted.push({ activity: activity.slice(0, 200), at: instant(at), by });
    }
  }
  return { ok: true, value: acted.toSorted((a, b) => a.at.localeCompare(b.at)) };
}
