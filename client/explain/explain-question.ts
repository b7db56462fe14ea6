import { z } from 'zod';
import { parseDuration } from '../../domain/duration.js';
import { instantSchema } from '../../domain/identifiers.js';
import { REASON_CODES } from '../../domain/reason-codes.js';
import { ResealError } from '../api/reseal-error.js';

const questionSchema = z.strictObject({
  /** Who would ask: id, alias or object id. */
  person: z.string().min(1).max(256),
  /** Who would receive the role; whoever asks, when left out. */
  principal: z.string().min(1).max(256).optional(),
  profile: z.string().min(1).max(64),
  reason_code: z.enum(REASON_CODES),
  /** The profile's default when left out. */
  duration_seconds: z
    .number()
    .int()
    .positive()
    .max(31 * 24 * 3600)
    .optional(),
  /** When it would be asked, RFC 3339 UTC; now when left out. */
  at: instantSchema.optional(),
});
export type ExplainQuestion = z.output<typeof questionSchema>;

/**
 * Reads what is asked of `explain`. The input is anybody's.
 *
 * @throws {ResealError} `malformed`, naming the member.
 */
export function parseExplainQuestion(input: unknown): ExplainQuestion {
  const parsed = questionSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join('.') || 'the question';
  throw new ResealError('malformed', `${where}: ${issue?.message ?? 'not understood'}`, {
    hint: 'expected {"person": "…", "profile": "…", "reason_code": "incident"} and, if wanted, "principal", "duration_seconds" and "at"',
  });
}

/** Seconds of a flag. @throws {ResealError} `usage`. */
export function durationFlag(text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return seconds;
  throw new ResealError('usage', `--duration is a duration such as 30m or 1h30m, not "${text}"`);
}
