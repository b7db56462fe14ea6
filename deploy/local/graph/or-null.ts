import type { z } from 'zod';

/** An optional member, for which null and absent are the same. */
export function orNull<T extends z.ZodType>(type: T) {
  return type.nullish().transform((value) => value ?? null);
}
