import { jobEndedSchema } from '../../domain/tool-call.js';
import type { Verb } from './tool-deps.js';

/** A job says that it is over, and why: the word of who holds its key, for the ledger. */
export const noteEnded: Verb = ({ input }) => {
  const said = jobEndedSchema.parse(input.body);
  return Promise.resolve({ ok: true, result: { noted: true }, data: { ...said } });
};
