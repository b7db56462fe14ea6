import { isEnd } from '../../../domain/ceremony-state.js';
import { isImported } from '../../../domain/imported-history.js';
import type { CeremonyView } from '../../../domain/view.js';
import { EXIT } from '../../api/exit-status.js';
import type { EventFilter, EventView } from '../../api/reseal-api.js';
import { exitOf, explain, follow, parseFlagDuration } from '../await-ceremony.js';
import { clocksOf, type Clocks } from '../ceremony-clocks.js';
import { ceremonyTable, ceremonyText, changeLine } from '../ceremony-text.js';
import { chosenEvent } from '../chosen-event.js';
import { listFilter } from '../list-filter.js';
import { noticesIfKnown, noticesText } from '../notices-text.js';
import type { ActOptions, ListOptions, WatchOptions } from '../options.js';
import { jsonText, structured, yamlText } from '../render.js';
import type { Session } from '../session.js';
import { watch, type Watched } from '../watching.js';

/** `reseal breakglass list`. */
export async function listCeremonies(session: Session, options: ListOptions): Promise<number> {
  const filter = listFilter(options, session.now());
  const api = await session.api();
  if (options.watch === true) {
    const load = async (): Promise<Listed> => {
      const views = await api.list(filter);
      return { views, clocks: await clocksOf(session, api, views) };
    };
    return watch(session, { ...watchedList(session), load });
  }
  const views = await api.list(filter);
  const text = await structured(session.output, views);
  if (text !== undefined) session.data(text);
  else if (views.length > 0) session.data(ceremonyTable(session, views, await clocksOf(session, api, views)));
  else session.say(emptyText(filter));
  if (views.length === filter.limit) session.say(`the newest ${filter.limit}; --limit shows more`);
  return EXIT.done;
}

function emptyText(filter: EventFilter): string {
  const filtered = Object.entries(filter).some(([name, value]) => name !== 'limit' && value !== undefined);
  return filtered ? 'no ceremony matches; leave a filter out to see more' : 'no ceremonies yet';
}

interface Listed {
  views: CeremonyView[];
  clocks: Clocks;
}

/** Ceremonies as they change, each told by what is new about it. */
function watchedList(session: Session): Omit<Watched<Listed>, 'load'> {
  const now = (): string => new Date(session.now()).toISOString();
  const key = (view: CeremonyView): string => JSON.stringify(view);
  const changed = (views: CeremonyView[], before: CeremonyView[] = []): CeremonyView[] => {
    const known = new Map(before.map((view) => [view.event_id, key(view)]));
    return views.filter((view) => known.get(view.event_id) !== key(view));
  };
  return {
    frame: ({ views, clocks }) => (views.length > 0 ? ceremonyTable(session, views, clocks) : 'no ceremonies'),
    changes: ({ views }, before) =>
      changed(views, before?.views).map((view) => `${view.event_id}  ${changeLine(view, now(), session.zone)}`),
    parts: ({ views }, before) => changed(views, before?.views),
  };
}

/** `reseal breakglass check EVENT`. */
export async function checkCeremony(
  session: Session,
  event: string | undefined,
  options: WatchOptions = {},
): Promise<number> {
  const id = await chosenEvent(session, event, {});
  const api = await session.api();
  if (options.watch === true) return watch(session, { ...watchedCeremony(session), load: () => api.get(id) });
  const view = await api.get(id);
  const notices = isImported(view) ? null : await noticesIfKnown(api, id);
  const told = noticesText(session, notices ?? []);
  const text = ceremonyText(session, view, Date.parse(view.now)) + (told === '' ? '' : `\n${told}`);
  session.data((await structured(session.output, notices === null ? view : { ...view, notices })) ?? text);
  if (isImported(view))
    session.say(`imported from ${view.source}'s log, signed by ${view.source_key_id}: history alone`);
  else if (view.state === 'awaiting_approval') session.next(`an approver runs: reseal approve ${view.event_id}`);
  else if (!isEnd(view.state)) session.next(`reseal breakglass watch ${view.event_id}`);
  else if (view.state !== 'refused')
    session.next(`reseal evidence export ${view.event_id} --out ${view.event_id}.json`);
  return EXIT.done;
}

function watchedCeremony(session: Session): Omit<Watched<EventView>, 'load'> {
  const told = (view: EventView): string => changeLine(view, view.now, session.zone);
  const key = ({ now: _now, ...view }: EventView): string => JSON.stringify(view);
  const isNew = (view: EventView, before: EventView | undefined): boolean =>
    before === undefined || key(view) !== key(before);
  return {
    frame: (view) => ceremonyText(session, view, Date.parse(view.now)),
    changes: (view, before) => (isNew(view, before) ? [told(view)] : []),
    parts: (view, before) => (isNew(view, before) ? [view] : []),
    over: ({ state }) => isEnd(state),
  };
}

/** `reseal breakglass watch EVENT`: one line a change until the end; with `-o json` one JSON text a line. */
export async function watchCeremony(session: Session, event: string | undefined, options: ActOptions): Promise<number> {
  const id = await chosenEvent(session, event, { open: true });
  const timeout = options.timeout === undefined ? {} : { timeoutMs: parseFlagDuration('--timeout', options.timeout) };
  const yaml = session.output === 'yaml' ? await import('yaml') : undefined;
  const awaited = await follow(session, await session.api(), id, ({ state }) => isEnd(state), {
    ...timeout,
    told: (view) => {
      if (session.output === 'table') session.data(changeLine(view, view.now, session.zone));
      else if (yaml === undefined) session.data(jsonText(view));
      else session.data(`---\n${yamlText(yaml, view)}`);
    },
  });
  explain(session, awaited);
  return exitOf('ended', awaited);
}
