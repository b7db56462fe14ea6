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

const filterSchema = z.strictObject({
  state: z.enum([...PHASES, ...ENDS]).optional(),
  open: z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).optional(),
  invoker: z.string().min(1).max(256).toLowerCase().optional(),
  profile: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -')
    .optional(),
  status: z.enum(['active', 'closed', 'expired']).optional(),
  since: instantSchema.optional(),
  overdue: onlyTrue,
  review_owed: onlyTrue,
  waiting_for: z.string().min(1).max(256).toLowerCase().optional(),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT),
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
  throw new ResealError('usage', `filter ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}
