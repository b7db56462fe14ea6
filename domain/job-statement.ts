import { z } from 'zod';
import { epochMs } from './identifiers.js';
import { jobTermsSchema, MAX_JOBS } from './job.js';
import type { PersonFacts } from './quorum.js';
import type { Request } from './request.js';
import { relationsToRequest } from './rights.js';
import { isValidAt } from './roster.js';
import { ceremonyFields, CLOCK_SKEW_MS } from './statement.js';
import { expiryOf, STATEMENT_REFUSALS } from './verdict.js';

/**
 * What invoker or principal sign so that a job may work inside their window. No signal carries it: the authority reads it,
 * and reads it again for each token, so that a job needs its people's keys once. Of no round: it counts for what stands.
 */
export const jobStatementSchema = z.strictObject({
  ...ceremonyFields,
  act: z.literal('job'),
  job: jobTermsSchema,
});
export type JobStatement = z.output<typeof jobStatementSchema>;

const { malformed, too_large, unknown_person, bad_signature, person_not_valid } = STATEMENT_REFUSALS;
const { foreign_event, foreign_request, foreign_policy, not_yet_valid, stale } = STATEMENT_REFUSALS;

/** Why no token is given, each told to its sender. What contract and evidence lack has codes of its own. */
export const JOB_REFUSALS = {
  malformed,
  too_large,
  unknown_person,
  bad_signature,
  person_not_valid,
  foreign_event,
  foreign_request,
  foreign_policy,
  not_yet_valid,
  stale,
  not_granted: 'nothing was granted in this ceremony: wait until it is active',
  too_many_jobs: `this ceremony has let in ${MAX_JOBS} jobs, and takes no more: let one job do more`,
  jobs_not_allowed: 'the profile says that no job is let in (jobs: false)',
  not_entitled: 'only the invoker and the principal of a ceremony have jobs run in it',
} as const;
export type JobRefusal = keyof typeof JOB_REFUSALS;

/** Whether a policy lets jobs into ceremonies of a profile: unless it says that it does not. */
export const letsJobsIn = (
  { profiles }: { profiles: Readonly<Record<string, { jobs?: boolean | undefined }>> },
  profile: string,
): boolean => !Object.hasOwn(profiles, profile) || profiles[profile]?.jobs !== false;

/** What a job is about. Digests are hex SHA-256. */
export interface JobOf {
  event_id: string;
  request: Request;
  request_digest: string;
  policy_digest: string;
}

/** Everything that can be said against a verified job statement at this time, or undefined. */
export function jobObjection(
  of: JobOf,
  statement: JobStatement,
  person: PersonFacts,
  nowMs: number,
): JobRefusal | undefined {
  if (epochMs(statement.issued_at) > nowMs + CLOCK_SKEW_MS) return 'not_yet_valid';
  if (nowMs >= expiryOf(statement.issued_at, statement.not_after)) return 'stale';
  if (!isValidAt(person, nowMs)) return 'person_not_valid';
  return jobMismatch(of, statement, person);
}

/** The part of it that does not depend on the time: what a verifier of a bundle can judge again. */
export function jobMismatch(of: JobOf, statement: JobStatement, person: PersonFacts): JobRefusal | undefined {
  if (statement.event_id !== of.event_id) return 'foreign_event';
  if (statement.request_digest !== of.request_digest) return 'foreign_request';
  if (statement.policy_digest !== of.policy_digest) return 'foreign_policy';
  const relations = relationsToRequest(person, of.request);
  return relations.has('invoker') || relations.has('principal') ? undefined : 'not_entitled';
}
