import { z } from 'zod';

import { begunAfter } from '../../../domain/extension.js';
import { instant } from '../../../domain/identifiers.js';
import type { IntentOf } from '../../../domain/intent.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { quoted } from '../pim/pim-wire.js';

const SKEW_MS = 5 * 60_000;

const ADDED = 'Add member to role';
const REMOVED = 'Remove member from role';

const id = z.string().toLowerCase().nullish();
/** directoryAudit, as the Core Directory writes it of a role's members. */
const rowSchema = z.object({
  id: z.string(),
  activityDisplayName: z.string(),
  activityDateTime: z.string(),
  initiatedBy: z.object({ user: z.object({ id }).nullish(), app: z.object({ appId: id }).nullish() }).nullish(),
  targetResources: z.array(z.object({ id })).nullish(),
});

/** One change of the principal's membership in the role; the log does not say at which scope. */
export interface MembershipChange {
  readonly id: string;
  readonly added: boolean;
  /** Epoch ms. */
  readonly at: number;
  /** Who, by object id or application id; null where the log does not say. */
  readonly by: string | null;
  readonly ours: boolean;
}

/** All of them since the ceremony's first intent, the oldest first. The log is minutes late. */
export async function readMembershipChanges(
  graph: GraphSession,
  intent: IntentOf<'entra.role_assignment'>,
  writerIds: ReadonlySet<string>,
): Promise<GraphAnswer<MembershipChange[]>> {
  const since = instant(begunAfter(intent) - SKEW_MS);
  const rows = [];
  for (const activity of [ADDED, REMOVED]) {
    const read = await graph.readAll('/auditLogs/directoryAudits', rowSchema, {
      $filter: `activityDateTime ge ${since} and loggedByService eq ${quoted('Core Directory')} and activityDisplayName eq ${quoted(activity)}`,
    });
    if (!read.ok) return read;
    rows.push(...read.value);
  }
  const { tuple } = intent;
  const wanted = [tuple.principal_id, tuple.assigned_role_template_id];
  const changes = rows.flatMap((row): MembershipChange[] => {
    const targets = (row.targetResources ?? []).map((target) => target.id);
    const at = Date.parse(row.activityDateTime);
    if (!wanted.every((one) => targets.includes(one)) || Number.isNaN(at)) return [];
    const by = row.initiatedBy?.app?.appId ?? row.initiatedBy?.user?.id ?? null;
    const ours = by !== null && writerIds.has(by);
    return [{ id: row.id, added: row.activityDisplayName === ADDED, at, by, ours }];
  });
  return { ok: true, value: changes.toSorted((a, b) => a.at - b.at) };
}

/** Who made what stands: the last to add it. `unknown` while the log's last word is that it was removed, or it has none. */
export function makerOf(
  changes: readonly MembershipChange[],
): { maker: 'own' | 'foreign'; by: string | null } | { maker: 'unknown' } {
  const last = changes.at(-1);
  if (last === undefined || !last.added || last.by === null) return { maker: 'unknown' };
  return { maker: last.ours ? 'own' : 'foreign', by: last.by };
}
