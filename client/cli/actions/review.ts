import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd } from '../../../domain/ceremony-state.js';
import { epochMs } from '../../../domain/identifiers.js';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi, ReviewAnswer } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import { readAsked } from '../asked-request.js';
import { ceremonyText } from '../ceremony-text.js';
import { chosenEvent } from '../chosen-event.js';
import { actorOf } from '../identity.js';
import { Interrupted } from '../interrupted.js';
import type { ReviewOptions } from '../options.js';
import { oneLine } from '../printable.js';
import { confirm } from '../prompt.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { signReview } from '../signed-statement.js';

const LIFE_MS = 60 * 60 * 1000;
const ANSWER_MS = 60_000;
const POLL_MS = 1_000;
const MAX_NOTE = 1000;

/** `reseal breakglass review EVENT`: shows what was done, signs, and waits until the register has recorded it. */
export async function reviewCeremony(
  session: Session,
  event: string | undefined,
  options: ReviewOptions,
): Promise<number> {
  const note = checkedNote(options.note);
  const id = await chosenEvent(session, event, { review_owed: true });
  const api = await session.api();
  const actor = await actorOf(session, api);
  const [view, asked] = await Promise.all([api.get(id), readAsked(api, id)]);
  if (!isEnd(view.state)) {
    throw new ResealError('usage', `event ${id} has not ended: it is ${view.state}`, {
      hint: `reseal breakglass watch ${id}`,
    });
  }
  session.show(ceremonyText(session, view, epochMs(view.now)));
  if (session.asks && options.yes !== true) {
    const agreed = await confirm(session, `say as ${oneLine(actor.person.upn)} that you have reviewed it?`);
    if (!agreed) {
      session.warn('nothing was signed');
      return EXIT.denied;
    }
  }
  const about = { event_id: id, request_digest: asked.digest, policy_digest: asked.request.policy_digest };
  // The register's clock judges it, also where a ceremony of the local stack is ahead of it.
  const validity = { issuedMs: session.now(), notAfterMs: session.now() + LIFE_MS };
  const envelope = await session.during(
    'waiting for the key: touch it, if it is made of hardware',
    signReview(actor, { ...about, ...(note === undefined ? {} : { note }) }, validity),
  );
  const answer = await answerOf(session, id, () => api.review(id, envelope));
  tell(session, id, answer);
  const text = await structured(session.output, { event_id: id, act: 'review', person: actor.person.id, ...answer });
  if (text !== undefined) session.data(text);
  if (answer.status === 'accepted') session.next(`reseal evidence export ${id} --out ${id}.json`);
  if (answer.status === 'accepted') return EXIT.done;
  return answer.status === 'pending' ? EXIT.unreachable : EXIT.denied;
}

function checkedNote(text: string | undefined): string | undefined {
  const note = text?.trim();
  if (note === undefined) return undefined;
  if (note !== '' && [...note].length <= MAX_NOTE) return note;
  throw new ResealError('usage', `--note is 1 to ${MAX_NOTE} characters, not ${[...note].length}`);
}

/** Asks with the same statement until the register has answered, for a minute. Throws `Interrupted`. */
async function answerOf(
  session: Session,
  id: string,
  ask: () => ReturnType<ResealApi['review']>,
): Promise<ReviewAnswer> {
  const { signal } = session.io;
  const until = performance.now() + ANSWER_MS;
  const over = session.status.begin('sent; waiting until the register has recorded the review');
  try {
    for (;;) {
      const answer = await ask();
      if (answer.status !== 'pending' || performance.now() >= until) return answer;
      await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
      if (signal?.aborted === true) {
        const message = 'stopped waiting: the review was sent, and is recorded without you';
        throw new Interrupted(message, `reseal breakglass check ${id}`);
      }
    }
  } finally {
    over();
  }
}

function tell(session: Session, id: string, { status, reason, message }: ReviewAnswer): void {
  if (status === 'accepted') return session.say('recorded: the review is in the ledger, and in the bundle');
  if (status === 'refused') session.warn(`refused: ${reason ?? 'no reason given'}: ${message ?? ''}`);
  else session.warn(`not recorded yet: ${message ?? 'the register has not answered'}`);
  session.next(`reseal breakglass check ${id}`);
}
