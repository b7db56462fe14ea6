import { objectOf } from '../../../domain/effects/effects.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import { SWEEP_SLACK_MS } from '../../../domain/sweep.js';
import type { SweepFinding, SweepReason, SweptTenant, SweepVerdict } from '../../../domain/sweep.js';
import { readAccessPolicies } from '../../graph/access/access-policy.js';
import { ASSIGNMENTS, assignmentSchema } from '../../graph/assignment/assignments.js';
import type { GraphAnswer } from '../../graph/wire/graph-session.js';
import { GraphSession } from '../../graph/wire/graph-session.js';
import type { KnownIntents } from '../known-intents.js';
import { codeOf } from '../look.js';
import type { Patience } from '../patience.js';
import type { SweepDeps, UnmarkedDeps } from '../sweep-deps.js';
import { endUnmarked } from './end-unmarked.js';
import { changesIn, makerIn, shownIn, type Shown, type UnmarkedChange } from './unmarked-change.js';

/**
 * One tenant's changes that carry no mark at the provider: plain role assignments and Conditional Access. What was intended
 * is known from the authority's signed intents, and whose hand a thing is from the directory's audit log; only what both say
 * is ours, and is past the latest deadline that the authority signed for it, is taken back. What the log cannot say stays.
 */
export class UnmarkedSweep {
  readonly graph: GraphSession;
  private readonly unreadable: SweptTenant['unreadable'] = [];

  constructor(
    readonly deps: SweepDeps,
    readonly unmarked: UnmarkedDeps,
    readonly patience: Patience,
    private readonly tenantId: string,
  ) {
    this.graph = new GraphSession(unmarked.access.clientFor(tenantId), deps.clock, patience.signal);
  }

  /** Looks, and unless it is only to look, takes back what is due; one after the other, since policies are written whole. */
  async run(mode: 'sweep' | 'look', known: KnownIntents): Promise<{ tenant: SweptTenant; found: SweepFinding[] }> {
    for (const code of known.unreadable) this.unreadable.push({ what: 'intents', code });
    const changes = changesIn(known.intents, this.tenantId);
    const roles = changes.some(({ intent }) => intent.kind === 'entra.role_assignment');
    const access = changes.some(({ intent }) => intent.kind !== 'entra.role_assignment');
    const assignments = roles
      ? await this.rows('assignments', () => this.graph.readAll(ASSIGNMENTS, assignmentSchema))
      : undefined;
    const policies = access ? await this.rows('policies', () => readAccessPolicies(this.graph)) : undefined;
    const shown: Shown = { assignments: assignments ?? [], policies: policies ?? [] };
    const nowMs = this.graph.serviceTime ?? this.deps.clock.now();
    const found: SweepFinding[] = [];
    for (const change of changes) {
      const id = shownIn(change, shown);
      if (id === undefined) continue;
      const finding = await this.judge(change, id, shown, nowMs);
      found.push(finding);
      if (mode === 'look' || finding.verdict !== 'due') continue;
      finding.outcome = await endUnmarked(this.ofItsOwn(), { intent: change.intent, finding });
    }
    const tenant: SweptTenant = {
      tenant_id: this.tenantId,
      now: instant(nowMs),
      clock: this.graph.serviceTime === null ? 'machine' : 'graph',
      rows: {
        intents: changes.length,
        ...(assignments === undefined ? {} : { assignments: assignments?.length ?? null }),
        ...(policies === undefined ? {} : { policies: policies?.length ?? null }),
      },
      unreadable: this.unreadable,
    };
    return { tenant, found };
  }

  /** The same with a session of its own, so that a receipt names no call of another. */
  private ofItsOwn(): UnmarkedSweep {
    const own = new UnmarkedSweep(this.deps, this.unmarked, this.patience, this.tenantId);
    own.graph.serviceTime = this.graph.serviceTime;
    return own;
  }

  /** Null where the read failed, and so nothing is known. */
  private async rows<T>(what: 'assignments' | 'policies', read: () => Promise<GraphAnswer<T[]>>): Promise<T[] | null> {
    const answer = await this.patience.ask(read);
    if (answer.ok) return answer.value;
    this.unreadable.push({ what, code: codeOf(answer.failure) });
    return null;
  }

  /** Whose business it is. The audit log is asked of what is past its time alone: it allows five requests in ten seconds. */
  private async judge(change: UnmarkedChange, id: string, shown: Shown, nowMs: number): Promise<SweepFinding> {
    const { intent } = change;
    const tell = (verdict: SweepVerdict, why: SweepReason, made_by: string | null = null): SweepFinding => {
      const { id: role_template_id, scope: directory_scope_id } = objectOf(intent.tuple);
      const { tenant_id, principal_id } = intent.tuple;
      const about = { kind: intent.kind, tenant_id, principal_id, role_template_id, directory_scope_id };
      const { event_id, deadline } = intent;
      const known = { schedule_id: id, request_id: null, made_by, event_id, deadline, provider_ends_at: null };
      return { ...about, ...known, standing: true, verdict, why, outcome: null };
    };
    if (nowMs < epochMs(intent.deadline) + SWEEP_SLACK_MS) return tell('in_time', 'intent_in_time');
    const { assignmentWriterIds, accessWriterIds } = this.unmarked;
    const writerIds = intent.kind === 'entra.role_assignment' ? assignmentWriterIds : accessWriterIds;
    const made = await this.patience.ask(() => makerIn(this.graph, change, shown, writerIds));
    if (!made.ok) {
      this.unreadable.push({ what: 'audit_log', code: codeOf(made.failure) });
      return tell('unattributed', 'log_unreadable');
    }
    const { value: maker } = made;
    if (maker.maker === 'unknown') return tell('unattributed', 'maker_not_in_log');
    return maker.maker === 'own'
      ? tell('due', 'intent_overdue', maker.by)
      : tell('foreign', 'made_by_another', maker.by);
  }
}
