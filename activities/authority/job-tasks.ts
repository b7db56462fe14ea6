import { randomUUID } from 'node:crypto';

import type { EntryPayload } from '../../domain/entry.js';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import { jobIdOf } from '../../domain/job.js';
import { JOB_REFUSALS, jobObjection, letsJobsIn, type JobRefusal } from '../../domain/job-statement.js';
import { jobInputSchema, type Authorised, type JobOutcome, type JobTasks } from '../../domain/job-tasks.js';
import { contractRefusal, toolCallOn } from '../../domain/contract-targets.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { AuthorityTasks } from '../../domain/tasks.js';
import { kindRefusal } from '../../domain/tool-call.js';
import { expiryOf } from '../../domain/verdict.js';
import { sha256Hex } from '../../proofs/canonical-json.js';
import { checkJobStatement, type CheckedJob } from '../../proofs/job-check.js';
import { jobScopeOf, mintJobToken } from '../../proofs/job-token.js';
import { signReceipt } from '../../proofs/receipt.js';
import type { RoleKey } from '../../proofs/role-key.js';
import { checkRequestStatement } from '../../proofs/statement-check.js';
import { ApplicationFailure } from '@temporalio/common';
import type { Clock } from '../clock.js';
import type { InForce } from '../in-force.js';
import type { Database } from '../register/database.js';
import { countJob } from './jobs-counted.js';

export interface JobHoldings extends Pick<InForce, 'roster' | 'carrying'> {
  readonly key: Pick<RoleKey, 'keyid' | 'privateKey'>;
  readonly clock: Clock;
  /** Its journal. */
  readonly database: Database;
}
/** What the authority answers about the intent itself. */
export type OfIntents = Pick<AuthorityTasks, 'recall' | 'issue'>;

/**
 * Jobs, as the authority lets them in. For every token everything is judged again: the statement, that the intent stands,
 * no end mark, the deadline, and the evidence under the contract in force. Arguments are anybody's.
 */
export function jobTasks(holdings: JobHoldings, intents: OfIntents): JobTasks {
  return {
    job: async (given) => {
      const input = jobInputSchema.safeParse(given);
      if (!input.success) throw ApplicationFailure.nonRetryable('expected {event_id, envelope}', 'input_malformed');
      return letIn(holdings, intents, input.data.event_id, input.data.envelope);
    },
    authorise: async ({ event_id }) => authorised(intents, eventIdSchema.parse(event_id)),
  };
}

type Checked = Extract<CheckedJob, { ok: true }>;
type CheckedRequest = Extract<ReturnType<typeof checkRequestStatement>, { ok: true }>;
interface Refused {
  code: string;
  message: string;
  person?: string | null;
}

async function letIn(
  holdings: JobHoldings,
  intents: OfIntents,
  eventId: string,
  envelope: SignedStatement,
): Promise<JobOutcome> {
  const checked = checkJobStatement(envelope, holdings.roster());
  if (!checked.ok) return refusal(holdings, eventId, envelope, checked);
  const person = checked.person.id;
  const recorded = await intents.recall({ event_id: eventId });
  if (recorded === null) return refusal(holdings, eventId, envelope, { ...said('not_granted'), person });
  const asked = checkRequestStatement(recorded.evidence.request, holdings.roster());
  if (!asked.ok)
    return refusal(holdings, eventId, envelope, { code: asked.reason, message: `request: ${asked.message}`, person });
  const objection = objectionOf(holdings, eventId, asked, checked);
  if (objection !== undefined) return refusal(holdings, eventId, envelope, { ...objection, person });
  const issued = await intents.issue(recorded.evidence);
  if (issued.outcome === 'refused') {
    const { code, message } = issued;
    return refusal(holdings, eventId, envelope, { code, message, person });
  }
  return give(holdings, { signed: issued.signed, profile: asked.statement.request.profile }, envelope, checked);
}

/** What invoker or principal asked for against the request that people approved, at this time. */
function objectionOf(
  { clock }: JobHoldings,
  eventId: string,
  { request_digest, statement: { request } }: CheckedRequest,
  { statement, person }: Checked,
): Refused | undefined {
  const of = { event_id: eventId, request, request_digest, policy_digest: request.policy_digest };
  const objection = jobObjection(of, statement, person, clock.now());
  return objection && said(objection);
}

async function give(
  holdings: JobHoldings,
  { signed, profile }: { signed: SignedIntent; profile: string },
  envelope: SignedStatement,
  { digest, statement, person, method }: Checked,
): Promise<JobOutcome> {
  const { key, clock, carrying } = holdings;
  const { intent } = signed;
  const { event_id, policy_digest, deadline } = intent;
  const nowMs = clock.now();
  const refuse = (refused: Refused) => refusal(holdings, event_id, envelope, { ...refused, person: person.id });
  const { tools } = statement.job;
  for (const tool of tools) {
    const unsupported = kindRefusal(intent, tool);
    if (unsupported !== undefined) return refuse(unsupported);
  }
  const under = carrying(policy_digest, nowMs);
  if (!under.ok) return refuse(under);
  if (!letsJobsIn(under.policy, profile)) return refuse(said('jobs_not_allowed'));
  for (const tool of tools) {
    const outside = contractRefusal(under.contract, toolCallOn(tool, intent.tuple), under.roster);
    if (outside !== undefined) return refuse(outside);
  }
  if (!(await countJob(holdings.database, { eventId: event_id, digest, at: instant(nowMs) })))
    return refuse(said('too_many_jobs'));
  const scope = jobScopeOf(signed, { statement_digest: digest, terms: statement.job, tools });
  const notAfterMs = expiryOf(statement.issued_at, statement.not_after);
  const { token, claims } = await mintJobToken(scope, key, { nowMs, seconds: under.contract.token_ttl, notAfterMs });
  if (claims.exp * 1000 <= nowMs) return refuse({ code: 'deadline_passed', message: `its deadline was ${deadline}` });
  const { elevated } = under.contract.execution;
  const data = {
    job: claims.sub,
    person: person.id,
    method,
    statement: envelope,
    tools,
    holder_thumbprint: claims.cnf.jkt,
    token_scope_hash_b64u: claims.token_scope_hash_b64u,
    confined_by: statement.job.confined_by,
    elevated,
    policy_digest,
  };
  const entry = entryOf(event_id, 'job', `job/${digest.slice(0, 32)}`, nowMs, data);
  const expires_at = instant(claims.exp * 1000);
  const receipt = signReceipt(entry, key);
  return { outcome: 'given', job: claims.sub, token, expires_at, deadline, tools: [...tools], elevated, receipt };
}

function refusal(
  { key, clock }: JobHoldings,
  eventId: string,
  envelope: SignedStatement,
  { code, message, person = null }: Refused,
): JobOutcome {
  const digest = sha256Hex(envelope.payload);
  const told = { code, message: message.slice(0, 500) };
  const data = { ...told, person, job: jobIdOf(eventId, digest) };
  const entry = entryOf(eventId, 'job_refused', `job_refused/${randomUUID()}`, clock.now(), data);
  return { outcome: 'refused', ...told, receipt: signReceipt(entry, key) };
}

/** A fresh warrant for what stands, with its evidence: what a role that changes something judges for itself. */
async function authorised(intents: OfIntents, eventId: string): Promise<Authorised> {
  const recorded = await intents.recall({ event_id: eventId });
  if (recorded === null) return { outcome: 'refused', ...said('not_granted') };
  const { evidence } = recorded;
  const issued = await intents.issue(evidence);
  if (issued.outcome === 'issued') return { outcome: 'authorised', evidence, warrant: issued.warrant };
  return { outcome: 'refused', code: issued.code, message: issued.message.slice(0, 500) };
}

const said = (code: JobRefusal): Refused => ({ code, message: JOB_REFUSALS[code] });

const entryOf = (
  event_id: string,
  type: 'job' | 'job_refused',
  transition: string,
  nowMs: number,
  data: Record<string, unknown>,
): EntryPayload => ({ schema: 'reseal.entry.v1', event_id, transition, type, at: instant(nowMs), data });
