import { gate } from '../../domain/incidents/gate.js';
import { incidentIdOf } from '../../domain/incidents/incident-id.js';
import type { IncidentReport } from '../../domain/incidents/incident.js';
import { DEFAULT_PLAYBOOK, playOf, type NamedPlaybook } from '../../domain/incidents/playbook.js';
import { untoldView } from '../../domain/incidents/registered-incident.js';
import { requirementsOf } from '../../domain/incidents/requirements.js';
import type { IncidentSaid } from '../../domain/incidents/statements.js';
import { incidentViewSchema, type IncidentView } from '../../domain/incidents/view.js';
import { instant } from '../../domain/identifiers.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { containmentBinding } from '../../proofs/incidents/containment-binding.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { ResealError } from '../../client/api/reseal-error.js';
import type {
  IncidentApi,
  IncidentFilter,
  IncidentRecord,
  IncidentSignal,
  IncidentStats,
  ReportedIncident,
} from '../../client/api/incident-api.js';

/**
 * Incidents in memory, contained at once: the real playbook, gate and binding without roles, for tests of what is around
 * them. What a host attests is what a test says next; a signature is taken as good.
 */
export class MemoryIncidents implements IncidentApi {
  readonly records = new Map<string, IncidentRecord>();
  readonly reports: IncidentReport[] = [];
  /** What the next attempts come to. */
  attests: ({ state: 'passed' } | { state: 'refused'; failed_check: string; expected: string })[] = [];
  compatAck = false;

  constructor(private readonly now: () => number) {}

  async report(report: IncidentReport): Promise<ReportedIncident> {
    this.reports.push(report);
    const open = [...this.records.values()].find(
      ({ view }) => view.state !== 'resolved' && view.class === report.class && view.host === report.host,
    );
    if (open !== undefined) return { incident_id: open.view.id, opened: false };
    const id = incidentIdOf(this.now(), this.records.size + 1);
    const { severity, actions } = playOf(DEFAULT_PLAYBOOK, report.class);
    const at = instant(this.now());
    const containment_results = actions.map((action) => ({ action, success: true, completed_at: at }));
    const contained = { containment_actions: actions, containment_results };
    const about = { class: report.class, severity };
    const { description, evidence, host, source } = report;
    const row = { incident_id: id, ...about, state: 'contained', host, source, description, evidence } as const;
    const view = incidentViewSchema.parse({
      ...untoldView({ ...row, created_at: at, view: null }),
      ...contained,
      containment_binding: containmentBinding({
        incident_id: id,
        incident_class: report.class,
        severity,
        ...contained,
      }),
      contained_at: at,
      requirements: requirementsOf(DEFAULT_PLAYBOOK, about, this.compatAck),
      missing: [],
    });
    this.records.set(id, { view, description: report.description, evidence: report.evidence });
    this.change(id, {});
    return { incident_id: id, opened: true };
  }

  /** Sets members of a view; what is missing follows from them. */
  change(id: string, members: Partial<IncidentView>): void {
    const record = this.found(id);
    const view = { ...record.view, ...members };
    const { missing } = gate(view.requirements, {
      binding: view.containment_binding,
      acknowledgements: view.acknowledgements.map(({ person, method }) => ({ person, signed: method !== 'bearer' })),
      attestation: STANDING[view.attestation.state],
      artifacts: (view.statements ?? []).flatMap(({ kind }) => kind ?? []),
    });
    this.records.set(id, { ...record, view: { ...view, missing: members.missing ?? missing } });
  }

  async get(id: string): Promise<IncidentRecord> {
    return this.found(id);
  }

  recorded(id: string): Promise<IncidentRecord> {
    return this.get(id);
  }

  async list({ class: kind, state, severity, open, limit = 1000 }: IncidentFilter): Promise<IncidentRecord[]> {
    return [...this.records.values()]
      .toReversed()
      .filter(({ view }) => kind === undefined || view.class === kind)
      .filter(({ view }) => state === undefined || view.state === state)
      .filter(({ view }) => severity === undefined || view.severity === severity)
      .filter(({ view }) => open === undefined || (view.state !== 'resolved') === open)
      .slice(0, limit);
  }

  async playbook(): Promise<NamedPlaybook> {
    return { playbook: DEFAULT_PLAYBOOK, digest: digestOf(DEFAULT_PLAYBOOK) };
  }

  async stats(): Promise<IncidentStats> {
    const views = [...this.records.values()].map(({ view }) => view);
    const open = views.filter(({ state }) => state !== 'resolved');
    const counted = (names: string[]): Record<string, number> => {
      const counts: Record<string, number> = {};
      for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
      return counts;
    };
    return {
      total_incidents: views.length,
      open_incidents: open.length,
      contained_count: views.filter(({ contained_at }) => contained_at !== null).length,
      resolved_count: views.length - open.length,
      by_class: counted(views.map((view) => view.class)),
      open_by_severity: counted(open.map(({ severity }) => severity)),
    };
  }

  async say(id: string, signal: IncidentSignal, said: IncidentSaid): Promise<void> {
    const { view } = this.open(id);
    const at = instant(this.now());
    const envelope = 'envelope' in said ? said.envelope : undefined;
    const payload = envelope === undefined ? undefined : (JSON.parse(envelope.payload) as Record<string, unknown>);
    const by = 'bearer' in said ? said.bearer.operator : String(payload?.['person']);
    if (envelope !== undefined && payload?.['containment_binding'] !== view.containment_binding) {
      const verdict = { digest: statementDigest(envelope), ok: false, reason: 'foreign_binding' as const };
      return this.change(id, { verdicts: [...view.verdicts, verdict] });
    }
    if (envelope !== undefined)
      this.change(id, { verdicts: [...view.verdicts, { digest: statementDigest(envelope), ok: true, reason: null }] });
    if (signal === 'acknowledge') {
      const given = { person: by, at, method: envelope === undefined ? 'bearer' : 'ed25519', statement_digest: null };
      return this.change(id, { acknowledgements: [...view.acknowledgements, given] });
    }
    if (signal === 'statement') {
      const { statements = [] } = this.found(id).view;
      const { act, kind, digest, reference_digest } = payload ?? {};
      const of = digest ?? reference_digest;
      const one = { act, person: by, ...(kind === undefined ? {} : { kind }), ...(of === undefined ? {} : { of }) };
      return this.change(id, {
        statements: [...statements, incidentViewSchema.shape.statements.unwrap().element.parse(one)],
      });
    }
    this.change(id, { resolve: { at, by, missing: view.missing } });
    if (view.missing.length === 0) this.change(id, { state: 'resolved', resolved_at: at, ended_at: at });
  }

  /** What `bundle` answers for a resolved incident. */
  bundleText = '';

  async bundle(id: string): Promise<string> {
    if (this.found(id).view.state === 'resolved') return this.bundleText;
    throw new ResealError('bundle_not_ready', `${id} has no evidence bundle`);
  }

  async reattest(id: string): Promise<void> {
    const { attestation } = this.open(id).view;
    const next = this.attests.shift();
    const came =
      next === undefined
        ? { state: 'waiting_for_host' as const, failed_check: null, expected: null }
        : { failed_check: null, expected: null, ...next };
    this.change(id, {
      attestation: { ...attestation, attempt: attestation.attempt + 1, at: instant(this.now()), ...came },
    });
  }

  private open(id: string): IncidentRecord {
    const record = this.found(id);
    if (record.view.state === 'resolved') throw new ResealError('ceremony_ended', `${id} is resolved`);
    return record;
  }

  private found(id: string): IncidentRecord {
    const record = this.records.get(id);
    if (record === undefined) throw new ResealError('not_found', `there is no incident ${id}`);
    return record;
  }
}

const STANDING = {
  idle: 'none',
  running: 'running',
  waiting_for_host: 'waiting',
  refused: 'refused',
  passed: 'passed',
} as const;
