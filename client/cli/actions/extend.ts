import { epochMs, instant } from '../../../domain/identifiers.js';
import type { CeremonyView } from '../../../domain/view.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readAsked } from '../asked-request.js';
import { parseFlagDuration } from '../await-ceremony.js';
import { chosenEvent } from '../chosen-event.js';
import { actorOf } from '../identity.js';
import type { ActOptions } from '../options.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { signAct } from '../signed-statement.js';
import { answerOf, exitOfAnswer, tellAnswer } from '../statement-answer.js';
import { timeText } from '../times.js';

const LIFE_MS = 60 * 60 * 1000;

/** `reseal breakglass extend EVENT 20m`: asks, as its invoker, for a later deadline, which a new quorum must approve. */
export async function extendCeremony(
  session: Session,
  event: string | undefined,
  longer: string,
  options: ActOptions,
): Promise<number> {
  const longerMs = parseFlagDuration('how much longer', longer);
  const id = await chosenEvent(session, event, { state: 'active' });
  const api = await session.api();
  const { local } = await session.settings();
  const actor = await actorOf(session, api);
  const [view, asked] = await Promise.all([api.get(id), readAsked(api, id)]);
  const { expires_at } = view;
  if (view.state !== 'active' || expires_at === null) {
    throw new ResealError('usage', `event ${id} is ${view.state}: only an active grant can be extended`, {
      hint: `reseal breakglass check ${id}`,
    });
  }
  const nowMs = local ? epochMs(view.now) : session.now();
  const deadline = instant(epochMs(expires_at) + longerMs);
  const until = timeText(deadline, nowMs, session.zone);
  session.show(`extend: until ${until}, instead of ${timeText(expires_at, nowMs, session.zone)}`);
  const about = { event_id: id, request_digest: asked.digest, policy_digest: asked.request.policy_digest };
  const reason = options.reason === undefined ? {} : { reason: options.reason.trim() };
  const round = nextRound(view);
  const envelope = await session.during(
    'waiting for the key: touch it, if it is made of hardware',
    signAct(
      actor,
      'extend',
      { ...about, ...reason, round, deadline },
      // No later than the deadline that it extends.
      { issuedMs: nowMs, notAfterMs: Math.max(nowMs + 1000, Math.min(nowMs + LIFE_MS, epochMs(expires_at))) },
    ),
  );
  const { digest } = await api.speak(id, 'extend', envelope);
  session.say(`sent: extend of ${id} by ${actor.person.upn}`);
  const answer = await answerOf(session, api, { id, act: 'extend', digest });
  tellAnswer(session, 'extend', id, answer);
  const told = { event_id: id, act: 'extend', round, deadline, person: actor.person.id, digest, ...answer };
  const text = await structured(session.output, told);
  if (text !== undefined) session.data(text);
  const exit = exitOfAnswer(answer);
  if (exit === EXIT.done) session.next(`approvers run: reseal approve ${id}`);
  return exit;
}

/** The round that an extension asked for now would be: another than one that is in force, the same as one that is not. */
function nextRound({ extension }: CeremonyView): number {
  if (extension === null || extension === undefined) return 2;
  const inForce = extension.state === 'done' || extension.state === 'verifying';
  return extension.round + (inForce ? 1 : 0);
}
