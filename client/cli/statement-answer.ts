import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd } from '../../domain/ceremony-state.js';
import type { SignalAct } from '../../domain/statement.js';
import type { CeremonyView } from '../../domain/view.js';
import { EXIT } from '../api/exit-status.js';
import type { ResealApi, StatementAnswer } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { Interrupted } from './interrupted.js';
import { oneLine } from './printable.js';
import type { Session } from './session.js';
import { timeText } from './times.js';

const ANSWER_MS = 30_000;
const POLL_MS = 300;

/** What became of a statement that was sent: asked again until the ceremony has heard it, for 30 s. Throws `Interrupted`. */
export async function answerOf(
  session: Session,
  api: ResealApi,
  sent: { id: string; act: SignalAct; digest: string },
): Promise<StatementAnswer> {
  const { signal } = session.io;
  const { id, act, digest } = sent;
  const until = performance.now() + ANSWER_MS;
  let answer: StatementAnswer = { status: 'pending' };
  const over = session.status.begin(`sent; waiting until the ceremony has heard this ${act}`);
  try {
    while (performance.now() < until) {
      if (signal?.aborted === true) {
        throw new Interrupted(
          `stopped waiting: the ${act} was sent, and is heard without you`,
          `reseal breakglass check ${id}`,
        );
      }
      answer = await api.verdict(id, digest).catch((error: unknown) => {
        if (error instanceof ResealError && error.exit === EXIT.unreachable) return { status: 'pending' as const };
        throw error;
      });
      if (answer.status === 'accepted' || answer.status === 'refused') return answer;
      await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
    return answer;
  } finally {
    over();
  }
}

/** Says what became of it, and what to run next where that is not done. */
export function tellAnswer(session: Session, act: SignalAct, id: string, answer: StatementAnswer): void {
  switch (answer.status) {
    case 'accepted':
      session.say(`accepted: ${act}${answer.mark === 'pending' ? " (the authority's end mark follows)" : ''}`);
      return;
    case 'refused':
      session.warn(`refused: ${answer.reason ?? 'no reason given'}: ${answer.message ?? ''}`);
      session.next(`reseal breakglass check ${id}`);
      return;
    default:
      session.warn(`no answer to this ${act} yet${answer.message === undefined ? '' : `: ${answer.message}`}`);
      session.next(`reseal breakglass check ${id}`);
  }
}

export function exitOfAnswer({ status }: StatementAnswer): number {
  if (status === 'accepted') return EXIT.done;
  return status === 'pending' ? EXIT.unreachable : EXIT.denied;
}

/**
 * Whether an act that ends a ceremony came too late to matter because the ceremony is ending already. Only who has the
 * right to the act is refused with `wrong_state`, so that this tells nobody else anything.
 */
export async function isEnding(
  api: ResealApi,
  id: string,
  act: SignalAct,
  answer: StatementAnswer,
): Promise<CeremonyView | undefined> {
  if (act !== 'kill' && act !== 'close') return undefined;
  if (answer.status !== 'refused' || answer.reason !== 'wrong_state') return undefined;
  const view = await api.get(id).catch(() => undefined);
  if (view === undefined || isEnd(view.state)) return undefined;
  return view.state === 'resealing' || view.cause !== null ? view : undefined;
}

/** `already being resealed (kill by bob), since 2 min ago (14:32 CET)`. */
export function endingText(session: Session, view: CeremonyView, nowMs: number): string {
  const by = view.ended_by === null ? '' : ` by ${oneLine(view.ended_by)}`;
  const since = view.rollback.requested_at;
  const when = since === null ? '' : `, begun ${timeText(since, nowMs, session.zone)}`;
  return `already being resealed: ${view.cause ?? view.state}${by}${when}. Nothing more is needed`;
}
