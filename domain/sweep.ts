import { z } from 'zod';
import { receiptSchema, type Receipt } from './entry.js';
import { digestSchema, eventIdSchema, guidSchema, instantSchema } from './identifiers.js';
import type { DsseEnvelope } from './intent.js';

/** What a ceremony is given after its deadline before the sweep ends what it left. */
export const SWEEP_SLACK_MS = 2 * 60 * 1000;

/** The media type of a signed sweep report. */
export const SWEEP_PAYLOAD_TYPE = 'application/vnd.reseal.sweep+json';

/**
 * Whose business an assignment is. `due`: ours, marked, and past its deadline by two minutes: the sweep ends it. `in_time`:
 * ours, marked, its ceremony's still. `compromise`: made by our application without a marker that holds for it; told, never
 * touched. `self_activated`, `foreign`, `outside_pim`: somebody else's; told, never touched. `unattributed`: nobody can say
 * yet, and so it is not clean.
 */
export const SWEEP_VERDICTS = [
  'due',
  'in_time',
  'compromise',
  'foreign',
  'self_activated',
  'outside_pim',
  'unattributed',
] as const;
export type SweepVerdict = (typeof SWEEP_VERDICTS)[number];

/** Why the verdict is what it is. Stable. */
export const SWEEP_REASONS = [
  'deadline_passed',
  'not_seen_to_stand',
  'request_undecided',
  'deadline_not_passed',
  'marker_absent',
  'marker_malformed',
  'marker_signature_invalid',
  'changed_without_marker',
  'made_by_another',
  'taken_over',
  'request_purged',
  'through_a_group',
  'own_activation',
  'made_outside_pim',
  'request_not_visible',
  'requests_unreadable',
  'intent_overdue',
  'intent_in_time',
  'maker_not_in_log',
  'log_unreadable',
] as const;
export type SweepReason = (typeof SWEEP_REASONS)[number];

/**
 * What became of something due. `confirmed`: the provider's own word and agreeing absent reads; `observed`: agreeing absent
 * reads, and no word of the provider's for a removal of ours, so that it is looked at again; `ended_otherwise`: somebody
 * else, the ceremony itself above all, had ended it; `standing`: it could not be ended yet; `unknown`: nobody can say.
 */
export const SWEEP_ENDS = ['confirmed', 'observed', 'ended_otherwise', 'standing', 'unknown'] as const;

export const sweepOutcomeSchema = z.strictObject({
  end: z.enum(SWEEP_ENDS),
  /** A stable code in snake_case: how it was removed, or why it was not. */
  code: z.string().regex(/^[a-z0-9_.-]{1,120}$/i),
  accepted_at: instantSchema.nullable(),
  observed_at: instantSchema.nullable(),
  confirmed_at: instantSchema.nullable(),
  /** When Graph's five-minute floor is over, where that is in the way. */
  retry_at: instantSchema.nullable(),
  /** The sweeper's signed word for the event's ledger; null where nothing was ended, or nobody signs. */
  receipt: receiptSchema.nullable(),
});
export type SweepOutcome = z.output<typeof sweepOutcomeSchema>;

/** One assignment, or one request that may become one, and whose business it is. Ids and times as Graph gives them. */
export const sweepFindingSchema = z.strictObject({
  /** Absent: a directory role through PIM. */
  kind: z.enum(['entra.group_membership', 'entra.role_assignment', 'entra.ca_exclusion', 'entra.ca_policy']).optional(),
  tenant_id: guidSchema,
  principal_id: z.string().max(200),
  /** Of a membership: the group, and `member` or `owner`. Of Conditional Access: the policy, and `/`. */
  role_template_id: z.string().max(200),
  directory_scope_id: z.string().max(300),
  /** Outside PIM: the id of the assignment, or of the policy. */
  schedule_id: z.string().max(300),
  request_id: z.string().max(300).nullable(),
  /** The application or user whose request made it; null where Graph does not say. */
  made_by: z.string().max(200).nullable(),
  /** What the authority's marker says; null without one that holds. */
  event_id: eventIdSchema.nullable(),
  deadline: instantSchema.nullable(),
  /** When the provider ends it by itself; null for never, or where it is not known. */
  provider_ends_at: z.string().max(64).nullable(),
  /** Whether a read shows it active now. */
  standing: z.boolean(),
  verdict: z.enum(SWEEP_VERDICTS),
  why: z.enum(SWEEP_REASONS),
  outcome: sweepOutcomeSchema.nullable(),
});
export type SweepFinding = z.output<typeof sweepFindingSchema>;

/** What was asked for, per tenant: how many rows, or null where the read failed and so nothing is known. */
export const SWEEP_READS = [
  'instances',
  'requests',
  'assignments',
  'group_instances',
  'group_requests',
  'policies',
  'audit_log',
  'intents',
] as const;
export type SweepRead = (typeof SWEEP_READS)[number];
const rows = z.number().int().min(0).nullable();

export const sweptTenantSchema = z.strictObject({
  tenant_id: guidSchema,
  /** The time by which deadlines were judged, and whose it is: Graph's own, or this machine's where Graph did not say. */
  now: instantSchema,
  clock: z.enum(['graph', 'machine']),
  rows: z.strictObject({
    /** Those of PIM; absent where a tenant was looked at for what is outside PIM alone. */
    instances: rows.optional(),
    requests: rows.optional(),
    assignments: rows.optional(),
    /** Of all the groups that it looked at together; absent where there was none to look at. */
    group_instances: rows.optional(),
    group_requests: rows.optional(),
    /** Of changes without a mark: how many the authority's intents name, and the policies that were read for them. */
    intents: rows.optional(),
    policies: rows.optional(),
  }),
  /** Which reads failed, with the code of the failure. */
  unreadable: z.array(
    z.strictObject({ what: z.enum(SWEEP_READS), code: z.string().max(120), group_id: guidSchema.optional() }),
  ),
});
export type SweptTenant = z.output<typeof sweptTenantSchema>;

/** How many assignments a report lists at most, what matters most first; `counts` tells of all of them. */
export const MAX_TOLD = 100;

/** What one sweep found and did. Times are the sweeping machine's own, except where they say otherwise. */
export const sweepReportSchema = z.strictObject({
  schema: z.literal('reseal.sweep.v1'),
  /** `look`: nothing was to be ended. */
  mode: z.enum(['sweep', 'look']),
  /** The application under which Graph was asked. */
  application_id: guidSchema,
  started_at: instantSchema,
  finished_at: instantSchema,
  tenants: z.array(sweptTenantSchema).max(1000),
  counts: z.record(z.enum(SWEEP_VERDICTS), z.number().int().min(0)),
  found: z.array(sweepFindingSchema).max(MAX_TOLD),
});
export type SweepReport = z.output<typeof sweepReportSchema>;

/** What a report comes to, the worst first. */
export type SweepStanding = 'standing' | 'compromise' | 'unknown' | 'clean';

/** Something due that is not known to be over. */
export const isUnended = ({ verdict, outcome }: SweepFinding): boolean =>
  verdict === 'due' && (outcome === null || (outcome.end !== 'confirmed' && outcome.end !== 'ended_otherwise'));

export function standingOf({ found, tenants }: Pick<SweepReport, 'found' | 'tenants'>): SweepStanding {
  if (found.some(isUnended)) return 'standing';
  if (found.some(({ verdict }) => verdict === 'compromise')) return 'compromise';
  const unread = tenants.some(({ unreadable }) => unreadable.length > 0);
  return unread || found.some(({ verdict }) => verdict === 'unattributed') ? 'unknown' : 'clean';
}

/** A signed report: a DSSE envelope with the sweeper's one signature. Larger than a statement's may be. */
export const sweepEnvelopeSchema = z.strictObject({
  payloadType: z.literal(SWEEP_PAYLOAD_TYPE),
  payload: z.string().max(1_400_000),
  signatures: z.array(z.strictObject({ keyid: digestSchema, sig: z.string().max(200) })).length(1),
}) satisfies z.ZodType<DsseEnvelope>;

/** What the sweeper answers: its signed report, and its word for the ledgers of the events that it ended. */
export const sweepAnswerSchema = z.strictObject({
  envelope: sweepEnvelopeSchema,
  receipts: z.array(z.strictObject({ event_id: eventIdSchema, receipt: receiptSchema })).max(MAX_TOLD),
  /** Whether the report holds something that pages. */
  pages: z.boolean().default(false),
});
export interface SweepAnswer {
  envelope: DsseEnvelope;
  receipts: { event_id: string; receipt: Receipt }[];
  pages?: boolean;
}

/** It takes no targets: whoever can schedule activities can make it look, and nothing else. */
export interface SweeperTasks {
  sweep(): Promise<SweepAnswer>;
}

/** The register's `append` as the sweep uses it: without a view of the ceremony, of which the sweep knows nothing. */
export interface SweptLedger {
  append(input: { event_id: string; items: Receipt[] }): Promise<unknown>;
}

/** The register's `page`: it verifies the report itself, and tells each compromise in it once a day. */
export interface SweepPager {
  page(input: { envelope: DsseEnvelope }): Promise<{ told: number }>;
}

/** The schedule's id, and the workflow id of a sweep that somebody asked for. */
export const SWEEP_SCHEDULE_ID = 'reseal-sweep';
export const SWEEP_NOW_WORKFLOW_ID = 'sweep/now';
