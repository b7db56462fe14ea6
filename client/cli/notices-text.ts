import { MOST_ATTEMPTS } from '../../domain/notice-retries.js';
import type { NoticeAttempt, NoticeDelivery, NoticeView } from '../../domain/notice-view.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { oneLine } from './printable.js';
import type { Session } from './session.js';
import { clockText } from './times.js';

/** What people were told of an event; null where nobody can say: the register is another's, away, or older than this. */
export async function noticesIfKnown(api: ResealApi, eventId: string): Promise<NoticeView[] | null> {
  return api.notices(eventId).catch((error: unknown) => {
    if (error instanceof ResealError) return null;
    throw error;
  });
}

/** Who was told what, and what came of it: one line for a notice and channel. Empty where nobody was to be told anything. */
export function noticesText(session: Session, notices: readonly NoticeView[]): string {
  return notices
    .flatMap(({ type, at, deliveries }) => {
      const what = `notice     ${clockText(at, session.zone)} ${oneLine(type)}`;
      return deliveries.length === 0
        ? [`${what}: no channel hears of it`]
        : deliveries.map((delivery) => `${what} → ${oneLine(delivery.channel)} ${outcomeText(session, delivery)}`);
    })
    .join('\n');
}

function outcomeText(session: Session, { state, attempts, next_at }: NoticeDelivery): string {
  const last = attempts.at(-1);
  if (state === 'delivered') return `delivered ${clockText(last?.at ?? '', session.zone)}`;
  if (state === 'dead') return `${session.style('red', 'not delivered')}${reason(last)}, given up`;
  if (last === undefined) return 'waiting';
  return `not delivered yet${reason(last)}, ${attempts.length} of ${MOST_ATTEMPTS}, next ${clockText(next_at ?? '', session.zone)}`;
}

function reason(attempt: NoticeAttempt | undefined): string {
  if (attempt === undefined) return '';
  const { code, status } = attempt;
  return `: ${status === null ? oneLine(code ?? '') : code === 'http_status' ? String(status) : `${oneLine(code ?? '')} ${status}`}`;
}
