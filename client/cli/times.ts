import { formatDuration } from '../../domain/duration.js';

/** `2026-01-31 09:15:00Z (in 29m)`: the time itself, and how far it is from `nowMs`. */
export function timeText(at: string, nowMs: number): string {
  return `${at.slice(0, 10)} ${clockText(at)} (${relative(at, nowMs)})`;
}

/** `09:15:00Z`. */
export const clockText = (at: string): string => `${at.slice(11, 19)}Z`;

/** `29m ago`, `in 1h30m` or `now`; two units at most. */
export function relative(at: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(at) - nowMs) / 1000);
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds === 0) return 'now';
  const span = spanText(Math.abs(seconds));
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}

function spanText(seconds: number): string {
  if (seconds >= 172_800) return `${Math.floor(seconds / 86_400)}d`;
  if (seconds >= 3600) return formatDuration(seconds - (seconds % 60));
  return formatDuration(seconds);
}
