import { isEnd } from '../../../domain/ceremony-state.js';
import { requestRefusal } from '../../../domain/request.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { exitOf, explain, follow, parseFlagDuration, parseWait, reached } from '../await-ceremony.js';
import { ceremonyText } from '../ceremony-text.js';
import { composeRequest } from '../compose-request.js';
import { actorOf } from '../identity.js';
import type { OpenOptions } from '../options.js';
import { structured } from '../render.js';
import { checkFlags, sayRequest } from '../request-questions.js';
import type { Session } from '../session.js';
import { signRequest } from '../signed-statement.js';

const ADMISSION_MS = 15_000;
/** The request is judged again when its approvals are used, and at each try of the grant. */
const BEYOND_WINDOW_MS = 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** `reseal breakglass`: signs the request, starts its ceremony, and waits for admission or for what `--wait` names. */
export async function openCeremony(session: Session, options: OpenOptions): Promise<number> {
  const wait = parseWait(options.wait);
  const timeoutMs = options.timeout === undefined ? undefined : parseFlagDuration('--timeout', options.timeout);
  await checkFlags(session, options);
  const api = await session.api();
  const actor = await actorOf(session, api);
  const said = await sayRequest(session, options, () => api.policy());
  const { terms, digest } = said;
  const nowMs = session.now();
  const request = await composeRequest(api, actor.person, { ...said, nowMs });
  const refusal = requestRefusal(request, terms, digest);
  if (refusal !== undefined) throw new ResealError('refused', `${refusal.code}: ${refusal.message}`);
  const notAfterMs = nowMs + Math.min(terms.approval_window * 1000 + BEYOND_WINDOW_MS, DAY_MS);
  const envelope = await session.during(
    'waiting for the key: touch it, if it is made of hardware',
    signRequest(actor, request, { issuedMs: nowMs, notAfterMs }),
  );
  const { event_id: id } = await api.open(envelope, request.event_id);
  session.say(`accepted: event ${id}`);
  const admission = { timeoutMs: Math.min(ADMISSION_MS, timeoutMs ?? ADMISSION_MS) };
  const awaited =
    wait === undefined
      ? await follow(session, api, id, ({ state }) => state !== 'requested', admission)
      : await follow(session, api, id, (view) => reached(wait, view), timeoutMs === undefined ? {} : { timeoutMs });
  const { view } = awaited;
  session.data((await structured(session.output, view)) ?? ceremonyText(session, view, Date.parse(view.now)));
  if (wait !== undefined) {
    explain(session, awaited);
    return exitOf(wait, awaited);
  }
  if (awaited.why !== 'done') {
    session.warn('no worker has answered yet; the request is kept and will be admitted or refused');
    session.next(`reseal breakglass check ${id}`);
    return awaited.why === 'interrupted' ? exitOf('active', awaited) : EXIT.unreachable;
  }
  if (isEnd(view.state)) return exitOf('active', awaited);
  session.next(
    view.state === 'awaiting_approval' ? `an approver runs: reseal approve ${id}` : `reseal breakglass watch ${id}`,
  );
  return exitOf('active', awaited);
}
