import { z } from 'zod';

/** A ceremony's grant is round 1, each extension of it one more. Journal, statements and evidence are bounded by this. */
export const MAX_ROUNDS = 8;

/** Which round a statement or an intent is of. */
export const roundSchema = z.number().int().min(1).max(MAX_ROUNDS);
