import { z } from 'zod';
import type { DecideQuestion } from '../api/decide-session.js';
import { ResealError } from '../api/reseal-error.js';

const questionSchema = z.strictObject({
  person: z.string().min(1).max(256),
  profile: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -'),
  session_seconds: z.number().int().min(1).optional(),
});

/**
 * Reads what is asked of `decide`: `{person, profile, session_seconds?}`, nothing else. The input is anybody's.
 *
 * @throws {ResealError} `malformed`, naming the member.
 */
export function parseDecideQuestion(input: unknown): DecideQuestion {
  const parsed = questionSchema.safeParse(input);
  if (parsed.success) {
    const { session_seconds, ...question } = parsed.data;
    return session_seconds === undefined ? question : { ...question, session_seconds };
  }
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join('.') || 'the question';
  throw new ResealError('malformed', `${where}: ${issue?.message ?? 'not understood'}`, {
    hint: 'expected {"person": "…", "profile": "…"} and, if wanted, "session_seconds": a whole number of 1 or more',
  });
}
