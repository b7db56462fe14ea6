import { sentinelEventOf } from '../../../domain/sentinel.js';
import { sentinelEventJson } from '../../../proofs/sentinel-json.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { checkedEventId } from '../chosen-event.js';
import type { Session } from '../session.js';

/** `reseal audit event EVENT`: a ceremony as the break-glass event of Sentinel's commands, byte for byte. */
export async function showSentinelEvent(session: Session, event: string): Promise<number> {
  const id = checkedEventId(event);
  const api = await session.api();
  const view = await api.get(id);
  const { ended_by } = view;
  const closer = ended_by === null ? null : await api.person(ended_by).catch(() => null);
  const sentinel = sentinelEventOf(view, (person) => closer?.upn ?? person);
  if (sentinel === undefined) {
    throw new ResealError(
      'not_found',
      `event ${id} is ${view.state}: Sentinel has no event for what was never in effect`,
      {
        hint: `reseal breakglass check ${id}`,
      },
    );
  }
  session.data(sentinelEventJson(sentinel, '  '));
  return EXIT.done;
}
