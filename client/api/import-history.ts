import { WorkflowFailedError, type Client } from '@temporalio/client';
import { importReportSchema, type ImportBatch, type ImportReport } from '../../domain/imported-history.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { ResealError } from './reseal-error.js';
import { fromTemporal } from './temporal-error.js';

/** Shorter than a client of the gateway waits for its answer. */
const WAIT_MS = 12_000;

/**
 * Has the register import a batch: the workflow `import/<digest prefix>`, which the same batch joins while it runs.
 *
 * @throws {ResealError} `no_answer` when the register takes too long: it goes on, and the same batch again is no harm.
 */
export async function importThroughTemporal(client: Client, batch: ImportBatch): Promise<ImportReport> {
  const workflowId = `import/${digestOf(batch).slice(0, 16)}`;
  let report: unknown;
  try {
    report = await client.withDeadline(Date.now() + WAIT_MS, async () => {
      const handle = await client.workflow.start('importHistory', {
        workflowId,
        taskQueue: TASK_QUEUES.ceremonies,
        args: [batch],
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `${batch.dry_run ? 'verify' : 'import'} ${batch.lines.length} lines of history`,
      });
      return handle.result() as Promise<unknown>;
    });
  } catch (error) {
    if (error instanceof WorkflowFailedError) throw noAnswer('the register could not import', error);
    const known = fromTemporal(error);
    throw known.code === 'temporal_unreachable' ? noAnswer('no answer from the register yet', error) : known;
  }
  const parsed = importReportSchema.safeParse(report);
  if (parsed.success) return parsed.data;
  throw noAnswer('what was answered for the register is no report', undefined);
}

const noAnswer = (message: string, cause: unknown): ResealError =>
  new ResealError('no_answer', message, {
    hint: 'are the register and its worker up? Run the same import again: what is imported already is not imported twice',
    cause,
  });
