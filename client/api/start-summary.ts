import { formatDuration } from '../../domain/duration.js';
import { nameOf } from '../../domain/effects/effects.js';
import type { Request } from '../../domain/request.js';
import { escapeMarkdown } from '../../domain/timeline.js';

/** Temporal documents 200 bytes for a summary. */
const MAX_BYTES = 200;

/**
 * One line for the Web UI, in which it is read as Markdown: "Security Administrator for alice@… 30m (incident)". The
 * request is nobody's word yet, so its text is escaped, and cut before it is too long.
 */
export function startSummary(request: Request): string {
  const tail = ` ${formatDuration(request.duration_seconds)} (${request.reason_code})`;
  for (let length = 120; ; length -= 10) {
    const role = escapeMarkdown(cut(nameOf(request.effect), length));
    const line = `${role} for ${escapeMarkdown(cut(request.principal.upn, length))}${tail}`;
    if (length <= 10 || Buffer.byteLength(line) <= MAX_BYTES) return line;
  }
}

const cut = (text: string, length: number): string => {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length).join('')}…`;
};
