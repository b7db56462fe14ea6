import { objectOf } from '../../../domain/effects/effects.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { Intent, IntentOf } from '../../../domain/intent.js';
import { accessOf, isAccessKind, type AccessIntent } from '../../graph/access/access-intent.js';
import { makerOfStanding, readChanges } from '../../graph/access/access-log.js';
import type { AccessPolicy } from '../../graph/access/access-policy.js';
import { makerOf, readMembershipChanges } from '../../graph/assignment/assignment-log.js';
import { isOfTuple, type Assignment } from '../../graph/assignment/assignments.js';
import type { GraphAnswer, GraphSession } from '../../graph/wire/graph-session.js';

/** An intent whose provider keeps no mark and no end. */
export type UnmarkedIntent = IntentOf<'entra.role_assignment' | 'entra.ca_exclusion' | 'entra.ca_policy'>;

const isUnmarked = (intent: Intent): intent is UnmarkedIntent =>
  intent.kind === 'entra.role_assignment' || isAccessKind(intent.kind);

/** What several intents may be about: one thing that stands or does not, by the intent with the latest deadline. */
export interface UnmarkedChange {
  readonly intent: UnmarkedIntent;
}

/** What the directory's lists show of a tenant. */
export interface Shown {
  readonly assignments: readonly Assignment[];
  readonly policies: readonly AccessPolicy[];
}

/** One change a target, whatever rounds and ceremonies there were of it. Pure. */
export function changesIn(intents: readonly Intent[], tenantId: string): UnmarkedChange[] {
  const mine = intents.filter(isUnmarked).filter(({ tuple }) => tuple.tenant_id === tenantId);
  const latest = new Map<string, UnmarkedIntent>();
  for (const intent of mine) {
    const key = keyOf(intent);
    const before = latest.get(key);
    if (before === undefined || epochMs(intent.deadline) > epochMs(before.deadline)) latest.set(key, intent);
  }
  return [...latest.values()].map((intent) => ({ intent }));
}

/** A policy is off for everybody, whoever works meanwhile; the rest concerns one principal. */
function keyOf({ kind, tuple }: UnmarkedIntent): string {
  const { id, scope } = objectOf(tuple);
  return [kind, kind === 'entra.ca_policy' ? '' : tuple.principal_id, id, scope].join('|');
}

/** The provider’s id of what these lists show of it; undefined where nothing stands. Pure. */
export function shownIn({ intent }: UnmarkedChange, { assignments, policies }: Shown): string | undefined {
  if (intent.kind === 'entra.role_assignment') return assignments.find((row) => isOfTuple(row, intent.tuple))?.id;
  const { tuple, toggle } = accessOf(intent);
  return policies.find((policy) => policy.id === tuple.policy_id && toggle.stands(policy))?.id;
}

/** Whose hand it is, by the directory's audit log. */
export type Maker = { maker: 'own' | 'foreign'; by: string | null } | { maker: 'unknown' };

/** Who made what stands: the last to do so since the event's first intent, as the directory's audit log has it. */
export async function makerIn(
  graph: GraphSession,
  { intent }: UnmarkedChange,
  { policies }: Shown,
  writerIds: ReadonlySet<string>,
): Promise<GraphAnswer<Maker>> {
  if (intent.kind === 'entra.role_assignment') {
    const changes = await readMembershipChanges(graph, intent, writerIds);
    return changes.ok ? { ok: true, value: makerOf(changes.value) } : changes;
  }
  const access: AccessIntent = accessOf(intent);
  const policy = policies.find(({ id }) => id === access.tuple.policy_id);
  if (policy === undefined) return { ok: true, value: { maker: 'unknown' } };
  const changes = await readChanges(graph, access, writerIds);
  return changes.ok ? { ok: true, value: makerOfStanding(policy, changes.value, access) } : changes;
}
