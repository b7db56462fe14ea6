import { z } from 'zod';
import { instantSchema } from './identifiers.js';

/**
 * Why a request was refused, as everybody is told. `rule` and `wanted` name the rule or limit and what it wanted;
 * `passes_at` (RFC 3339 UTC) is when it would pass, null or absent where time alone does not help.
 */
export const refusalSchema = z.strictObject({
  code: z.string().max(200),
  message: z.string().max(4096),
  rule: z.string().max(200).optional(),
  wanted: z.string().max(4096).optional(),
  passes_at: instantSchema.nullable().optional(),
});
export type Refusal = z.output<typeof refusalSchema>;

/** The refusal alone, of something that says more. */
export function refusalOf({ code, message, rule, wanted, passes_at }: Refusal): Refusal {
  return {
    code,
    message,
    ...(rule === undefined ? {} : { rule }),
    ...(wanted === undefined ? {} : { wanted }),
    ...(passes_at === undefined ? {} : { passes_at }),
  };
}
