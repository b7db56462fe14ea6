import { MAX_JOBS } from '../../domain/job.js';
import type { ProvenReceipt } from './ledger-rows.js';
import type { Sql } from './database.js';

/**
 * How many entries of jobs one ledger takes. Whoever reaches the gateway can have a refusal signed: beyond its bound a kind
 * of entry is dropped and logged, so that nobody fills a ledger. Refusals of tokens that the authority never signed are
 * bounded apart from those of jobs: rubbish must not use up the place of what a job tried. Jobs themselves are counted by the
 * authority, which lets in no more than are taken here: a job that the ledger does not know could prove no call.
 */
const BOUNDS: readonly { prefix: string; most: number }[] = [
  { prefix: 'tool_refused/unknown/', most: 64 },
  { prefix: 'tool_refused/', most: 1024 },
  { prefix: 'tool_unanswered/', most: 256 },
  { prefix: 'job_refused/', most: 128 },
  { prefix: 'job/', most: MAX_JOBS },
  { prefix: 'tool/', most: 8192 },
  { prefix: 'follow_up_refused/', most: 128 },
  { prefix: 'follow_up_looked/', most: 256 },
  { prefix: 'follow_up_ordered/', most: 128 },
  { prefix: 'taken_back/', most: 512 },
  { prefix: 'taken_back_direct/', most: 512 },
  { prefix: 'account_enabled/', most: 64 },
  { prefix: 'follow_up_verified/', most: 128 },
  { prefix: 'follow_up_unanswered/', most: 128 },
];

const boundOf = ({ receipt }: ProvenReceipt) => BOUNDS.find(({ prefix }) => receipt.transition.startsWith(prefix));

/**
 * Those of the receipts that the ledger still takes; the caller holds the event's row. What is no job's passes unasked.
 */
export async function withinBounds(
  tx: Sql,
  eventId: string,
  receipts: readonly ProvenReceipt[],
): Promise<{ kept: ProvenReceipt[]; dropped: number }> {
  const counted = new Map<string, number>();
  const kept: ProvenReceipt[] = [];
  for (const receipt of receipts) {
    const bound = boundOf(receipt);
    if (bound === undefined) {
      kept.push(receipt);
      continue;
    }
    const { prefix, most } = bound;
    const count = counted.get(prefix) ?? (await heldOf(tx, eventId, prefix));
    if (count < most) kept.push(receipt);
    counted.set(prefix, count + 1);
  }
  return { kept, dropped: receipts.length - kept.length };
}

async function heldOf(tx: Sql, eventId: string, prefix: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM register.entries WHERE event_id = $1 AND starts_with(transition, $2)',
    [eventId, prefix],
  );
  return row?.count ?? 0;
}
