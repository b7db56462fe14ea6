import type { Entry } from '../../domain/entry.js';
import type { NoticeView } from '../../domain/notice-view.js';
import type { CeremonyView } from '../../domain/view.js';
import type { BundleStage } from '../../proofs/bundle.js';
import type { AuditFilter, AuditLine } from '../../domain/audit-line.js';
import type { ImportedFilter, ImportedView } from '../../domain/imported-history.js';
import { auditLines } from './audit-reader.js';
import type { Database } from './database.js';
import { importedEvent, importedEvents } from './imported-reader.js';
import { ledgerRows } from './ledger-rows.js';
import { noticesOf } from './notice-reader.js';
import { openCeremonies, type OpenFor } from './open-ceremonies.js';
import { listEvents, type EventFilter } from './list-events.js';
import { refusalOf, type RefusedAt } from './refusals.js';
import type { Usage } from '../../domain/usage.js';
import { usageOf, type UsageQuestion } from './usage.js';
import { SHOWN, shownView, type ShownRow } from './shown-view.js';

/** What readers ask the register: views, ledgers, bundles and refusals. Nothing here changes anything. */
export interface EventReader {
  getEvent(eventId: string): Promise<CeremonyView | undefined>;
  listEvents(filter?: EventFilter): Promise<CeremonyView[]>;
  openFor(wanted: OpenFor): Promise<CeremonyView[]>;
  /** In order; empty when there is no such event. */
  ledgerOf(eventId: string): Promise<Entry[]>;
  /** What people were told of an event, admitted or refused. */
  noticesOf(eventId: string): Promise<NoticeView[]>;
  /** The bundle of the last stage reached: its file's exact text, without a final newline. */
  bundleOf(eventId: string): Promise<{ stage: BundleStage; sealed_at: string; bundle: string } | undefined>;
  refusalOf(eventId: string): Promise<RefusedAt | undefined>;
  /** What an admission would be judged by now. */
  usage(question: UsageQuestion): Promise<Usage>;
  auditLines(filter?: AuditFilter): Promise<AuditLine[]>;
  /** Other systems' events, as they were imported. */
  importedEvents(filter?: ImportedFilter): Promise<ImportedView[]>;
  importedEvent(eventId: string): Promise<ImportedView | undefined>;
}

/** A reader over a database whose migrations have run. `now` is the clock, in epoch milliseconds, that says what is overdue. */
export function eventReader(database: Database, now: () => number = Date.now): EventReader {
  return {
    async getEvent(eventId) {
      const [row] = await database.query<ShownRow>(`SELECT ${SHOWN} FROM register.events WHERE event_id = $1`, [
        eventId,
      ]);
      return row && shownView(row);
    },
    listEvents: (filter = {}) => listEvents(database, filter, now()),
    openFor: (wanted) => openCeremonies(database, wanted),
    ledgerOf: (eventId) => ledgerRows(database, eventId),
    noticesOf: (eventId) => noticesOf(database, eventId),
    async bundleOf(eventId) {
      const [row] = await database.query<{ stage: BundleStage; sealed_at: string; bundle: string }>(
        `SELECT stage, sealed_at, bundle FROM register.bundles WHERE event_id = $1
         ORDER BY stage = 'audited' DESC LIMIT 1`,
        [eventId],
      );
      return row;
    },
    refusalOf: (eventId) => refusalOf(database, eventId),
    usage: (question) => usageOf(database, question),
    auditLines: (filter = {}) => auditLines(database, filter),
    importedEvents: (filter = {}) => importedEvents(database, filter, now()),
    importedEvent: (eventId) => importedEvent(database, eventId, now()),
  };
}
