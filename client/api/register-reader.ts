import type { Usage } from '../../domain/usage.js';
import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { Entry } from '../../domain/entry.js';
import type { ImportedFilter, ImportedView } from '../../domain/imported-history.js';
import type { Refusal } from '../../domain/refusal.js';
import type { NoticeView } from '../../domain/notice-view.js';
import type { CeremonyView } from '../../domain/view.js';
import type { UsageWanted } from '../explain/explain-request.js';
import type { EventFilter } from './reseal-api.js';
import type { NamedApprover } from './waiting-for.js';

/** A list's filter, with the person whom requests may wait for as the register looks for them. */
export type RegisterFilter = Omit<EventFilter, 'waiting_for'> & { waiting_for?: NamedApprover['parties'] };

/**
 * Reads from the register. `undefined` says that it holds nothing of the kind; a register that cannot be reached rejects,
 * and readers fall back to Temporal where they can.
 */
export interface RegisterReader {
  getEvent(eventId: string): Promise<CeremonyView | undefined>;
  /** Newest first. */
  listEvents(filter: RegisterFilter): Promise<CeremonyView[]>;
  /** The open events that would give one of these accounts this profile; for `decide`. */
  openFor(wanted: { profile: string; principal_ids: readonly string[] }): Promise<CeremonyView[]>;
  /** In order; empty when there is no such event. */
  ledgerOf(eventId: string): Promise<Entry[]>;
  /** Empty where nobody was to be told anything. */
  noticesOf(eventId: string): Promise<NoticeView[]>;
  /** The exact text of the newest bundle. */
  bundleOf(eventId: string): Promise<{ bundle: string } | undefined>;
  /** What was refused at admission has no row and no ledger. `at` is RFC 3339 UTC. */
  refusalOf(eventId: string): Promise<(Refusal & { at: string }) | undefined>;
  /** What admissions are judged by. */
  usage(wanted: UsageWanted): Promise<Usage>;
  auditLines(filter: AuditFilter): Promise<AuditLine[]>;
  /** Other systems' events: history, and never open. The newest first. */
  importedEvents(filter: ImportedFilter): Promise<ImportedView[]>;
  importedEvent(eventId: string): Promise<ImportedView | undefined>;
}
