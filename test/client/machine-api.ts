import { step } from '../../domain/ceremony.js';
import { decide } from '../../domain/decide.js';
import type { Decision } from '../../domain/decision.js';
import { isEnd, newCeremony, type CeremonyState } from '../../domain/ceremony-state.js';
import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { Explanation } from '../../domain/explanation.js';
import { instant } from '../../domain/identifiers.js';
import type { ImportBatch, ImportReport } from '../../domain/imported-history.js';
import type { NoticeView } from '../../domain/notice-view.js';
import { termsOf, type Policy } from '../../domain/policy.js';
import { REVIEW_REFUSALS, reviewObjection, type ReviewRefusal } from '../../domain/review.js';
import { findPerson, upnOf, type Roster } from '../../domain/roster.js';
import type { SignalAct, SignedStatement } from '../../domain/statement.js';
import { STATEMENT_REFUSALS } from '../../domain/verdict.js';
import { NO_USAGE } from '../../domain/usage.js';
import { viewOf, type CeremonyView } from '../../domain/view.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { checkReviewStatement } from '../../proofs/review-check.js';
import { checkRequestStatement, checkStatement, statementDigest } from '../../proofs/statement-check.js';
import type {
  EventFilter,
  EventView,
  OpenedEvent,
  PersonName,
  ResealApi,
  ReviewAnswer,
  StatementAnswer,
} from '../../client/api/reseal-api.js';
import type { ExplainQuestion } from '../../client/explain/explain-question.js';
import { explainRequest } from '../../client/explain/explain-request.js';
import type { DecideQuestion } from '../../client/api/decide-session.js';
import type { Health } from '../../client/api/health-shape.js';
import { fingerprintsOf } from '../../client/keys/fingerprints.js';
import { ResealError } from '../../client/api/reseal-error.js';
import { notFound } from '../../client/api/temporal-error.js';
import { approverNamed, mayApprove, stillWaits } from '../../client/api/waiting-for.js';

/**
 * Ceremonies in memory: the real machine and the real signature checks without Temporal, for tests of what is around
 * them. `show` overlays what readers see next, one view a read, the last one for good.
 */
export class MachineApi implements ResealApi {
  readonly states = new Map<string, CeremonyState>();
  private readonly overlays = new Map<string, Partial<CeremonyView>[]>();
  bundleText: string | undefined;
  admits = true;

  constructor(private readonly of: { policy: Policy; roster: Roster; now: () => number }) {}

  show(eventId: string, ...views: Partial<CeremonyView>[]): void {
    this.overlays.set(eventId, views);
  }

  /** No role is at work here that a job could be given to. */
  async job(): Promise<never> {
    throw new ResealError('no_answer', 'no authority is at work');
  }

  async sendFollowUp(): Promise<never> {
    throw new ResealError('no_answer', 'no role is at work');
  }

  async followUp(): Promise<never> {
    throw new ResealError('no_answer', 'no role is at work');
  }

  async callTool(): Promise<never> {
    throw new ResealError('no_answer', 'no role is at work');
  }

  async open(envelope: SignedStatement, eventId: string): Promise<OpenedEvent> {
    const now = this.of.now();
    const known = this.states.get(eventId);
    if (known !== undefined && known.envelope.payload !== envelope.payload)
      throw new ResealError('event_id_taken', 'taken');
    if (known === undefined) this.states.set(eventId, this.admitted(newCeremony(eventId, envelope, now), now));
    return { event_id: eventId, workflow_id: `breakglass/${eventId}`, run_id: 'run' };
  }

  private admitted(state: CeremonyState, now: number): CeremonyState {
    const { policy, roster } = this.of;
    if (!this.admits) return state;
    const checked = checkRequestStatement(state.envelope, roster);
    if (!checked.ok) {
      const outcome = { outcome: 'refused' as const, code: checked.reason, message: checked.message };
      return step(state, { type: 'admitted', outcome: { ...outcome, at: instant(now) } }, now);
    }
    const { request } = checked.statement;
    const terms = termsOf(policy, request.profile);
    if (terms === undefined) throw new Error('no such profile');
    const opened = { request, request_digest: checked.request_digest, policy_digest: digestOf(policy), terms };
    const envelope = { payloadType: 'test', payload: '', signatures: [] };
    const rest = { at: instant(now), opened, extra_approvers: 0, escalated: false };
    const outcome = { outcome: 'admitted' as const, ...rest, receipt: { transition: 'request', envelope } };
    return step(state, { type: 'admitted', outcome }, now);
  }

  async speak(eventId: string, act: SignalAct, envelope: SignedStatement): Promise<{ digest: string }> {
    const checked = checkStatement(envelope, this.of.roster);
    const state = step(this.state(eventId), { type: 'heard', signal: act, envelope, checked }, this.of.now());
    this.states.set(eventId, state);
    return { digest: checked.digest };
  }

  async verdict(eventId: string, digest: string): Promise<StatementAnswer> {
    const { verdicts, mark } = this.state(eventId);
    const verdict = verdicts.find((one) => one.digest === digest);
    if (verdict === undefined) return { status: 'pending', mark };
    const { status, reason } = verdict;
    return reason === undefined ? { status, mark } : { status, reason, message: STATEMENT_REFUSALS[reason], mark };
  }

  /** Reviews that were taken, by event id: as the register judges them, but for its bookkeeping. */
  readonly reviews = new Map<string, SignedStatement>();

  async review(eventId: string, envelope: SignedStatement): Promise<ReviewAnswer> {
    const digest = statementDigest(envelope);
    const refused = (reason: ReviewRefusal): ReviewAnswer => ({
      digest,
      status: 'refused',
      reason,
      message: REVIEW_REFUSALS[reason],
    });
    const { opened, phase } = this.state(eventId);
    const checked = checkReviewStatement(envelope, this.of.roster);
    if (!checked.ok) return refused(checked.code);
    if (opened === null || !isEnd(phase)) return refused('not_ended');
    const objection = reviewObjection(
      { event_id: eventId, ...opened },
      checked.statement,
      checked.person,
      this.of.now(),
    );
    if (objection !== undefined) return refused(objection);
    if (this.reviews.has(eventId)) return refused('already_reviewed');
    this.reviews.set(eventId, envelope);
    return { digest, status: 'accepted', at: instant(this.of.now()), by: checked.person.id };
  }

  async get(eventId: string): Promise<EventView> {
    const queue = this.overlays.get(eventId) ?? [];
    const overlay = queue.length > 1 ? queue.shift() : queue[0];
    return { ...viewOf(this.state(eventId)), run_id: 'run', ...overlay, now: instant(this.of.now()) };
  }

  async request(eventId: string): Promise<SignedStatement> {
    return this.state(eventId).envelope;
  }

  async list({ open, state, waiting_for, overdue, review_owed }: EventFilter = {}): Promise<CeremonyView[]> {
    const { policy, roster } = this.of;
    const approver = waiting_for === undefined ? undefined : approverNamed(roster, waiting_for).person;
    return [...this.states.entries()]
      .map(([id, ceremony]) => ({ ...viewOf(ceremony), ...this.overlays.get(id)?.[0] }))
      .filter((view) => open === undefined || isEnd(view.state) !== open)
      .filter((view) => state === undefined || view.state === state)
      .filter((view) => approver === undefined || (mayApprove(approver, view, policy) && stillWaits(approver, view)))
      .filter(({ flags }) => overdue !== true || flags.includes('rollback_overdue'))
      .filter(({ review }) => review_owed !== true || (review !== null && review.reviewed_at === null));
  }

  /** What `notices` answers, of every event. */
  told: NoticeView[] = [];

  async notices(): Promise<NoticeView[]> {
    return this.told;
  }

  async ledger(): Promise<never> {
    throw new ResealError('needs_register', 'no register');
  }

  async bundle(eventId: string): Promise<unknown> {
    this.state(eventId);
    if (this.bundleText === undefined) throw new ResealError('bundle_not_ready', 'not ended');
    return this.bundleText;
  }

  async policy(): Promise<{ policy: Policy; digest: string }> {
    return { policy: this.of.policy, digest: digestOf(this.of.policy) };
  }

  async person(name: string): Promise<PersonName> {
    const person = findPerson(this.of.roster, name);
    if (person === undefined) throw new ResealError('unknown_person', `nobody is called ${name}`);
    return { id: person.id, upn: upnOf(person), object_id: person.object_ids[0] ?? '' };
  }

  async holdsKey(name: string, fingerprint: string): Promise<boolean> {
    const person = findPerson(this.of.roster, name);
    if (person === undefined) throw new ResealError('unknown_person', `nobody is called ${name}`);
    return fingerprintsOf(person.keys).includes(fingerprint);
  }

  async decide({ person, profile, session_seconds }: DecideQuestion): Promise<Decision> {
    const { policy, roster, now } = this.of;
    const found = findPerson(roster, person);
    if (found === undefined) throw new ResealError('unknown_person', `nobody is called ${person}`);
    const views = await Promise.all([...this.states.keys()].map((id) => this.get(id)));
    const events = views.map((view) => ({ ...view, object_id: null, proof: 'workflow' as const, doubt: null }));
    const asked = { policy, policy_digest: digestOf(policy), person: found, profile, events, now_ms: now() };
    return decide(session_seconds === undefined ? asked : { ...asked, session_seconds });
  }

  /** What `auditLines` answers from, and what was sent to be imported. */
  audit: AuditLine[] = [];
  readonly imported: ImportBatch[] = [];
  importAnswer: (batch: ImportBatch) => ImportReport = ({ lines }) => ({
    lines: lines.length,
    imported: lines.length,
    duplicates: 0,
    passed_over: [],
    refused: [],
  });

  explain(question: ExplainQuestion): Promise<Explanation> {
    const { policy, roster, now } = this.of;
    const inForce = { policy, digest: digestOf(policy) };
    return explainRequest({ inForce, roster, nowMs: now(), usage: async () => NO_USAGE }, question);
  }

  async auditLines({ after = 0, last, limit = 200 }: AuditFilter): Promise<AuditLine[]> {
    const found = this.audit.filter(({ seq }) => seq > after);
    return last === undefined ? found.slice(0, limit) : found.slice(-last);
  }

  async importHistory(batch: ImportBatch): Promise<ImportReport> {
    this.imported.push(batch);
    return this.importAnswer(batch);
  }

  /** What `health` answers, but for the time. */
  parts: Omit<Health, 'now'> = {
    temporal: {
      namespace: 'test',
      problem: null,
      server_version: '1.32.0',
      namespace_found: true,
      missing_search_attributes: [],
      idle_roles: [],
    },
    register: 'ok',
  };

  async health(): Promise<Health> {
    return { ...this.parts, now: instant(this.of.now()) };
  }

  incidents(): never {
    throw new ResealError('needs_register', 'no incidents here');
  }

  async close(): Promise<void> {}

  private state(eventId: string): CeremonyState {
    const state = this.states.get(eventId);
    if (state === undefined) throw notFound(eventId);
    return state;
  }
}
