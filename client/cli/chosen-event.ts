import { isEnd } from '../../domain/ceremony-state.js';
import { eventIdSchema } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import type { EventFilter } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { waitingExtension } from '../api/waiting-for.js';
import { oneLine } from './printable.js';
import { askFor } from './prompt.js';
import type { Session } from './session.js';
import { relative } from './times.js';

/** An event id as people paste it: with spaces around it, in capitals, or as a workflow id. @throws {ResealError} `usage`. */
export function checkedEventId(text: string): string {
  const id = eventIdSchema.safeParse(
    text
      .trim()
      .replace(/^breakglass\//, '')
      .toLowerCase(),
  );
  if (id.success) return id.data;
  throw new ResealError('usage', `"${text}" is not an event id: 16 lower-case hex characters`, {
    hint: 'see `reseal breakglass list`',
  });
}

/**
 * The event that was named, or on a terminal the one that the person picks among those that are meant by `among`.
 *
 * @throws {ResealError} `usage`, `not_found` when there is none to pick.
 */
export async function chosenEvent(session: Session, event: string | undefined, among: EventFilter): Promise<string> {
  if (event !== undefined) return checkedEventId(event);
  if (!session.asks) {
    throw new ResealError('usage', 'EVENT is missing: the 16 hex characters that the request answered', {
      hint: 'see `reseal breakglass list --open`',
    });
  }
  const views = await (await session.api()).list({ ...among, limit: 20 });
  const known = views.filter(({ event_id }) => eventIdSchema.safeParse(event_id).success);
  if (known.length === 0) {
    const owed = among.review_owed === true ? 'waiting for a review' : 'known';
    const which = among.state ?? (among.open === true ? 'open' : owed);
    const theirs = among.waiting_for === undefined ? which : `waiting for an approval of ${among.waiting_for}`;
    throw new ResealError('not_found', `no ceremony is ${theirs}`, { hint: 'see `reseal breakglass list`' });
  }
  const choices = known.map((view) => ({ value: view.event_id, about: aboutOf(view, session.now()) }));
  return askFor(session, { flag: 'EVENT', question: 'which ceremony', choices });
}

function aboutOf(view: CeremonyView, nowMs: number): string {
  const when = isEnd(view.state) ? (view.ended_at ?? view.requested_at) : view.requested_at;
  const state = waitingExtension(view) === null ? view.state : 'an extension waits';
  return `${state}, ${oneLine(view.profile ?? '')} for ${oneLine(view.principal ?? '')}, ${relative(when, nowMs)}`;
}
