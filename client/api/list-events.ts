import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import type { Roster } from '../../domain/roster.js';

import type { CeremonyView } from '../../domain/view.js';
import { importedFor, newestFirst } from './imported-events.js';
import type { RegisterReader } from './register-reader.js';
import { DEFAULT_LIMIT, type EventFilter, type EventView } from './reseal-api.js';
import { fromTemporal } from './temporal-error.js';
import { visibilityQuery } from './visibility-query.js';
import { approverNamed, mayApprove, stillWaits } from './waiting-for.js';
import type { WorkflowReader } from './workflow-reader.js';

export interface ListSources {
  reader: WorkflowReader;
  policy: () => Promise<PolicyInForce>;
  roster: () => Promise<Roster>;
  get: (eventId: string) => Promise<EventView>;
  /** null when there is no register or it cannot be reached. */
  fromRegister: <T>(read: (register: RegisterReader) => Promise<T | undefined>) => Promise<T | null>;
  /** Rejects when there is no register or it cannot be reached. */
  needRegister: <T>(read: (register: RegisterReader) => Promise<T>) => Promise<T>;
}

/** How many workflows are asked at a time whether they still wait. */
const ASKED_AT_ONCE = 8;

/**
 * The newest ceremonies that a filter means, as the register last heard of them; from Temporal's visibility while the register
 * cannot be reached, which knows of no review. What waits for a person is asked of each workflow: an approval reaches the
 * register only with the grant.
 */
export async function listEvents(sources: ListSources, filter: EventFilter): Promise<CeremonyView[]> {
  const { limit = DEFAULT_LIMIT, waiting_for, ...rest } = filter;
  const approver = waiting_for === undefined ? undefined : approverNamed(await sources.roster(), waiting_for);
  if (approver?.kind === 'agent') return [];
  const asked = { ...rest, limit, ...(approver === undefined ? {} : { waiting_for: approver.parties }) };
  const list = (register: RegisterReader): Promise<CeremonyView[]> => register.listEvents(asked);
  const rows = await (filter.review_owed === true ? sources.needRegister(list) : sources.fromRegister(list));
  if (approver !== undefined) {
    const found = rows ?? (await waitingByVisibility(sources, { ...rest, limit }));
    const { policy } = await sources.policy();
    const theirs = found.filter((view) => mayApprove(approver.person, view, policy));
    return whereEach(theirs, async (view) => stillWaits(approver.person, await current(sources.reader, view)));
  }
  if (rows === null) return fromVisibility(sources, { ...rest, limit });
  const imported = (await sources.fromRegister((register) => importedFor(register, filter))) ?? [];
  const { state } = filter;
  const own = rows.filter((view) => state === undefined || view.state === state);
  return newestFirst(own, imported).slice(0, limit);
}

/** The ceremony as its workflow knows it now; as it was listed where no worker answers. */
const current = async (reader: WorkflowReader, view: CeremonyView): Promise<CeremonyView> =>
  (await reader.query<CeremonyView>(ceremonyWorkflowId(view.event_id), 'view')) ?? view;

async function whereEach<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  for (let from = 0; from < items.length; from += ASKED_AT_ONCE) {
    const batch = items.slice(from, from + ASKED_AT_ONCE);
    const answers = await Promise.all(batch.map(holds));
    kept.push(...batch.filter((_, index) => answers[index]));
  }
  return kept;
}

/** An extension waits in a ceremony that is active: of those, whoever is asked says whether one does. */
async function waitingByVisibility(sources: ListSources, filter: EventFilter): Promise<CeremonyView[]> {
  const asked = await fromVisibility(sources, { ...filter, state: 'awaiting_approval' });
  return [...asked, ...(await fromVisibility(sources, { ...filter, state: 'active' }))];
}

async function fromVisibility({ reader, get }: ListSources, filter: EventFilter): Promise<CeremonyView[]> {
  const limit = filter.limit ?? DEFAULT_LIMIT;
  const invoker = filter.invoker?.toLowerCase();
  const views: CeremonyView[] = [];
  const seen = new Set<string>();
  try {
    for await (const { workflowId } of reader.client.workflow.list({ query: visibilityQuery(filter) })) {
      if (seen.has(workflowId)) continue;
      seen.add(workflowId);
      const { now: _now, ...view } = await get(workflowId.slice(ceremonyWorkflowId('').length));
      if (invoker !== undefined && view.invoker !== invoker && view.invoker_person !== invoker) continue;
      if (filter.status !== undefined && view.status !== filter.status) continue;
      if (views.push(view) >= limit) break;
    }
  } catch (error) {
    throw fromTemporal(error);
  }
  return views;
}
