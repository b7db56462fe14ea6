import { isEnd } from '../../../domain/ceremony-state.js';
import { eventIdSchema } from '../../../domain/identifiers.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { parseEventFilter } from '../../gateway/event-filter.js';
import { exitOf, explain, follow, parseFlagDuration } from '../await-ceremony.js';
import { ceremonyTable, ceremonyText, changeLine } from '../ceremony-text.js';
import type { ActOptions, ListOptions } from '../options.js';
import { jsonText, structured, yamlText } from '../render.js';
import type { Session } from '../session.js';

/** @throws {ResealError} `usage`. */
export function checkedEventId(text: string): string {
  const id = eventIdSchema.safeParse(text.trim().replace(/^breakglass\//, ''));
  if (id.success) return id.data;
  throw new ResealError('usage', `"${text}" is not an event id: 16 lower-case hex characters`, {
    hint: 'see `reseal breakglass list`',
  });
}

/** `reseal breakglass list`. */
export async function listCeremonies(session: Session, options: ListOptions): Promise<number> {
  const { state, invoker, profile, status, since, limit } = options;
  const given = {
    state,
    invoker,
    profile,
    status,
    limit,
    since: since === undefined ? undefined : sinceTime(session, since),
  };
  const query: Record<string, string> = options.open === true ? { open: 'true' } : {};
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query[name] = value;
  const views = await (await session.api()).list(parseEventFilter(query));
  const text = await structured(session.output, views);
  if (text !== undefined) session.data(text);
  else if (views.length > 0) session.data(ceremonyTable(session, views, session.now()));
  else session.say('no ceremonies');
  return EXIT.done;
}

/** `2h` ago, or a time. */
function sinceTime(session: Session, text: string): string {
  if (/^\d{4}-/.test(text)) return text;
  return new Date(session.now() - parseFlagDuration('--since', text)).toISOString();
}

/** `reseal breakglass check EVENT`. */
export async function checkCeremony(session: Session, event: string): Promise<number> {
  const view = await (await session.api()).get(checkedEventId(event));
  session.data((await structured(session.output, view)) ?? ceremonyText(session, view, Date.parse(view.now)));
  if (view.state === 'awaiting_approval') session.next(`an approver runs: reseal approve ${view.event_id}`);
  else if (!isEnd(view.state)) session.next(`reseal breakglass watch ${view.event_id}`);
  else if (view.state !== 'refused')
    session.next(`reseal evidence export ${view.event_id} --out ${view.event_id}.json`);
  return EXIT.done;
}

/** `reseal breakglass watch EVENT`: one line a change until the end; with `-o json` one JSON text a line. */
export async function watchCeremony(session: Session, event: string, options: ActOptions): Promise<number> {
  const id = checkedEventId(event);
  const timeout = options.timeout === undefined ? {} : { timeoutMs: parseFlagDuration('--timeout', options.timeout) };
  const yaml = session.output === 'yaml' ? await import('yaml') : undefined;
  const awaited = await follow(session, await session.api(), id, ({ state }) => isEnd(state), {
    ...timeout,
    told: (view) => {
      if (session.output === 'table') session.data(changeLine(view, view.now));
      else if (yaml === undefined) session.data(jsonText(view));
      else session.data(`---\n${yamlText(yaml, view)}`);
    },
  });
  explain(session, awaited);
  return exitOf('ended', awaited);
}
