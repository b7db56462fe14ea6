import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { ENTRY_ROLES, type EntryType } from '../domain/entry.js';
import { epochMs } from '../domain/identifiers.js';
import { signedIntentSchema, type Intent } from '../domain/intent.js';
import { jobIdOf, jobIdSchema } from '../domain/job.js';
import { JOB_REFUSALS, jobMismatch, letsJobsIn } from '../domain/job-statement.js';
import { CLOCK_SKEW_MS, signedStatementSchema } from '../domain/statement.js';
import { MAX_WARRANT_SECONDS } from '../domain/warrant.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import type { BundleStatement } from './bundle.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { digestOf } from './canonical-json.js';
import { checkJobStatement } from './job-check.js';
import { handedInSchema } from './model-receipt.js';
import { signerOfReceipt } from './model-receipt-offline.js';
import type { Trust } from './trust.js';

const jobData = z.object({ statement: signedStatementSchema, job: jobIdSchema, elevated: z.boolean() });
const callData = z.object({ job: jobIdSchema, tool: z.string(), intent_digest: z.string(), tuple: z.unknown() });
const auditOf = z.object({ contract: z.object({ audit: z.object({ require_gateway_receipts: z.boolean() }) }) });
const profilesOf = z.object({ profiles: z.record(z.string(), z.object({ jobs: z.boolean().optional() })) });
const refusedData = z.object({ job: z.string().nullable() });

const CALLS: ReadonlySet<EntryType> = new Set(['tool_read', 'tool_wrote', 'tool_removed']);
const REFUSED: ReadonlySet<EntryType> = new Set(['tool_refused', 'tool_change_refused']);

/** A job as its bundle proves it. */
export interface ProvenJob {
  job: string;
  /** Who let it in, with which key, and when the authority first gave it a token. */
  person: string;
  method: string;
  at: string;
  tools: string[];
  calls: number;
  refused: number;
}

/**
 * The jobs that worked inside the window: each was let in by the invoker's or the principal's own signature, and each call
 * of its tools is one that the statement names, on the target of this intent, in its time. That the token was in force is
 * the word of the role that was called.
 */
export function proveJobs(
  authority: ProvenAuthority,
  { policy }: BundleStatement['predicate'],
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): void {
  const jobs = new Map<string, ProvenJob>();
  let calls = 0;
  let refused = 0;
  const receipts = new Set<unknown>();
  const intents = intentsOf(authority, entries);
  const unreferenced: string[] = [];
  for (const proven of entries) {
    const { type, data } = proven.entry;
    if (type === 'model_receipt' && proveReceipt(proven, trust, findings)) receipts.add(data['digest']);
    if (type === 'job') {
      const job = proveJob(authority, proven, { trust, policy }, findings);
      if (job !== undefined) jobs.set(job.job, job);
    } else if (CALLS.has(type)) {
      calls += 1;
      proveCall(intents, proven, jobs, findings);
      if (!refersTo(data, receipts)) unreferenced.push(proven.entry.transition);
    } else if (REFUSED.has(type)) {
      refused += 1;
      const named = jobs.get(refusedData.safeParse(data).data?.job ?? '');
      if (named !== undefined) named.refused += 1;
    } else if (type === 'tool_unanswered') {
      findings.notVerified.push(`what came of the call that entry ${proven.seq} tells of: no role answered for it`);
    }
  }
  findings.facts.jobs = [...jobs.values()];
  if (calls > 0)
    findings.notVerified.push("that each job's token was signed and in force: the entries of the roles say so");
  const verified = trust.modelReceiptKeys !== undefined;
  noteReceipts({ receipts: receipts.size, unreferenced, verified }, wantsReceipts(policy), findings);
  findings.ran('jobs', `${jobs.size} let in, ${calls} calls of their tools, ${refused} refused`);
}

function proveJob(
  { request, intent }: ProvenAuthority,
  { seq, entry }: ProvenEntry,
  { trust, policy }: { trust: Trust; policy: unknown },
  findings: BundleFindings,
): ProvenJob | undefined {
  const refuse = (message: string): undefined => {
    findings.fail('jobs', 'job_unproven', placeOfSeq(seq), message);
    return undefined;
  };
  const data = jobData.safeParse(entry.data);
  if (!data.success) return refuse('it carries no signed statement of a job');
  if (intent === undefined || intent.seq > seq) return refuse('nothing was granted that a job could work in');
  const checked = checkJobStatement(data.data.statement, trust.roster);
  if (!checked.ok) return refuse(`${checked.code}: ${checked.message}`);
  const { statement, person, method, digest } = checked;
  const { event_id, policy_digest } = request;
  const mismatch = jobMismatch(
    { event_id, request, request_digest: digestOf(request), policy_digest },
    statement,
    person,
  );
  if (mismatch !== undefined) return refuse(`${mismatch}: ${JOB_REFUSALS[mismatch]}`);
  const profiles = profilesOf.safeParse(policy);
  if (profiles.success && !letsJobsIn(profiles.data, request.profile))
    return refuse(`jobs_not_allowed: ${JOB_REFUSALS.jobs_not_allowed}`);
  const job = jobIdOf(event_id, digest);
  if (data.data.job !== job) return refuse('it is named after another statement');
  const { confined_by, tools } = statement.job;
  if (confined_by !== null)
    findings.notVerified.push(`that something confined ${job} on its machine: ${person.id} says so (${confined_by})`);
  else
    findings.notVerified.push(
      `what else ${job} did: nothing confined it on its machine${data.data.elevated ? ', as the contract allows' : ', and the contract does not allow that'}`,
    );
  return { job, person: person.id, method, at: entry.at, tools: [...tools], calls: 0, refused: 0 };
}

/** The intents that calls may rest on, by digest: the one that was proven, and later ones on the same target. */
function intentsOf({ intent }: ProvenAuthority, entries: readonly ProvenEntry[]): ReadonlyMap<string, Intent> {
  if (intent === undefined) return new Map();
  const later = entries.flatMap(({ entry }) => {
    const signed =
      ENTRY_ROLES[entry.type] === 'authority' ? signedIntentSchema.safeParse(entry.data['signed']) : undefined;
    return signed?.success === true ? [signed.data.intent] : [];
  });
  const same = later.filter(
    ({ event_id, tuple }) => event_id === intent.intent.event_id && isDeepStrictEqual(tuple, intent.intent.tuple),
  );
  return new Map([intent.intent, ...same].map((one) => [digestOf(one), one]));
}

function proveCall(
  intents: ReadonlyMap<string, Intent>,
  { seq, entry }: ProvenEntry,
  jobs: ReadonlyMap<string, ProvenJob>,
  findings: BundleFindings,
): void {
  const refuse = (message: string): void => findings.fail('jobs', 'job_unproven', placeOfSeq(seq), message);
  const data = callData.safeParse(entry.data);
  if (!data.success) return refuse('it does not say what was called for which job');
  const job = jobs.get(data.data.job);
  const intent = intents.get(data.data.intent_digest);
  if (job === undefined) return refuse('no job was let in under this name before it');
  if (!job.tools.includes(data.data.tool)) return refuse(`the job was not let in for ${data.data.tool}`);
  if (intent === undefined || !isDeepStrictEqual(data.data.tuple, intent.tuple))
    return refuse('it acted on something else than the intent');
  const latest = epochMs(intent.deadline) + CLOCK_SKEW_MS + MAX_CALL_MS;
  if (entry.type !== 'tool_removed' && epochMs(entry.at) >= latest) return refuse(`at ${entry.at} its time was over`);
  if (epochMs(entry.at) + CLOCK_SKEW_MS < epochMs(job.at)) return refuse('it was called before the job was let in');
  job.calls += 1;
}

const receiptData = z.object({ digest: z.string(), receipt: handedInSchema.shape.receipt });

/** A receipt of a model call, verified again by the keys of the trust file where it names any; else it is the verifier's word. */
function proveReceipt({ seq, entry }: ProvenEntry, { modelReceiptKeys }: Trust, findings: BundleFindings): boolean {
  if (modelReceiptKeys === undefined) return true;
  const data = receiptData.safeParse(entry.data);
  const signed = data.success ? signerOfReceipt(data.data.receipt, modelReceiptKeys) : undefined;
  const refuse = (message: string): false => {
    findings.fail('jobs', 'job_unproven', placeOfSeq(seq), message);
    return false;
  };
  if (!data.success) return refuse('it carries no receipt of a model call');
  if (signed === undefined) return refuse('no key in model_receipt_keys of the trust file signed this receipt');
  return signed.digest === data.data.digest || refuse('calls would refer to another receipt than it carries');
}

const wantsReceipts = (policy: unknown): boolean =>
  auditOf.safeParse(policy).data?.contract.audit.require_gateway_receipts === true;

/** A receipt stands in the ledger before the call that it led to. */
function refersTo(data: Record<string, unknown>, receipts: ReadonlySet<unknown>): boolean {
  const named = data['model_receipts'];
  return Array.isArray(named) && named.some((digest) => receipts.has(digest));
}

/** Which tool calls rest on no receipt of a model call, where the contract wants them to. */
function noteReceipts(
  { receipts, unreferenced, verified }: { receipts: number; unreferenced: readonly string[]; verified: boolean },
  wanted: boolean,
  { facts, notVerified }: BundleFindings,
): void {
  facts.model_receipts = receipts;
  if (receipts > 0 && !verified)
    notVerified.push(`that ${receipts} receipts of model calls were signed: the verifier's entries say so`);
  if (!wanted) return;
  facts.calls_without_receipt = [...unreferenced];
  for (const call of unreferenced)
    notVerified.push(`which model call led to ${call}: it names no receipt that was handed in`);
}

/** A call that was admitted in time may end later than that. */
const MAX_CALL_MS = MAX_WARRANT_SECONDS * 1000;
