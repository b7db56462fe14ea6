import type { DsseEnvelope } from '../../domain/intent.js';
import { jobIdSchema } from '../../domain/job.js';
import type { Database } from './database.js';
import { payloadIn } from './entry-payload.js';

/** The jobs that the authority let into an event, by its entries in the ledger, in their order. */
export const jobsLetIn =
  (database: Database) =>
  async (eventId: string): Promise<string[]> => {
    const rows = await database.query<{ body: string }>(
      `SELECT body FROM register.entries WHERE event_id = $1 AND type = 'job' ORDER BY seq`,
      [eventId],
    );
    const named = rows.map(({ body }) =>
      jobIdSchema.safeParse(payloadIn(JSON.parse(body) as DsseEnvelope).data['job']),
    );
    return [...new Set(named.flatMap((job) => (job.success ? [job.data] : [])))];
  };
