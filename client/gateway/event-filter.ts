import { z } from 'zod';
import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import { instantSchema } from '../../domain/identifiers.js';
import { DEFAULT_LIMIT, MAX_LIMIT, type EventFilter } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';

/** There is no list of what is not overdue. */
const onlyTrue = z
  .enum(['true', '1'], 'is true, or left out')
  .transform(() => true as const)
  .optional();

const wantsLimit = `is a whole number from 1 to ${MAX_LIMIT}`;
const wantsTime = 'is an RFC 3339 time in UTC, such as 2026-01-31T08:00:00Z';
const nameSchema = z
  .string()
  .refine((name) => name.length >= 1 && name.length <= 256, 'is a name of 1 to 256 characters')
  .toLowerCase();

const filterSchema = z.strictObject({
  state: z.enum([...PHASES, ...ENDS], `is one of ${[...PHASES, ...ENDS].join(', ')}`).optional(),
  open: z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'], error: 'is true or false' }).optional(),
  invoker: nameSchema.optional(),
  profile: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -')
    .optional(),
  status: z.enum(['active', 'closed', 'expired'], 'is active, closed or expired').optional(),
  since: z
    .string()
    .refine((text) => instantSchema.safeParse(text).success, wantsTime)
    .optional(),
  overdue: onlyTrue,
  review_owed: onlyTrue,
  waiting_for: nameSchema.optional(),
  limit: z.coerce
    .number(wantsLimit)
    .refine((limit) => Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT, wantsLimit)
    .default(DEFAULT_LIMIT),
});

/**
 * Reads the filters of a list from a query string or a command line.
 *
 * @throws {ResealError} `usage`, naming the filter.
 */
export function parseEventFilter(query: Readonly<Record<string, string>>): EventFilter & { limit: number } {
  const parsed = filterSchema.safeParse(query);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const known = Object.keys(filterSchema.shape).join(', ');
    throw new ResealError('usage', `there is no filter ${issue.keys.join(', ')}`, { hint: `there are ${known}` });
  }
  throw new ResealError('usage', `filter ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not understood'}`);
}
