import { z } from 'zod';
import { digestSchema } from './identifiers.js';
import { MAX_GRANTED } from './kill-state.js';
import { ceremonyFields } from './statement.js';
import { STATEMENT_REFUSALS } from './verdict.js';

/**
 * What people may have done once a ceremony was killed: roles that the principal gave to others are taken back, and an account
 * that the kill disabled is enabled again. Nothing of it happens by itself: each rests on signed statements about one report,
 * the entry of the role that listed what was granted, or that disabled the account.
 */
export const FOLLOW_UP_ACTS = ['take_back', 'restore_account'] as const;
export type FollowUpAct = (typeof FOLLOW_UP_ACTS)[number];

/** An order is good for so long after the authority gave it; what waits for a second signature, for at most a day. */
export const ORDER_LIFE_MS = 30 * 60_000;
/** The verifier's look at things must be no older than this when the authority orders. */
export const LOOK_LIFE_MS = 10 * 60_000;
/** More statements than this are not heard by one follow-up. */
export const MAX_FOLLOW_UP_STATEMENTS = 32;

const common = {
  ...ceremonyFields,
  /** Hex SHA-256 of the RFC 8785 form of the report's entry. */
  report_digest: digestSchema,
  reason: z.string().min(1).max(500).optional(),
};

/** No signal of a ceremony carries it, since the ceremony may be long over: it goes to a workflow of its own. */
export const followUpStatementSchema = z.discriminatedUnion('act', [
  z.strictObject({
    ...common,
    act: z.literal('take_back'),
    /** Which of the listed things: each the hex SHA-256 of its RFC 8785 form. */
    entries: z
      .array(digestSchema)
      .min(1)
      .max(MAX_GRANTED)
      .refine((entries) => new Set(entries).size === entries.length, 'names a thing twice'),
  }),
  z.strictObject({
    ...common,
    act: z.literal('restore_account'),
    /** Whoever signs says so of the kill: after a compromise an account stays disabled. */
    not_for_compromise: z.literal(true),
  }),
]);
export type FollowUpStatement = z.output<typeof followUpStatementSchema>;

const { malformed, too_large, unknown_person, bad_signature, person_not_valid } = STATEMENT_REFUSALS;
const { foreign_event, foreign_request, foreign_policy, not_yet_valid, stale, not_entitled } = STATEMENT_REFUSALS;

/** Why a follow-up is not ordered or not carried out. What a contract lacks has codes of its own. */
export const FOLLOW_UP_REFUSALS = {
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
  not_entitled,
  not_granted: 'nothing was granted in this ceremony: there is nothing to follow up',
  not_killed: 'this ceremony was not killed, by what its policy counts as a kill',
  report_refused: 'the report is not one that its role signed about this ceremony',
  foreign_report: 'the statement speaks of another report',
  not_in_report: 'the report does not list it',
  after_the_kill: 'it was granted after the end mark, and so outside the window',
  not_removable: 'it is neither an assignment in PIM nor a plain one: it is for somebody to take back by hand',
  not_standing: 'it was gone already when it was listed',
  changed_since: 'somebody changed it since it was listed: list again, and look who did',
  already_gone: 'it is gone already',
  protected_target: 'it is among the protected ids of the role that would act',
  restore_not_allowed: 'the policy does not let an account be enabled again (on_kill.restore_account)',
  not_disabled_by_us: 'Reseal did not disable it: it was disabled before, or the role refused',
  for_compromise: 'the kill was for a compromise, or nobody can say that it was not: the account stays disabled',
  acted_since: 'somebody acted on the account since it was disabled, or it is enabled already: look in the audit log',
  quorum_not_met: 'not enough people have signed',
  look_refused: 'the verifier has not looked at it just now',
  expired: 'the order is over: sign again',
  target_not_found: 'Graph does not know it any more',
} as const;
export type FollowUpRefusal = keyof typeof FOLLOW_UP_REFUSALS;
