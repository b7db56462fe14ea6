import { z } from 'zod';

import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import { digestSchema, eventIdSchema, instantSchema } from '../../domain/identifiers.js';
import { grantedSchema, MAX_GRANTED } from '../../domain/kill-state.js';
import { ON_KILL_TRIGGERS } from '../../domain/on-kill.js';
import { QUORUM_KINDS } from '../../domain/quorum.js';
import { refusalSchema } from '../../domain/refusal.js';
import type { CeremonyView } from '../../domain/view.js';

const text = z.string().max(4096).nullable();
const time = instantSchema.nullable();

const killActionSchema = z.strictObject({
  key: z.string().max(64),
  action: z.enum(['end_sessions', 'report_granted', 'rotate', 'disable_account', 'halt_job']),
  rotation: z.number().int().nullable(),
  target: z.string().max(200),
  result: z.enum(['done', 'refused']).nullable(),
  code: z.string().max(64).nullable(),
  at: time,
});

/**
 * A view as the register takes it: display data of a workflow, and therefore anybody's words. What a newer workflow adds is
 * left out.
 */
export const ceremonyViewSchema: z.ZodType<CeremonyView> = z.object({
  event_id: eventIdSchema,
  workflow_id: z.string().max(200),
  run_id: text,
  profile: text,
  reason_code: text,
  justification: text,
  invoker: text,
  invoker_person: text,
  principal: text,
  principal_id: text,
  role: text,
  directory_scope_id: text,
  tenant_id: text,
  duration_seconds: z.number().int().nullable(),
  status: z.enum(['active', 'closed', 'expired']).nullable(),
  state: z.enum([...PHASES, ...ENDS]),
  cause: text,
  ended_by: text,
  flags: z.array(z.string().max(64)).max(16),
  approvals: z
    .array(z.strictObject({ approver: z.string().max(256), at: instantSchema, method: z.string().max(64) }))
    .max(256),
  approvals_wanted: z.number().int().nullable(),
  fallback: z
    .strictObject({ opens_at: instantSchema, min_approvers: z.number().int(), max_seconds: z.number().int() })
    .nullable(),
  quorum: z.enum(QUORUM_KINDS).nullable(),
  approval_by: time,
  requested_at: instantSchema,
  activated_at: time,
  expires_at: time,
  dead_man_at: time,
  ended_at: time,
  extension: z
    .strictObject({
      round: z.number().int(),
      deadline: instantSchema,
      asked_by: z.string().max(256),
      asked_at: instantSchema,
      digest: digestSchema,
      state: z.enum(['awaiting_approval', 'issuing', 'updating', 'verifying', 'done', 'refused']),
      approvals: z
        .array(z.strictObject({ approver: z.string().max(256), at: instantSchema, method: z.string().max(64) }))
        .max(256),
      approvals_wanted: z.number().int(),
      refusal: refusalSchema.nullable(),
    })
    .nullable()
    .default(null),
  next_at: time,
  rollback: z.strictObject({
    requested_at: time,
    accepted_at: time,
    observed_at: time,
    confirmed_at: time,
    audited_at: time,
  }),
  sessions_ended_at: time,
  mark: z.enum(['none', 'pending', 'standing']),
  ticket: text,
  findings: z
    .array(z.strictObject({ code: z.string().max(64), detail: z.string().max(500), at: instantSchema }))
    .max(64),
  refusal: refusalSchema.nullable(),
  refused_statements: z.number().int(),
  kill: z
    .strictObject({
      trigger: z.enum(ON_KILL_TRIGGERS),
      actions: z.array(killActionSchema).max(16),
      granted: z.array(grantedSchema).max(MAX_GRANTED),
    })
    .optional(),
  // The register's own: what a workflow says of it is passed over.
  review: z.null().catch(null),
  policy_digest: digestSchema.nullable(),
  request_digest: digestSchema.nullable(),
  ui_url: text,
});

/** Members that follow from the admitted request: whatever a workflow says, these are the register's own. */
const ADMITTED = [
  'event_id',
  'workflow_id',
  'run_id',
  'profile',
  'reason_code',
  'justification',
  'invoker',
  'invoker_person',
  'principal',
  'principal_id',
  'role',
  'directory_scope_id',
  'tenant_id',
  'duration_seconds',
  'approvals_wanted',
  'requested_at',
  'ticket',
  'policy_digest',
  'request_digest',
] as const satisfies readonly (keyof CeremonyView)[];

/**
 * The view to keep: what was admitted stays, the rest is what the workflow tells now. A ceremony that was lost knows less
 * than its first workflow did, so what that one told of approvals and times is kept too.
 */
export function mergeView(kept: CeremonyView, told: CeremonyView): CeremonyView {
  const admitted = Object.fromEntries(ADMITTED.map((member) => [member, kept[member]]));
  const merged = { ...told, ...admitted };
  if (!told.flags.includes('workflow_lost')) return merged;
  return {
    ...merged,
    approvals: told.approvals.length > 0 ? told.approvals : kept.approvals,
    approval_by: told.approval_by ?? kept.approval_by,
    activated_at: told.activated_at ?? kept.activated_at,
    findings: [
      ...kept.findings,
      ...told.findings.filter(({ code, at }) => !kept.findings.some((f) => f.code === code && f.at === at)),
    ],
  };
}
