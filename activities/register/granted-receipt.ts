import { eventIdSchema } from '../../domain/identifiers.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import type { JobLedger } from '../../domain/job-tasks.js';
import type { RegisterHoldings } from './holdings.js';

/** The effect's own word that an event's grant was made, as the ledger holds it: who is shown it verifies it. */
export function grantedTask({ database }: RegisterHoldings): JobLedger['granted'] {
  return async ({ event_id }) => {
    const [row] = await database.query<{ transition: string; body: string }>(
      `SELECT transition, body FROM register.entries WHERE event_id = $1 AND transition = 'granted' AND type = 'granted'`,
      [eventIdSchema.parse(event_id)],
    );
    return row === undefined ? null : { transition: row.transition, envelope: JSON.parse(row.body) as DsseEnvelope };
  };
}
