import { z } from 'zod';

/** What one attempt of `apply` leaves to the next. */
export const applyProgressSchema = z.object({
  /** The last attempt up to which every one of them left nothing behind; 0 = none. A crash leaves a gap. */
  clean_through: z.number().int(),
  /** A real grant call was about to be made, by any attempt. */
  posted: z.boolean(),
  /** How often the tuple was found taken without a marker of ours. */
  taken_reads: z.number().int(),
  /** How often Graph did not know the role or the principal, or not the token. */
  unknown_reads: z.number().int(),
  client_request_ids: z.array(z.string()).max(64),
});
export type ApplyProgress = z.output<typeof applyProgressSchema>;

export const NOTHING_APPLIED: ApplyProgress = {
  clean_through: 0,
  posted: false,
  taken_reads: 0,
  unknown_reads: 0,
  client_request_ids: [],
};
