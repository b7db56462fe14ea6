import { z } from 'zod';
import { ACCESS_STATES } from './access-policies.js';
import { orNull } from './or-null.js';
import { parseDuration, parseRfc3339 } from './clock.js';
import { GUID_PATTERN } from './token.js';

const guid = z
  .string()
  .regex(GUID_PATTERN, 'must be a GUID')
  .transform((id) => id.toLowerCase());

const tenant = guid.optional();
const count = z.int().min(0);

const instant = z.string().transform((text, ctx) => {
  const ms = parseRfc3339(text);
  if (ms !== null) return ms;
  ctx.addIssue({ code: 'custom', message: 'must be an RFC 3339 date-time' });
  return z.NEVER;
});

const duration = z.string().refine((text) => parseDuration(text) !== null, 'must be an ISO 8601 duration such as PT8H');

const tuple = {
  principal_id: guid,
  role_definition_id: guid,
  /** `#member` for a membership of the group that `role_definition_id` then names. */
  directory_scope_id: z
    .string()
    .regex(/^(\/|#(member|owner)$)/)
    .default('/'),
};

/** Bodies of the control API; members that are not named here are refused. */
export const FaultBody = z
  .strictObject({
    method: orNull(z.string().transform((m) => m.toUpperCase())),
    path: orNull(z.string().min(1)),
    times: z.int().min(1).nullable().default(1),
    effect: z.enum(['status', 'lost_response', 'html', 'delay']),
    status: orNull(z.int().min(400).max(599)),
    retry_after: orNull(count),
    delay_ms: orNull(count),
    after: z.boolean().default(false),
    code: orNull(z.string()),
    action: orNull(z.string()),
    validation_only: orNull(z.boolean()),
    app: orNull(guid),
    tenant: orNull(guid),
  })
  .superRefine((fault, ctx) => {
    if (fault.effect === 'status' && fault.status === null) {
      ctx.addIssue({ code: 'custom', path: ['status'], message: 'is needed with effect status' });
    }
    if (fault.effect === 'delay' && fault.delay_ms === null) {
      ctx.addIssue({ code: 'custom', path: ['delay_ms'], message: 'is needed with effect delay' });
    }
  });

export const LagBody = z.strictObject({ ms: count, tenant });
export const ClockBody = z.strictObject({ advance_seconds: z.number(), tenant });
/** What a caller of that tenant would name as its time. */
export const TimeBody = z.strictObject({ now: instant, tenant: guid });
export const AuditsBody = z.strictObject({ latency_seconds: z.number().min(0), tenant });
export const ResetBody = z.strictObject({ tenant });

const forcedStatus = z.strictObject({
  status: z.string().min(1),
  takes_effect: z.boolean().optional(),
  settles_to: z.string().min(1).optional(),
  after_seconds: z.number().min(0).optional(),
});

export const StatusesBody = z.strictObject({
  statuses: z.array(
    z.union([
      z
        .string()
        .min(1)
        .transform((status) => ({ status })),
      forcedStatus,
    ]),
  ),
  tenant,
});

export const PoliciesBody = z.strictObject({
  role_definition_id: orNull(guid),
  max_active_duration: duration.nullable().optional(),
  max_activation_duration: duration.optional(),
  require_justification: z.boolean().optional(),
  require_ticket: z.boolean().optional(),
  require_mfa: z.boolean().optional(),
  authentication_context: z.string().nullable().optional(),
  resource_locked: z.boolean().optional(),
  premium_license: z.boolean().optional(),
  tenant,
});

export const AssignmentBody = z
  .strictObject({
    ...tuple,
    starts_at: orNull(instant),
    ends_at: orNull(instant),
    via: z.enum(['pim', 'direct']).default('pim'),
    created_by_app: orNull(guid),
    created_by_user: orNull(guid),
    ticket_number: orNull(z.string()),
    justification: orNull(z.string()),
    remove: z.boolean().default(false),
    tenant,
  })
  .superRefine((body, ctx) => {
    if (body.via === 'direct' && body.ends_at !== null) {
      ctx.addIssue({ code: 'custom', path: ['ends_at'], message: 'a direct assignment has no end' });
    }
    if (body.created_by_app !== null && body.created_by_user !== null) {
      ctx.addIssue({ code: 'custom', path: ['created_by_user'], message: 'name one creator' });
    }
  });

export const EligibilityBody = z.strictObject({
  ...tuple,
  ends_at: orNull(instant),
  remove: z.boolean().default(false),
  tenant,
});

export const GroupBody = z.strictObject({
  id: guid.optional(),
  display_name: z.string().min(1),
  assignable_to_role: z.boolean().default(true),
  dynamic: z.boolean().default(false),
  on_premises_synced: z.boolean().default(false),
  tenant,
});

export const UserBody = z.strictObject({
  id: guid.optional(),
  user_principal_name: z.string().min(3),
  display_name: z.string().min(1).optional(),
  account_enabled: z.boolean().default(true),
  tenant,
});

/** Another administrator's change to a Conditional Access policy; a new one applies to everybody and asks for MFA. */
export const AccessPolicyBody = z.strictObject({
  id: guid,
  display_name: z.string().min(1).optional(),
  state: z.enum(ACCESS_STATES).optional(),
  exclude_users: z.array(z.string()).optional(),
  exclude_groups: z.array(z.string()).optional(),
  include_users: z.array(z.string()).optional(),
  built_in_controls: z.array(z.string()).optional(),
  created_by_app: orNull(guid),
  created_by_user: orNull(guid),
  remove: z.boolean().default(false),
  tenant,
});

export const SignInBody = z.strictObject({
  id: guid.optional(),
  at: orNull(instant),
  user_id: guid,
  user_principal_name: z.string().min(1).optional(),
  app_id: guid.optional(),
  app_display_name: z.string().default('Portal'),
  ip_address: z.string().default('192.0.2.7'),
  conditional_access_status: z.enum(['success', 'failure', 'notApplied']).default('notApplied'),
  error_code: z.int().default(0),
  policies: z.array(z.strictObject({ id: guid, result: z.string() })).default([]),
  tenant,
});

/** An application registration with so many secrets of its own, and certificates. */
export const ApplicationBody = z.strictObject({
  id: guid.optional(),
  app_id: guid.optional(),
  display_name: z.string().min(1).default('An application'),
  passwords: z.array(z.string().min(1).max(120)).max(20).default(['its own']),
  certificates: z.int().min(0).max(5).default(0),
  tenant,
});

export const TruthQuery = z.strictObject({ tenant });
export const FaultsQuery = z.strictObject({ tenant });
