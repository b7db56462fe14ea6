import type { FollowUpStanding } from '../../domain/follow-up-tasks.js';
import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { ImportBatch, ImportReport } from '../../domain/imported-history.js';
import type { CeremonyState, Phase } from '../../domain/ceremony-state.js';
import type { Decision } from '../../domain/decision.js';
import type { Entry } from '../../domain/entry.js';
import type { JobAnswer } from '../../domain/job-tasks.js';
import type { NoticeView } from '../../domain/notice-view.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import type { SignalAct, SignedStatement } from '../../domain/statement.js';
import type { ToolAnswer } from '../../domain/tool-call.js';
import type { CeremonyView, SentinelStatus } from '../../domain/view.js';
import type { Explanation } from '../../domain/explanation.js';
import type { ExplainQuestion } from '../explain/explain-question.js';
import type { DecideQuestion } from './decide-session.js';
import type { Health } from './health-shape.js';
import type { IncidentAccess, IncidentClient } from './incident-api.js';
import type { ToolRequest } from './send-job.js';

/** Which ceremonies to list; all of it is optional, and `limit` is at most 500 (50 when left out). */
export interface EventFilter {
  state?: Phase;
  /** true: those that have not ended; false: those that have. */
  open?: boolean;
  /** User principal name of the invoker, or their id on the roster. */
  invoker?: string;
  profile?: string;
  status?: SentinelStatus;
  /** RFC 3339: asked for at or after this time. */
  since?: string;
  /** A rollback or a review is overdue; while the register cannot be reached, only rollbacks are known. */
  overdue?: true;
  /** A review is owed, overdue or not. Without a register: `needs_register`. */
  review_owed?: true;
  /** Awaits approvals, may have one of this person's (id, alias or object id), and has none. */
  waiting_for?: string;
  limit?: number;
}
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 500;

export interface OpenedEvent {
  event_id: string;
  workflow_id: string;
  run_id: string;
}

/**
 * What became of one statement. `unrecorded`: the ceremony will not answer for it, because it ended first or because it
 * only counts refusals by now. `mark` is the authority's end mark, for acts that end a ceremony.
 */
export interface StatementAnswer {
  status: 'pending' | 'accepted' | 'refused' | 'unrecorded';
  reason?: string;
  message?: string;
  mark?: CeremonyState['mark'];
}

/** What became of a review. `pending`: it is kept and on its way; sending the same again asks how far it is. */
export interface ReviewAnswer {
  digest: string;
  status: 'pending' | 'accepted' | 'refused';
  /** A code of `REVIEW_REFUSALS`. */
  reason?: string;
  message?: string;
  /** RFC 3339 UTC, and the person id of who reviewed. */
  at?: string;
  by?: string;
}

/** A ceremony, and what time it is there (a ceremony on the local stack may live in virtual time). */
export type EventView = CeremonyView & { now: string };

export interface PersonName {
  id: string;
  upn: string;
  object_id: string;
}

/**
 * Everything a client can ask. It carries and decides nothing: whether a statement counts is the ceremony's answer.
 * Every method rejects with `ResealError`, as a rule `not_found`, `temporal_unreachable` or `gateway_unreachable`.
 */
export interface ResealApi {
  /** Starts the ceremony of this signed request. The same request again has the same answer; another one under the same id is `event_id_taken`. */
  open(envelope: SignedStatement, eventId: string): Promise<OpenedEvent>;
  /** Sends one signed act. `digest` is what `verdict` asks by. Ended ceremonies: `ceremony_ended`. */
  speak(eventId: string, act: SignalAct, envelope: SignedStatement): Promise<{ digest: string }>;
  verdict(eventId: string, digest: string): Promise<StatementAnswer>;
  /** Sends one signed review of a ceremony that has ended, and waits some seconds for the register's answer. */
  review(eventId: string, envelope: SignedStatement): Promise<ReviewAnswer>;
  /** Sends one signed statement about what is to be done after a kill; `followUp` tells by the id what became of it. */
  sendFollowUp(eventId: string, envelope: SignedStatement): Promise<{ id: string }>;
  followUp(eventId: string, id: string): Promise<FollowUpStanding>;
  /** Sends the signed statement of a job: a token for it, or why not, judged again each time. */
  job(envelope: SignedStatement): Promise<JobAnswer>;
  /** Calls one tool. Never sent twice: a proof is good for one call. */
  callTool(call: ToolRequest): Promise<ToolAnswer>;
  /** A refused request is answered too, with state `refused` and its reason. */
  get(eventId: string): Promise<EventView>;
  /** The request as its invoker signed it: what an approver checks and signs. */
  request(eventId: string): Promise<SignedStatement>;
  list(filter: EventFilter): Promise<CeremonyView[]>;
  /** Without a register: `needs_register`. */
  ledger(eventId: string): Promise<Entry[]>;
  /** What people were told of it, and what came of that; empty where nobody was to be told. Without a register: `needs_register`. */
  notices(eventId: string): Promise<NoticeView[]>;
  /** The evidence bundle, as its text or parsed (its RFC 8785 form is its text); `bundle_not_ready` before the end. Without a register: `needs_register`. */
  bundle(eventId: string): Promise<unknown>;
  /** The policy in force, and the hex SHA-256 of its RFC 8785 form. */
  policy(): Promise<PolicyInForce>;
  /** How well the parts are that a ceremony needs. Answers also where some of them do not. */
  health(): Promise<Health>;
  /** A person on the roster by id, alias or object id; no keys. `unknown_person` when nobody is called so. */
  person(nameOrUpn: string): Promise<PersonName>;
  /** Whether a key of theirs on the roster has this fingerprint (`SHA256:…`, as `ssh-keygen -l` prints it). */
  holdsKey(nameOrUpn: string, fingerprint: string): Promise<boolean>;
  /**
   * Whether this person may have a session under this profile now, and for how long. A refusal is an answer too; `unknown_person`
   * and whatever cannot be reached reject, and nobody may have a session then.
   */
  decide(question: DecideQuestion): Promise<Decision>;
  /**
   * What the register would say to such a request, check by check. Nothing is asked for. A refusal is an answer too;
   * `unknown_person` and whatever cannot be reached reject.
   */
  explain(question: ExplainQuestion): Promise<Explanation>;
  /** Lines of the audit log in their order, as they were signed. Without a register: `needs_register`. */
  auditLines(filter: AuditFilter): Promise<AuditLine[]>;
  /** Has the register verify and keep lines of another system's log, or with `dry_run` only verify them. */
  importHistory(batch: ImportBatch): Promise<ImportReport>;
  /** Incidents, for whoever shows this token where one is needed. */
  incidents(access?: IncidentAccess): IncidentClient;
  /** Lets go of connections. */
  close(): Promise<void>;
}
