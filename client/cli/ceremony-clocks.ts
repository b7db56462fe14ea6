import { isEnd } from '../../domain/ceremony-state.js';
import type { CeremonyView } from '../../domain/view.js';
import type { ResealApi } from '../api/reseal-api.js';
import type { Session } from './session.js';

/** What time it is in a ceremony, in epoch milliseconds. */
export type Clocks = (view: CeremonyView) => number;

/** Each ceremony of the local stack may live in a virtual time of its own: those that go on are asked for it. */
export async function clocksOf(session: Session, api: ResealApi, views: readonly CeremonyView[]): Promise<Clocks> {
  if (!(await session.settings()).local) return () => session.now();
  const asked = views.filter(({ state }) => !isEnd(state)).slice(0, MOST_ASKED);
  const known = new Map<string, number>();
  await Promise.all(
    asked.map(async ({ event_id: id }) => {
      const view = await api.get(id).catch(() => undefined);
      if (view !== undefined) known.set(id, Date.parse(view.now));
    }),
  );
  return ({ event_id: id }) => known.get(id) ?? session.now();
}

const MOST_ASKED = 20;
