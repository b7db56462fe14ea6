import { z } from 'zod';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/**
 * Reads `45s`, `30m`, `4h` or `1h30m` as whole seconds; undefined for anything else, zero included.
 * Never throws: the text comes from a command line or a policy file.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,5}h)?(\d{1,5}m)?(\d{1,6}s)?$/.test(text) || text === '') return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([hms])/g)) {
    seconds += Number(amount) * (UNIT_SECONDS[unit ?? ''] ?? 0);
  }
  return seconds > 0 ? seconds : undefined;
}

/** The shortest form that `parseDuration` reads back: 5400 → `1h30m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return `${h ? `${h}h` : ''}${m ? `${m}m` : ''}${s || whole === 0 ? `${s}s` : ''}`;
}

/** What editors are told of it; `parseDuration` is what reads it. */
const textSchema = z.string().meta({
  pattern: '^(?=.)([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$',
  description: 'a duration such as 45s, 30m, 4h or 1h30m; a number means seconds',
});

/** A policy's duration: `30m` on the way in, whole seconds from there on. */
export const durationSchema = z.union([textSchema, z.number().int().positive()]).transform((value, context) => {
  const seconds = typeof value === 'number' ? value : parseDuration(value);
  if (seconds !== undefined) return seconds;
  context.addIssue({ code: 'custom', message: `expected a duration such as 30m, 4h or 1h30m, got "${String(value)}"` });
  return z.NEVER;
});
