import { instant } from '../../domain/identifiers.js';
import type { SweepFinding, SweptTenant } from '../../domain/sweep.js';
import { GraphSession } from '../graph/wire/graph-session.js';
import { GROUPS, ROLES, type PimFamily } from '../graph/pim/pim-family.js';
import type { Recognition } from '../graph/pim/tuple-history.js';
import { endDue } from './end-due.js';
import { judge, type Judged } from './judge.js';
import { lookAt, lookAtGroup, type Sighting } from './look.js';
import type { KnownIntents } from './known-intents.js';
import type { Patience } from './patience.js';
import type { SweepDeps } from './sweep-deps.js';

/** How many groups of one tenant are looked at side by side. */
const GROUPS_SIDE_BY_SIDE = 4;
/** How many assignments of one tenant are ended side by side. */
const SIDE_BY_SIDE = 8;

/** One tenant in one sweep. */
export class TenantSweep {
  readonly graph: GraphSession;
  private readonly by: Recognition;

  constructor(
    readonly deps: SweepDeps,
    readonly patience: Patience,
    private readonly tenantId: string,
  ) {
    this.graph = new GraphSession(deps.access.clientFor(tenantId), deps.clock, patience.signal);
    this.by = { writerIds: deps.writerIds(tenantId), authorityKeys: deps.authorityKeys };
  }

  /**
   * By what everything is judged. Deadlines by Graph's own time: it is by that clock that the provider ends grants, and a
   * cron job's machine may not have its own right. This machine's where Graph did not say.
   */
  readonly about = (pim: PimFamily): { tenantId: string; nowMs: number; by: Recognition; pim: PimFamily } => ({
    tenantId: this.tenantId,
    nowMs: this.graph.serviceTime ?? this.deps.clock.now(),
    by: this.by,
    pim,
  });

  /** The same with a session of its own, so that a receipt names no call of another. */
  private ofItsOwn(): TenantSweep {
    const own = new TenantSweep(this.deps, this.patience, this.tenantId);
    own.graph.serviceTime = this.graph.serviceTime;
    return own;
  }

  /** Those that it is told of, and those of which the authority has ever given membership here. */
  private groupIds({ intents }: KnownIntents): string[] {
    const given = intents.flatMap(({ tuple }) =>
      'group_id' in tuple && tuple.tenant_id === this.tenantId ? [tuple.group_id] : [],
    );
    return [...new Set([...this.deps.groupIds(this.tenantId), ...given])];
  }

  /** Looks, and unless it is only to look, ends what is due. */
  async run(mode: 'sweep' | 'look', known: KnownIntents): Promise<{ tenant: SweptTenant; found: SweepFinding[] }> {
    const sighting = await lookAt(this.graph, this.patience);
    const groups: Sighting[] = [];
    await inTurns(this.groupIds(known), GROUPS_SIDE_BY_SIDE, async (groupId) => {
      groups.push(await lookAtGroup(this.graph, this.patience, groupId));
    });
    const about = this.about(ROLES);
    const tenant: SweptTenant = {
      tenant_id: this.tenantId,
      now: instant(about.nowMs),
      clock: this.graph.serviceTime === null ? 'machine' : 'graph',
      rows: {
        instances: sighting.instances?.length ?? null,
        requests: sighting.requests?.length ?? null,
        assignments: sighting.assignments?.length ?? null,
        ...(groups.length === 0 ? {} : { group_instances: rowsIn(groups, 'instances') }),
        ...(groups.length === 0 ? {} : { group_requests: rowsIn(groups, 'requests') }),
      },
      unreadable: [
        ...[sighting, ...groups].flatMap(({ unreadable }) => [...unreadable]),
        ...known.unreadable.map((code) => ({ what: 'intents' as const, code })),
      ],
    };
    const judged = [judge(sighting, about), ...groups.map((seen) => judge(seen, this.about(GROUPS)))].flat();
    const found: SweepFinding[] = judged.map(({ finding }) => ({ ...finding }));
    if (mode === 'look') return { tenant, found };
    await inTurns(dueByTuple(judged), SIDE_BY_SIDE, async (dueOfTuple) => {
      // One after the other: Graph's removal addresses the tuple.
      for (const index of dueOfTuple) {
        const [due, finding] = [judged[index], found[index]];
        if (due !== undefined && finding !== undefined) finding.outcome = await endDue(this.ofItsOwn(), due);
      }
    });
    return { tenant, found };
  }
}

/** The places of what is due, those of one tuple together. */
function dueByTuple(judged: readonly Judged[]): number[][] {
  const places = new Map<string, number[]>();
  for (const [index, { finding }] of judged.entries()) {
    if (finding.verdict !== 'due') continue;
    const key = [finding.kind, finding.principal_id, finding.role_template_id, finding.directory_scope_id].join('|');
    places.set(key, [...(places.get(key) ?? []), index]);
  }
  return [...places.values()];
}

/** How many rows were read of all groups together; null where one of them could not be read. */
function rowsIn(groups: readonly Sighting[], of: 'instances' | 'requests'): number | null {
  const lists = groups.map((group) => group[of]);
  return lists.every((list) => list !== null) ? lists.reduce((sum, list) => sum + list.length, 0) : null;
}

/** All of it, so many at a time. */
export async function inTurns<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}
