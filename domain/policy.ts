import { z } from 'zod';
import { durationSchema } from './duration.js';
import { guidSchema } from './identifiers.js';

/** Graph refuses to remove an assignment in its first five minutes, so a shorter timebox could not be kept (facts: 5-minute floor). */
export const MIN_TIMEBOX_SECONDS = 10 * 60;
export const MAX_TIMEBOX_SECONDS = 4 * 3600;

/** Who a list names: `group:security` or `person:dave`. For approvers and responders an empty list means nobody. */
export const partySchema = z.string().regex(/^(group|person):[^\s:]{1,64}$/, 'expected group:<name> or person:<id>');

export const approvalsSchema = z
  .strictObject({
    min_approvers: z.number().int().min(1).max(16),
    approvers: z.array(partySchema).default([]),
    require: z
      .array(z.strictObject({ group: z.string().min(1).max(64), count: z.number().int().min(1).max(16) }))
      .default([]),
  })
  .transform((approvals) => ({
    ...approvals,
    approvers: [...new Set([...approvals.approvers, ...approvals.require.map(({ group }) => `group:${group}`)])],
  }));
export type Approvals = z.output<typeof approvalsSchema>;

const timeboxSchema = z
  .strictObject({ default: durationSchema, max: durationSchema })
  .refine((t) => t.max <= MAX_TIMEBOX_SECONDS, { path: ['max'], message: 'a timebox is at most 4h' })
  .refine((t) => t.default <= t.max, { path: ['default'], message: 'the default is longer than the maximum' })
  .refine((t) => t.default >= MIN_TIMEBOX_SECONDS, {
    path: ['default'],
    message: 'a timebox under 10m cannot be kept: Graph refuses removals in the first five minutes',
  });

export const profileSchema = z.strictObject({
  description: z.string().max(500).default(''),
  action: z.literal('entra.directory_role'),
  tenant_id: guidSchema.optional(),
  role: z.strictObject({ template_id: guidSchema, name: z.string().min(1).max(200) }),
  scope: z.string().min(1).max(200).default('/'),
  tier0: z.boolean().default(false),
  end_sessions: z.boolean().default(true),
  timebox: timeboxSchema.optional(),
  approvals: approvalsSchema.optional(),
});

/**
 * A policy file: profiles, approvals, timebox and grace. What a profile leaves out comes from the policy's own defaults.
 * `grace` is how long after our deadline the provider ends the grant by itself: the dead-man.
 */
export const policySchema = z
  .strictObject({
    version: z.literal(1),
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -'),
    tenant_id: guidSchema,
    approval_window: durationSchema.default(1800),
    timebox: timeboxSchema.default({ default: 1800, max: MAX_TIMEBOX_SECONDS }),
    grace: durationSchema.refine((s) => s >= 300 && s <= 900, 'grace is 5m to 15m').default(600),
    approvals: approvalsSchema.optional(),
    responders: z.array(partySchema).default([]),
    profiles: z.record(
      z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -'),
      profileSchema,
    ),
  })
  .superRefine((policy, context) => {
    for (const [name, profile] of Object.entries(policy.profiles)) {
      const approvals = profile.approvals ?? policy.approvals;
      const path = ['profiles', name, 'approvals'];
      if (approvals === undefined) {
        context.addIssue({ code: 'custom', path, message: 'no approvals here and no default: nobody could approve' });
      } else if (approvals.approvers.length === 0) {
        context.addIssue({ code: 'custom', path, message: 'an empty approvers list means nobody can approve' });
      }
    }
  });
export type Policy = z.output<typeof policySchema>;
export type Profile = Policy['profiles'][string];

/** What one profile means once the policy's defaults are filled in. Carried by the ceremony; durations in seconds. */
export const termsSchema = z.strictObject({
  profile: z.string(),
  tenant_id: guidSchema,
  role: z.strictObject({ template_id: guidSchema, name: z.string() }),
  scope: z.string(),
  tier0: z.boolean(),
  end_sessions: z.boolean(),
  timebox: z.strictObject({ default: z.number().int(), max: z.number().int() }),
  approval_window: z.number().int(),
  grace: z.number().int(),
  approvals: z.strictObject({
    min_approvers: z.number().int(),
    approvers: z.array(z.string()),
    require: z.array(z.strictObject({ group: z.string(), count: z.number().int() })),
  }),
  responders: z.array(z.string()),
});
export type Terms = z.output<typeof termsSchema>;

/** The terms of one profile, or undefined when the policy has no profile of that name. */
export function termsOf(policy: Policy, profileName: string): Terms | undefined {
  const profile = Object.hasOwn(policy.profiles, profileName) ? policy.profiles[profileName] : undefined;
  const approvals = profile?.approvals ?? policy.approvals;
  if (profile === undefined || approvals === undefined) return undefined;
  return {
    profile: profileName,
    tenant_id: profile.tenant_id ?? policy.tenant_id,
    role: profile.role,
    scope: profile.scope,
    tier0: profile.tier0,
    end_sessions: profile.end_sessions,
    timebox: profile.timebox ?? policy.timebox,
    approval_window: policy.approval_window,
    grace: policy.grace,
    approvals,
    responders: policy.responders,
  };
}

/** Whether a person is named by any of the parties, directly or through a group. */
export function isNamed(parties: readonly string[], person: { id: string; groups: readonly string[] }): boolean {
  return parties.includes(`person:${person.id}`) || person.groups.some((group) => parties.includes(`group:${group}`));
}
