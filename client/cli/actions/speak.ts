import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../../../domain/duration.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { Request } from '../../../domain/request.js';
import type { SignalAct } from '../../../domain/statement.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { EXIT } from '../../api/exit-status.js';
import type { EventView, ResealApi, StatementAnswer } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import { readRequestStatement } from '../../api/statement-shape.js';
import { exitOf, explain, follow, parseFlagDuration, parseWait, reached } from '../await-ceremony.js';
import { ceremonyText, digestWord } from '../ceremony-text.js';
import { actorOf } from '../identity.js';
import type { ActOptions } from '../options.js';
import { oneLine } from '../printable.js';
import { confirm } from '../prompt.js';
import { block, structured } from '../render.js';
import type { Session } from '../session.js';
import { signAct, type Validity } from '../signed-statement.js';
import { timeText } from '../times.js';
import { checkedEventId } from './read-ceremonies.js';

const ACT_LIFE_MS = 10 * 60 * 1000;
const APPROVAL_LIFE_MS = 60 * 60 * 1000;
const ANSWER_MS = 30_000;
const ADMISSION_MS = 15_000;
const POLL_MS = 300;

/** `reseal approve|deny|withdraw EVENT` and `reseal breakglass close|kill EVENT`: signs the act, sends it, and asks what became of it. */
export async function speak(session: Session, act: SignalAct, event: string, options: ActOptions): Promise<number> {
  const id = checkedEventId(event);
  const wait = parseWait(options.wait);
  const timeoutMs = options.timeout === undefined ? undefined : parseFlagDuration('--timeout', options.timeout);
  const api = await session.api();
  const actor = await actorOf(session, api);
  const { local } = await session.settings();
  // A kill does not wait for a view: the request is all that it needs. Only the local stack has a time of its own.
  const needsView = act === 'approve' || local;
  const [view, asked] = await Promise.all([needsView ? viewFor(session, api, id, act) : null, readAsked(api, id)]);
  const nowMs = local && view !== null ? epochMs(view.now) : session.now();
  if (act === 'approve' && view !== null) {
    session.warn(requestText(asked, view, nowMs));
    if (session.asks && options.yes !== true && !(await confirm(session, `approve this as ${actor.person.upn}?`))) {
      session.warn('nothing was signed');
      return EXIT.denied;
    }
  }
  const about = { event_id: id, request_digest: asked.digest, policy_digest: asked.request.policy_digest };
  const reason = options.reason === undefined ? {} : { reason: options.reason.trim() };
  const envelope = await signAct(actor, act, { ...about, ...reason }, validityOf(act, view, nowMs));
  const { digest } = await api.speak(id, act, envelope);
  session.say(`sent: ${act} of ${id} by ${actor.person.upn}; waiting for the ceremony's answer`);
  const answer = await answerOf(session, api, id, digest);
  tell(session, act, id, answer);
  const exit = exitOfAnswer(answer);
  if (exit !== EXIT.done || wait === undefined) {
    const text = await structured(session.output, { event_id: id, act, person: actor.person.id, digest, ...answer });
    if (text !== undefined) session.data(text);
    if (exit === EXIT.done) session.next(`reseal breakglass watch ${id}`);
    return exit;
  }
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

/** An approval that comes before admission would be refused as too early: it waits a moment. */
async function viewFor(session: Session, api: ResealApi, id: string, act: SignalAct): Promise<EventView> {
  const first = await api.get(id);
  if (act !== 'approve' || first.state !== 'requested') return first;
  const options = { timeoutMs: ADMISSION_MS };
  return (await follow(session, api, id, ({ state }) => state !== 'requested', options)).view;
}

interface Asked {
  request: Request;
  digest: string;
}

/**
 * The request from its invoker's own signed bytes. Its digest is computed here, so that what is shown is what is signed,
 * whatever the gateway says of it.
 */
async function readAsked(api: ResealApi, id: string): Promise<Asked> {
  const { statement } = readRequestStatement(await api.request(id));
  const digest = digestOf(statement.request);
  if (statement.request.event_id !== id || statement.request_digest !== digest) {
    throw new ResealError(
      'verification_failed',
      'the request that was handed out is not the one that its invoker signed',
      {
        hint: 'nothing was signed. Somebody between you and the ceremony may be lying: ask your responders',
      },
    );
  }
  return { request: statement.request, digest };
}

function requestText({ request, digest }: Asked, view: EventView, nowMs: number): string {
  if (view.request_digest !== null && view.request_digest !== digest) {
    throw new ResealError(
      'verification_failed',
      'the ceremony says that it is about another request than the one shown',
      {
        hint: `nothing was signed. Shown: ${digestWord(digest)}, the ceremony's: ${digestWord(oneLine(view.request_digest))}`,
      },
    );
  }
  const { effect } = request;
  return block([
    ['event', request.event_id],
    ['grant', oneLine(effect.role_name)],
    ['role', effect.role_template_id],
    ['scope', oneLine(effect.directory_scope_id)],
    ['tenant', effect.tenant_id],
    ['to', `${oneLine(request.principal.upn)} (${request.principal.object_id})`],
    ['asked by', `${oneLine(request.invoker.upn)}, ${timeText(request.requested_at, nowMs)}`],
    ['for', `${formatDuration(request.duration_seconds)}${effect.end_sessions ? ', then sessions are ended' : ''}`],
    ['why', `${request.reason_code}: ${oneLine(request.justification)}`],
    ['ticket', request.ticket],
    ['profile', `${oneLine(request.profile)}, policy ${digestWord(request.policy_digest)}`],
    ['request', digestWord(digest)],
  ]);
}

function validityOf(act: SignalAct, view: EventView | null, nowMs: number): Validity {
  if (act !== 'approve' || view === null) return { issuedMs: nowMs, notAfterMs: nowMs + ACT_LIFE_MS };
  const windowEnd = view.approval_by === null ? Number.POSITIVE_INFINITY : epochMs(view.approval_by);
  // Not before now + 1 s: past the window it is the ceremony that says so, in its own words.
  return { issuedMs: nowMs, notAfterMs: Math.max(nowMs + 1000, Math.min(nowMs + APPROVAL_LIFE_MS, windowEnd)) };
}

async function answerOf(session: Session, api: ResealApi, id: string, digest: string): Promise<StatementAnswer> {
  const { signal } = session.io;
  const until = performance.now() + ANSWER_MS;
  let answer: StatementAnswer = { status: 'pending' };
  while (performance.now() < until && signal?.aborted !== true) {
    answer = await api.verdict(id, digest).catch((error: unknown) => {
      if (error instanceof ResealError && error.exit === EXIT.unreachable) return { status: 'pending' as const };
      throw error;
    });
    if (answer.status === 'accepted' || answer.status === 'refused') return answer;
    await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
  return answer;
}

function tell(session: Session, act: SignalAct, id: string, answer: StatementAnswer): void {
  switch (answer.status) {
    case 'accepted':
      session.say(`accepted: ${act}${answer.mark === 'pending' ? " (the authority's end mark follows)" : ''}`);
      return;
    case 'refused':
      session.warn(`refused: ${answer.reason ?? 'no reason given'}: ${answer.message ?? ''}`);
      return;
    default:
      session.warn(`no answer to this ${act} yet${answer.message === undefined ? '' : `: ${answer.message}`}`);
      session.next(`reseal breakglass check ${id}`);
  }
}

function exitOfAnswer({ status }: StatementAnswer): number {
  if (status === 'accepted') return EXIT.done;
  return status === 'pending' ? EXIT.unreachable : EXIT.denied;
}
