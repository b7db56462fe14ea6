import { instant } from '../../domain/identifiers.js';
import type { Tuple } from '../../domain/intent.js';
import { ABSENT_READS, count, NOTHING_READ } from '../graph/absence-run.js';
import { pimFamily, pimTuple } from '../graph/pim/pim-family.js';
import { NEXT_READ_MS } from '../graph/reading.js';
import { codeOf } from './look.js';
import { judge } from './judge.js';
import type { TenantSweep } from './tenant-sweep.js';

/** Present reads in a row that show more than a stale replica. */
const PRESENT_READS = 3;
/** However reads disagree, a sweep ends: the next one looks again. */
const MAX_READS = 14;

export type Absence =
  | { state: 'absent'; observed_at: string; confirmed_at: string; reads: { at: string; absent: true }[] }
  | { state: 'present' }
  | { state: 'unknown'; code: string };

/**
 * Reads until five agree, at least five seconds apart, that nothing stands that is ours or that nobody can say is not: what
 * the verifier asks for. `mayStand` answers with the code of a read that failed: that counts for neither side.
 */
export async function readUntilAgreed(
  { patience, deps }: Pick<TenantSweep, 'patience' | 'deps'>,
  mayStand: () => Promise<boolean | string>,
): Promise<Absence> {
  let run = NOTHING_READ;
  for (let read = 0; read < MAX_READS; read += 1) {
    if (read > 0 && !(await patience.wait(NEXT_READ_MS))) return { state: 'unknown', code: 'out_of_time' };
    const seen = await mayStand();
    if (typeof seen === 'string') return { state: 'unknown', code: seen };
    run = count(run, seen, deps.clock.now());
    if (run.present >= PRESENT_READS) return { state: 'present' };
    if (run.absent < ABSENT_READS) continue;
    const reads = run.absent_at.map((at) => ({ at: instant(at), absent: true as const }));
    const confirmed_at = instant(run.last_at ?? deps.clock.now());
    return { state: 'absent', observed_at: instant(run.first_absent_at ?? 0), confirmed_at, reads };
  }
  return { state: 'unknown', code: 'reads_disagree' };
}

/** Whether an assignment of the tuple stands that is past its time, or that nobody can attribute; the code of a failure. */
export async function mayStand({ graph, patience, about }: TenantSweep, tuple: Tuple): Promise<boolean | string> {
  const pim = pimFamily(tuple);
  const query = { $filter: pim.ofTuple(pimTuple(tuple)) };
  const instances = await patience.ask(() => graph.readAll(pim.instances, pim.instanceSchema, query));
  if (!instances.ok) return codeOf(instances.failure);
  if (instances.value.length === 0) return false;
  const requests = await patience.ask(() => graph.readAll(pim.requests, pim.requestSchema, query));
  if (!requests.ok) return codeOf(requests.failure);
  const found = judge({ instances: instances.value, requests: requests.value, assignments: [] }, about(pim));
  return found.some(({ finding: { standing, verdict } }) => standing && MAYBE_OURS.has(verdict));
}

const MAYBE_OURS: ReadonlySet<string> = new Set(['due', 'unattributed']);
