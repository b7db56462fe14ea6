import { z } from 'zod';

import { begunAfter } from '../../../domain/extension.js';
import { instant } from '../../../domain/identifiers.js';
import { parseAccessPolicy, type AccessPolicy } from './access-policy.js';
import type { AccessIntent } from './access-intent.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { quoted } from '../pim/pim-wire.js';

const SKEW_MS = 5 * 60_000;
/** Graph prints whole seconds in places. */
const ROUNDING_MS = 2_000;

const id = z.string().toLowerCase().nullish();
/** directoryAudit, as Conditional Access writes it: the policy's text before and after. */
const rowSchema = z.object({
  id: z.string(),
  activityDateTime: z.string(),
  initiatedBy: z.object({ user: z.object({ id }).nullish(), app: z.object({ appId: id }).nullish() }).nullish(),
  targetResources: z
    .array(
      z.object({
        id,
        modifiedProperties: z
          .array(z.object({ oldValue: z.string().nullish(), newValue: z.string().nullish() }))
          .nullish(),
      }),
    )
    .nullish(),
});

/** One change of a policy, as the directory's audit log has it. Texts that cannot be read are absent. */
export interface AccessChange {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  readonly by: string | null;
  readonly ours: boolean;
  readonly before: AccessPolicy | undefined;
  readonly after: AccessPolicy | undefined;
}

/** All changes of the intent's policy since the ceremony's first intent, the oldest first. The log is minutes late. */
export async function readChanges(
  graph: GraphSession,
  { intent, tuple }: AccessIntent,
  writerIds: ReadonlySet<string>,
): Promise<GraphAnswer<AccessChange[]>> {
  const since = instant(begunAfter(intent) - SKEW_MS);
  const $filter = `activityDateTime ge ${since} and loggedByService eq ${quoted('Conditional Access')}`;
  const rows = await graph.readAll('/auditLogs/directoryAudits', rowSchema, { $filter });
  if (!rows.ok) return rows;
  const changes = rows.value.flatMap((row): AccessChange[] => {
    const target = row.targetResources?.find((one) => one.id === tuple.policy_id);
    if (target === undefined) return [];
    const by = row.initiatedBy?.app?.appId ?? row.initiatedBy?.user?.id ?? null;
    const [texts] = target.modifiedProperties ?? [];
    const [before, after] = [parseAccessPolicy(texts?.oldValue), parseAccessPolicy(texts?.newValue)];
    const at = Date.parse(row.activityDateTime);
    return [{ id: row.id, at, by, ours: by !== null && writerIds.has(by), before, after }];
  });
  return { ok: true, value: changes.toSorted((a, b) => a.at - b.at) };
}

/** Whether this change brought what the intent is about, or took it. */
export function turned({ before, after }: AccessChange, { toggle }: AccessIntent): 'on' | 'off' | undefined {
  if (before === undefined || after === undefined || toggle.stands(before) === toggle.stands(after)) return undefined;
  return toggle.stands(after) ? 'on' : 'off';
}

/**
 * Who made what stands in a policy as it was read: the last to bring it, if the log reaches up to the policy's own last
 * change. `unknown` as long as it does not.
 */
export function makerOfStanding(
  policy: AccessPolicy,
  changes: readonly AccessChange[],
  access: AccessIntent,
): { maker: 'own' | 'foreign'; by: string | null } | { maker: 'unknown' } {
  const upTo = (policy.modified_at ?? 0) + ROUNDING_MS;
  const known = changes.filter(({ at }) => at <= upTo);
  const reaches = known.some(({ at }) => at >= (policy.modified_at ?? 0) - ROUNDING_MS);
  const last = known.findLast((change) => turned(change, access) === 'on');
  if (!reaches || last === undefined) return { maker: 'unknown' };
  return { maker: last.ours ? 'own' : 'foreign', by: last.by };
}
