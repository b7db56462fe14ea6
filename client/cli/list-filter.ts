import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import { MAX_LIMIT } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { parseEventFilter } from '../gateway/event-filter.js';
import { parseFlagDuration } from './await-ceremony.js';
import type { ListOptions } from './options.js';
import { didYouMean } from './suggest.js';

const STATES = [...PHASES, ...ENDS] as const;
const STATUSES = ['active', 'closed', 'expired'] as const;

/** What `list` was asked for. `nowMs` is what `--since 24h` is counted back from. @throws {ResealError} `usage`, naming the flag. */
export function listFilter(options: ListOptions, nowMs: number): ReturnType<typeof parseEventFilter> {
  const { state, status, invoker, profile, since, limit } = options;
  checkOneOf('--state', state, STATES);
  checkOneOf('--status', status, STATUSES);
  if (limit !== undefined && !(/^\d{1,4}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= MAX_LIMIT)) {
    throw new ResealError('usage', `--limit is a whole number from 1 to ${MAX_LIMIT}, not "${limit}"`);
  }
  if (profile !== undefined && !/^[a-z0-9][a-z0-9._-]{0,63}$/.test(profile)) {
    throw new ResealError('usage', `--profile: "${profile}" is no profile's name: 1 to 64 of a-z 0-9 . _ -`);
  }
  const waiting_for = options.waitingFor;
  const given = { state, status, invoker, profile, waiting_for, limit, since: pastTime('--since', since, nowMs) };
  const query: Record<string, string> = options.open === true ? { open: 'true' } : {};
  if (options.overdue === true) query['overdue'] = 'true';
  if (options.reviewOwed === true) query['review_owed'] = 'true';
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query[name] = value;
  return parseEventFilter(query);
}

function checkOneOf(flag: string, text: string | undefined, known: readonly string[]): void {
  if (text === undefined || known.includes(text)) return;
  throw new ResealError('usage', `${flag}: "${text}" is none.${didYouMean(text, known)}`, {
    hint: `it is one of ${known.join(', ')}`,
  });
}

/** `24h` ago or `7d` ago, a day, or a time; RFC 3339 UTC. @throws {ResealError} `usage`, naming the flag. */
export function pastTime(flag: string, text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined;
  if (/^\d{4}-/.test(text)) {
    // A day begins where the reader is.
    const ms = Date.parse(text.length === 10 ? `${text}T00:00:00` : text);
    if (Number.isFinite(ms)) return new Date(ms).toISOString();
    throw new ResealError('usage', `${flag}: "${text}" is not a time such as 2026-01-31T08:00:00Z or 2026-01-31`);
  }
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseFlagDuration(flag, text) : Number(days) * 86_400_000;
  return new Date(nowMs - ms).toISOString();
}
