import { nameOf } from '../../../domain/effects/effects.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { SignalAct } from '../../../domain/statement.js';
import { EXIT } from '../../api/exit-status.js';
import type { EventView, ResealApi } from '../../api/reseal-api.js';
import { waitingExtension } from '../../api/waiting-for.js';
import { readAsked, requestText, type Asked } from '../asked-request.js';
import { exitOf, explain, follow, parseFlagDuration, parseWait, reached, type Wait } from '../await-ceremony.js';
import { ceremonyText, changeLine } from '../ceremony-text.js';
import { chosenEvent } from '../chosen-event.js';
import { actorOf, type Actor } from '../identity.js';
import type { ActOptions } from '../options.js';
import { oneLine } from '../printable.js';
import { extensionQuestion } from '../extension-text.js';
import { confirm } from '../prompt.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { signAct, type Validity } from '../signed-statement.js';
import { answerOf, endingText, exitOfAnswer, isEnding, tellAnswer } from '../statement-answer.js';

const ACT_LIFE_MS = 10 * 60 * 1000;
const APPROVAL_LIFE_MS = 60 * 60 * 1000;
const ADMISSION_MS = 15_000;

/** `reseal approve|deny|withdraw EVENT` and `reseal breakglass close|kill EVENT`: signs the act, sends it, and asks what became of it. */
export async function speak(
  session: Session,
  act: SignalAct,
  event: string | undefined,
  options: ActOptions,
): Promise<number> {
  const wait = parseWait(options.wait);
  const timeoutMs = options.timeout === undefined ? undefined : parseFlagDuration('--timeout', options.timeout);
  const { as, local } = await session.settings();
  const mine = as === undefined ? { state: 'awaiting_approval' as const } : { waiting_for: as };
  const id = await chosenEvent(session, event, act === 'approve' ? mine : { open: true });
  const api = await session.api();
  const actor = await actorOf(session, api);
  // A kill does not wait for a view: the request is all that it needs. Only the local stack has a time of its own.
  const needsView = act === 'approve' || local;
  const [view, asked] = await Promise.all([needsView ? viewFor(session, api, id, act) : null, readAsked(api, id)]);
  const nowMs = local && view !== null ? epochMs(view.now) : session.now();
  if (!(await agreed(session, act, { actor, asked, view, nowMs }, options))) {
    session.warn('nothing was signed');
    return EXIT.denied;
  }
  const about = { event_id: id, request_digest: asked.digest, policy_digest: asked.request.policy_digest };
  const reason = options.reason === undefined ? {} : { reason: options.reason.trim() };
  const compromise = act === 'kill' && options.compromise === true ? { compromise: true as const } : {};
  const extension = act === 'approve' ? waitingExtension(view) : null;
  const { round = 1, deadline, digest: extension_digest } = extension ?? {};
  const of = deadline === undefined || extension_digest === undefined ? {} : { round, deadline, extension_digest };
  const envelope = await session.during(
    'waiting for the key: touch it, if it is made of hardware',
    signAct(actor, act, { ...about, ...reason, ...compromise, ...of }, validityOf(act, view, nowMs)),
  );
  const { digest } = await api.speak(id, act, envelope);
  session.say(`sent: ${act} of ${id} by ${actor.person.upn}`);
  const answer = await answerOf(session, api, { id, act, digest });
  const ending = await isEnding(api, id, act, answer);
  if (ending === undefined) tellAnswer(session, act, id, answer);
  else session.warn(endingText(session, ending, nowMs));
  const exit = ending === undefined ? exitOfAnswer(answer) : EXIT.done;
  if (exit === EXIT.done && wait !== undefined) return awaitEnd(session, api, id, wait, timeoutMs);
  if (answer.status === 'accepted' && act === 'approve') await tellWhere(session, api, id);
  const already = ending === undefined ? {} : { already: 'resealing' };
  const told = { event_id: id, act, person: actor.person.id, digest, ...answer, ...already };
  const text = await structured(session.output, told);
  if (text !== undefined) session.data(text);
  if (exit === EXIT.done) session.next(`reseal breakglass watch ${id}`);
  return exit;
}

async function awaitEnd(
  session: Session,
  api: ResealApi,
  id: string,
  wait: Wait,
  timeoutMs: number | undefined,
): Promise<number> {
  const awaited = await follow(
    session,
    api,
    id,
    (at) => reached(wait, at),
    timeoutMs === undefined ? {} : { timeoutMs },
  );
  const text = await structured(session.output, awaited.view);
  session.data(text ?? ceremonyText(session, awaited.view, epochMs(awaited.view.now)));
  explain(session, awaited);
  return exitOf(wait, awaited);
}

interface Spoken {
  actor: Actor;
  asked: Asked;
  view: EventView | null;
  nowMs: number;
}

/** Shows what is approved; asks a person on a terminal before an approval and before a kill, unless `--yes`. */
async function agreed(session: Session, act: SignalAct, spoken: Spoken, options: ActOptions): Promise<boolean> {
  const { actor, asked, view, nowMs } = spoken;
  const at = { nowMs, zone: session.zone };
  if (act === 'approve' && view !== null) session.show(requestText(asked, view, at));
  const extension = act === 'approve' ? waitingExtension(view) : null;
  if (extension !== null && view !== null) session.show(extensionQuestion(extension, view, at));
  if (!session.asks || options.yes === true) return true;
  const upn = oneLine(actor.person.upn);
  if (extension !== null) return confirm(session, `approve this extension as ${upn}?`);
  if (act === 'approve') return confirm(session, `approve this as ${upn}?`);
  if (act !== 'kill') return true;
  const { effect, principal } = asked.request;
  const sessions = effect.end_sessions ? ' and all their sign-in sessions are ended' : '';
  session.show(`kill: ${oneLine(nameOf(effect))} is taken from ${oneLine(principal.upn)} now${sessions}`);
  return confirm(session, `kill ${asked.request.event_id} as ${upn}?`);
}

/** How far the ceremony is after an approval; no answer is no failure, the approval has been accepted. */
async function tellWhere(session: Session, api: ResealApi, id: string): Promise<void> {
  const view = await api.get(id).catch(() => undefined);
  if (view !== undefined) session.say(changeLine(view, view.now, session.zone));
}

/** An approval that comes before admission would be refused as too early: it waits a moment. */
async function viewFor(session: Session, api: ResealApi, id: string, act: SignalAct): Promise<EventView> {
  const first = await api.get(id);
  if (act !== 'approve' || first.state !== 'requested') return first;
  const options = { timeoutMs: ADMISSION_MS };
  return (await follow(session, api, id, ({ state }) => state !== 'requested', options)).view;
}

function validityOf(act: SignalAct, view: EventView | null, nowMs: number): Validity {
  if (act !== 'approve' || view === null) return { issuedMs: nowMs, notAfterMs: nowMs + ACT_LIFE_MS };
  const window = waitingExtension(view) === null ? view.approval_by : view.expires_at;
  const windowEnd = window === null ? Number.POSITIVE_INFINITY : epochMs(window);
  // Not before now + 1 s: past the window it is the ceremony that says so, in its own words.
  return { issuedMs: nowMs, notAfterMs: Math.max(nowMs + 1000, Math.min(nowMs + APPROVAL_LIFE_MS, windowEnd)) };
}
