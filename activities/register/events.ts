import type { Entry } from '../../domain/entry.js';
import type { CeremonyView } from '../../domain/view.js';
import type { BundleStage } from '../../proofs/bundle.js';
import type { Database } from './database.js';
import { ledgerRows } from './ledger-rows.js';
import { openCeremonies, type OpenFor } from './open-ceremonies.js';
import { refusalOf, type Refusal } from './refusals.js';

/** Which events are listed, newest first. `since` is RFC 3339; `invoker` a person id or user principal name. */
export interface EventFilter {
  open?: boolean;
  invoker?: string;
  profile?: string;
  status?: 'active' | 'closed' | 'expired';
  since?: string;
  /** 1 to 1,000; 100 unless told. */
  limit?: number;
}

/** What readers ask the register: views, ledgers, bundles and refusals. Nothing here changes anything. */
export interface EventReader {
  getEvent(eventId: string): Promise<CeremonyView | undefined>;
  listEvents(filter?: EventFilter): Promise<CeremonyView[]>;
  openFor(wanted: OpenFor): Promise<CeremonyView[]>;
  /** In order; empty when there is no such event. */
  ledgerOf(eventId: string): Promise<Entry[]>;
  /** The bundle of the last stage reached: its file's exact text, without a final newline. */
  bundleOf(eventId: string): Promise<{ stage: BundleStage; sealed_at: string; bundle: string } | undefined>;
  refusalOf(eventId: string): Promise<Refusal | undefined>;
}

const MAX_LISTED = 1000;

/** A reader over a database whose migrations have run. */
export function eventReader(database: Database): EventReader {
  return {
    async getEvent(eventId) {
      const [row] = await database.query<{ view: string }>('SELECT view FROM register.events WHERE event_id = $1', [
        eventId,
      ]);
      return row && (JSON.parse(row.view) as CeremonyView);
    },
    listEvents: (filter = {}) => listEvents(database, filter),
    openFor: (wanted) => openCeremonies(database, wanted),
    ledgerOf: (eventId) => ledgerRows(database, eventId),
    async bundleOf(eventId) {
      const [row] = await database.query<{ stage: BundleStage; sealed_at: string; bundle: string }>(
        `SELECT stage, sealed_at, bundle FROM register.bundles WHERE event_id = $1
         ORDER BY stage = 'audited' DESC LIMIT 1`,
        [eventId],
      );
      return row;
    },
    refusalOf: (eventId) => refusalOf(database, eventId),
  };
}

async function listEvents(database: Database, filter: EventFilter): Promise<CeremonyView[]> {
  const params: unknown[] = [];
  const wanted: string[] = [];
  // Only what is asked for becomes part of the statement, so that each question finds its index.
  const where = (condition: (placeholder: string) => string, value: unknown): void => {
    if (value === undefined) return;
    params.push(value);
    wanted.push(condition(`$${params.length}`));
  };
  where((p) => `open = ${p}`, filter.open);
  where((p) => `(invoker_person = ${p} OR invoker_upn = ${p})`, filter.invoker?.toLowerCase());
  where((p) => `profile = ${p}`, filter.profile);
  where((p) => `status = ${p}`, filter.status);
  where((p) => `admitted_at >= ${p}::timestamptz`, filter.since);
  params.push(Math.min(MAX_LISTED, Math.max(1, Math.trunc(filter.limit ?? 100))));
  const rows = await database.query<{ view: string }>(
    `SELECT view FROM register.events ${wanted.length > 0 ? `WHERE ${wanted.join(' AND ')}` : ''}
     ORDER BY admitted_at DESC, event_id LIMIT $${params.length}`,
    params,
  );
  return rows.map(({ view }) => JSON.parse(view) as CeremonyView);
}
