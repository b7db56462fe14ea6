import type { CeremonyView } from '../../../domain/view.js';
import { EXIT } from '../../api/exit-status.js';
import type { PersonName, ResealApi } from '../../api/reseal-api.js';
import { waitingExtension } from '../../api/waiting-for.js';
import { clocksOf, type Clocks } from '../ceremony-clocks.js';
import { ceremonyTable, changeLine } from '../ceremony-text.js';
import type { WatchOptions } from '../options.js';
import { oneLine } from '../printable.js';
import { aboutIncident } from '../open-incidents.js';
import { block, structured } from '../render.js';
import type { Session } from '../session.js';
import { standingOfThings, type StandingOfThings } from '../standing-of-things.js';
import { relative, timeText } from '../times.js';
import { watch } from '../watching.js';

/** `reseal status`: what is open, what is overdue, and what waits for whoever asks. */
export async function showStatus(session: Session, options: WatchOptions): Promise<number> {
  const api = await session.api();
  const me = await whoAsks(session, api);
  if (options.watch === true) {
    return watch(session, {
      load: async () => {
        const things = await standingOfThings(api, me);
        return { things, clocks: await clocksOf(session, api, things.open) };
      },
      frame: ({ things, clocks }) => statusText(session, things, clocks),
      changes: ({ things }, before) => changes(session, things, before?.things),
      parts: ({ things }, before) => (JSON.stringify(things) === JSON.stringify(before?.things) ? [] : [things]),
    });
  }
  const things = await standingOfThings(api, me);
  const text = await structured(session.output, things);
  session.data(text ?? statusText(session, things, await clocksOf(session, api, things.open)));
  if (me === null) session.say('nobody said who asks: with --as it tells what waits for you');
  if (things.waiting.review === null) session.say('the register cannot be asked: which reviews are owed is not known');
  if (things.incidents === null) session.say('which incidents are open is not known: nobody could be asked');
  const next = nextOf(things);
  if (next !== undefined) session.next(next);
  if (hasIncidents(things)) session.next('reseal incident status');
  return EXIT.done;
}

/** Nobody is asked who they are only to be shown something. */
async function whoAsks(session: Session, api: ResealApi): Promise<PersonName | null> {
  const { as, identities } = await session.settings();
  const name = as ?? (identities.length === 1 ? identities[0]?.upn : undefined);
  return name === undefined ? null : api.person(name);
}

function nextOf({ waiting }: StandingOfThings): string | undefined {
  const [approval] = waiting.approval;
  if (approval !== undefined) return `reseal approve ${approval.event_id}`;
  const [review] = waiting.review ?? [];
  if (review !== undefined) return `reseal breakglass review ${review.event_id}`;
  const [close] = waiting.close;
  return close === undefined ? undefined : `reseal breakglass close ${close.event_id}`;
}

const hasIncidents = ({ incidents }: StandingOfThings): boolean => (incidents?.open ?? 0) > 0;

/** `2 incidents are open, the worst INC-…: critical integrity_violation on edge-1, contained`; undefined where there are none. */
function incidentsText({ incidents }: StandingOfThings): string | undefined {
  if (!incidents || incidents.open === 0) return undefined;
  const { open, worst } = incidents;
  const many = open === 1 ? '1 incident is open' : `${open} incidents are open`;
  if (worst === null) return many;
  return `${many}${open === 1 ? '' : ', the worst'} ${worst.id}: ${aboutIncident(worst)}`;
}

function statusText(session: Session, things: StandingOfThings, clocks: Clocks): string {
  const { me, waiting, overdue, open } = things;
  const at = (view: CeremonyView, time: string | null): string =>
    time === null ? '' : timeText(time, clocks(view), session.zone);
  const about = (view: CeremonyView): string =>
    `${view.event_id}  ${oneLine(view.role ?? '')} for ${oneLine(view.principal ?? '')}`;
  const mine: [string, string][] = [
    ...waiting.approval.map((view): [string, string] => {
      const extension = waitingExtension(view);
      if (extension === null) return ['approve', `${about(view)}, approve by ${at(view, view.approval_by)}`];
      const until = at(view, extension.deadline);
      return ['approve', `${about(view)}, to keep it until ${until}: it ends ${at(view, view.expires_at)}`];
    }),
    ...waiting.close.map((view): [string, string] => ['close', `${about(view)}, ends ${at(view, view.expires_at)}`]),
    ...(waiting.review ?? []).map((view): [string, string] => [
      'review',
      `${about(view)}, overdue ${at(view, view.review?.overdue_at ?? null)}`,
    ]),
  ];
  const late: [string, string][] = overdue.map((view) => [lateness(view, clocks(view)), about(view)]);
  const title = (text: string): string => session.style('bold', text);
  const parts: string[] = [];
  const incidents = incidentsText(things);
  if (incidents !== undefined) parts.push(session.style('red', incidents));
  if (mine.length > 0) parts.push(`${title(`waiting for ${oneLine(me?.upn ?? 'you')}`)}\n${indented(block(mine))}`);
  if (late.length > 0) parts.push(`${session.style('red', 'overdue')}\n${indented(block(late))}`);
  if (open.length > 0) parts.push(`${title('open')}\n${indented(ceremonyTable(session, open, clocks))}`);
  if (me !== null && mine.length === 0) parts.unshift(`nothing waits for ${oneLine(me.upn)}`);
  if (open.length === 0) parts.push(incidents === undefined ? 'nothing is open' : 'no ceremony is open');
  return parts.join('\n\n');
}

function lateness({ flags, review }: CeremonyView, nowMs: number): string {
  if (review && review.reviewed_at === null) return `review, since ${relative(review.overdue_at ?? '', nowMs)}`;
  return flags.map(oneLine).join(' ');
}

const indented = (text: string): string => text.replace(/^/gm, '  ');

/** Each ceremony that is new, has changed, or has left the list. */
function changes(session: Session, things: StandingOfThings, before: StandingOfThings | undefined): string[] {
  const all = (of: StandingOfThings | undefined): Map<string, CeremonyView> =>
    new Map(
      [...(of?.overdue ?? []), ...(of?.waiting.review ?? []), ...(of?.open ?? [])].map((view) => [view.event_id, view]),
    );
  const [now, then] = [all(things), all(before)];
  const at = new Date(session.now()).toISOString();
  const waits = new Set(
    Object.values(things.waiting).flatMap((views) => (views ?? []).map(({ event_id }) => event_id)),
  );
  const told = [...now.values()].filter((view) => JSON.stringify(view) !== JSON.stringify(then.get(view.event_id)));
  const gone = [...then.keys()].filter((id) => !now.has(id));
  const [said, saidBefore] = [incidentsText(things), before && incidentsText(before)];
  const incidents = said === saidBefore || things.incidents === null ? [] : [said ?? 'no incident is open any more'];
  return [
    ...incidents,
    ...told.map((view) => {
      const mine = waits.has(view.event_id) ? '  waits for you' : '';
      return `${view.event_id}  ${changeLine(view, at, session.zone)}${mine}`;
    }),
    ...gone.map((id) => `${id}  is neither open nor overdue any more`),
  ];
}
