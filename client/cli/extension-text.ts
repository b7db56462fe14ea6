import { epochMs } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import { digestWord } from './ceremony-text.js';
import { oneLine } from './printable.js';
import { block } from './render.js';
import { spanText, timeText } from './times.js';

type Extension = NonNullable<CeremonyView['extension']>;

/** What an approver of an extension reads before signing: exactly this is signed, and nothing of what was approved before. */
export function extensionQuestion(
  extension: Extension,
  view: CeremonyView,
  at: { nowMs: number; zone: string },
): string {
  const { deadline, asked_by, asked_at, approvals, approvals_wanted, digest, round } = extension;
  const time = (text: string): string => timeText(text, at.nowMs, at.zone);
  const now = view.expires_at;
  const longer = now === null ? '' : `, ${spanText(Math.round((epochMs(deadline) - epochMs(now)) / 1000))} longer`;
  return block([
    ['extend', `until ${time(deadline)}${longer}`],
    ['until now', now === null ? null : time(now)],
    ['asked by', `${oneLine(asked_by)}, ${time(asked_at)}`],
    ['approvals', `${approvals.length} of ${approvals_wanted} new ones so far`],
    ['round', `${round}, extension ${digestWord(oneLine(digest))}`],
  ]);
}
