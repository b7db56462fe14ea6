import { isGrpcDeadlineError } from '@temporalio/client';
import { receiptSchema, type Entry, type EntryPayload, type Receipt } from '../../domain/entry.js';
import { entryPayloadSchema } from '../../domain/entry.js';
import { followUpStandingSchema, type FollowUpStanding } from '../../domain/follow-up-tasks.js';
import type { FollowUpStatement } from '../../domain/follow-up.js';
import { followUpWorkflowId } from '../../domain/identifiers.js';
import { TASK_QUEUES } from '../../domain/roles.js';
import type { SignedStatement } from '../../domain/statement.js';
import { digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import { parseDsseEnvelope } from '../../proofs/dsse.js';
import { parseCanonicalJson } from '../../proofs/strict-json.js';
import { ResealError } from './reseal-error.js';
import { readFollowUpStatement } from './statement-shape.js';
import { fromTemporal, isNotFound } from './temporal-error.js';
import type { WorkflowReader } from './workflow-reader.js';

/** An entry of a ledger as its maker wrote it, unverified, and its envelope. `digest` is what statements name it by. */
export interface ReadReport {
  entry: EntryPayload;
  receipt: Receipt;
  digest: string;
}

/** The entries of a ledger that can be read; nothing is verified here. */
export function readReports(entries: readonly Entry[]): ReadReport[] {
  return entries.flatMap(({ body }) => {
    const envelope = parseDsseEnvelope(body);
    const json = envelope.ok ? parseCanonicalJson(envelope.payload) : undefined;
    const payload = json?.ok === true ? entryPayloadSchema.safeParse(json.value) : undefined;
    if (payload?.success !== true) return [];
    const receipt = receiptSchema.safeParse({ transition: payload.data.transition, envelope: body });
    return receipt.success ? [{ entry: payload.data, receipt: receipt.data, digest: digestOf(payload.data) }] : [];
  });
}

/** Under which id those who sign for the same meet. */
export const followUpIdOf = (statement: FollowUpStatement, envelope: SignedStatement): string => {
  const about = statement.act === 'take_back' ? sha256Hex(envelope.payload) : statement.report_digest;
  return `${statement.act}-${about.slice(0, 16)}`;
};

/**
 * Sends one signed statement of a follow-up, with the report that it names, to the workflow of its own. What becomes of it is
 * asked for by the id.
 *
 * @throws {ResealError} `malformed` also where the ledger has no such report; `temporal_unreachable`.
 */
export async function sendFollowUp(
  reader: WorkflowReader,
  eventId: string,
  input: SignedStatement,
  ledger: () => Promise<Entry[]>,
): Promise<{ id: string }> {
  const { envelope, statement } = readFollowUpStatement(input);
  if (statement.event_id !== eventId)
    throw new ResealError('malformed', `the statement speaks of event ${statement.event_id}, not of ${eventId}`);
  const report = readReports(await ledger()).find(({ digest }) => digest === statement.report_digest);
  if (report === undefined)
    throw new ResealError('malformed', `the ledger of ${eventId} has no entry of the digest that the statement names`);
  const id = followUpIdOf(statement, envelope);
  const { client } = reader;
  await reader
    .bounded(() =>
      client.workflow.signalWithStart('followUp', {
        workflowId: followUpWorkflowId(eventId, id),
        taskQueue: TASK_QUEUES.ceremonies,
        args: [{ event_id: eventId, envelope, report: report.receipt }],
        signal: 'statement',
        signalArgs: [envelope],
        staticSummary: `${statement.act} after the kill of ${eventId}`,
      }),
    )
    .catch((error: unknown) => {
      throw fromTemporal(error, eventId);
    });
  return { id };
}

const ANSWER_MS = 5_000;

/**
 * What became of a follow-up. A workflow that nobody answers for is `working`.
 *
 * @throws {ResealError} `not_found`, `temporal_unreachable`, `no_answer` where it was ended or cannot be read.
 */
export async function followUpStanding(reader: WorkflowReader, eventId: string, id: string): Promise<FollowUpStanding> {
  const workflowId = followUpWorkflowId(eventId, id);
  const handle = reader.client.workflow.getHandle(workflowId);
  const found = await reader
    .bounded(() => handle.describe())
    .catch((error: unknown) => {
      if (isNotFound(error)) throw new ResealError('not_found', `event ${eventId} has no follow-up ${id}`);
      throw fromTemporal(error, eventId);
    });
  if (found.status.name === 'RUNNING') {
    const told = followUpStandingSchema.safeParse(await reader.query<FollowUpStanding>(workflowId, 'standing'));
    return told.success ? told.data : { status: 'working', doing: 'no worker answers for it yet' };
  }
  const result: unknown = await reader
    .bounded(() => handle.result(), ANSWER_MS)
    .catch((error: unknown) => {
      if (isGrpcDeadlineError(error)) throw fromTemporal(error, eventId);
      throw new ResealError('no_answer', 'the follow-up ended without an answer: what was done is in the ledger', {
        cause: error,
      });
    });
  const told = followUpStandingSchema.safeParse(result);
  if (told.success) return told.data;
  throw new ResealError('no_answer', `what became of follow-up ${id} of ${eventId} cannot be read`);
}
