import type { ImportedView } from '../../domain/imported-history.js';
import type { CeremonyView } from '../../domain/view.js';
import type { RegisterReader } from './register-reader.js';
import { DEFAULT_LIMIT, type EventFilter } from './reseal-api.js';

/** What a list may ask of history; whoever asks for anything else means ceremonies alone. */
const ASKED: ReadonlySet<string> = new Set(['state', 'open', 'invoker', 'profile', 'status', 'since', 'limit']);
const STATUSES = ['active', 'closed', 'expired'] as const;

/** The imported events that a list asks for beside the ceremonies. History is never open, and waits for nobody. */
export async function importedFor(register: RegisterReader, filter: EventFilter): Promise<ImportedView[]> {
  const { state, open, invoker, profile, status, since, limit = DEFAULT_LIMIT } = filter;
  const other = Object.entries(filter).some(([name, value]) => value !== undefined && !ASKED.has(name));
  const ofState = STATUSES.find((name) => name === state);
  const contradicts = state !== undefined && (ofState === undefined || (status !== undefined && status !== ofState));
  if (other || open === true || contradicts) return [];
  const views = await register.importedEvents({ invoker, profile, status: status ?? ofState, since, limit });
  return open === false ? views.filter(({ ended_at }) => ended_at !== null) : views;
}

/** Both, by the time they were asked for. */
export function newestFirst(own: readonly CeremonyView[], imported: readonly ImportedView[]): CeremonyView[] {
  if (imported.length === 0) return [...own];
  return [...own, ...imported].sort((a, b) => Date.parse(b.requested_at) - Date.parse(a.requested_at));
}
