import { z } from 'zod';
import {
  agreedApprovalsSchema,
  approvalsSchema,
  MAX_IMMEDIATE_SECONDS,
  MAX_TIMEBOX_SECONDS,
  MIN_TIMEBOX_SECONDS,
  wantedApprovers,
  type Approvals,
} from './approvals.js';
import { contractFaults } from './contract-faults.js';
import { contractSchema } from './contract.js';
import { durationSchema, formatDuration } from './duration.js';
import { effectOf, effectSchema, PROFILES } from './effects/effects.js';
import { guidSchema } from './identifiers.js';
import { hasJobTools } from './job-tools.js';
import { limitsSchema } from './limits.js';
import { channelsFor, noticeRoutesSchema, type NoticeType } from './notices.js';
import { onKillPolicySchema } from './on-kill.js';
import { isNamed, partySchema } from './parties.js';
import { wantedPrerequisitesSchema } from './prerequisite.js';
import { policyRulesSchema } from './policy-rules.js';
import { standingSchema } from './standing.js';

export { approvalsSchema, isNamed, MAX_TIMEBOX_SECONDS, MIN_TIMEBOX_SECONDS, partySchema, type Approvals };

/** A review that is owed longer than this is overdue, where the policy says nothing else. */
export const DEFAULT_REVIEW_AFTER_SECONDS = 24 * 3600;
const MAX_REVIEW_AFTER_SECONDS = 31 * 24 * 3600;

const timeboxSchema = z
  .strictObject({ default: durationSchema, max: durationSchema })
  .refine((t) => t.max <= MAX_TIMEBOX_SECONDS, { path: ['max'], message: 'a timebox is at most 4h' })
  .refine((t) => t.default <= t.max, { path: ['default'], message: 'the default is longer than the maximum' })
  .refine((t) => t.default >= MIN_TIMEBOX_SECONDS, {
    path: ['default'],
    message: 'a timebox under 10m cannot be kept: Graph refuses removals in the first five minutes',
  });

/** What every profile says, whatever it grants. */
const commonProfileSchema = z.strictObject({
  description: z.string().max(500).default(''),
  tenant_id: guidSchema.optional(),
  tier0: z.boolean().default(false),
  end_sessions: z.boolean().default(true),
  timebox: timeboxSchema.optional(),
  approvals: approvalsSchema.optional(),
  /** What is done besides the reseal when a ceremony of it is killed. */
  on_kill: onKillPolicySchema.optional(),
  /** Outside control planes whose approval a request must name. */
  prerequisites: wantedPrerequisitesSchema.optional(),
  /** false: no job is let in. true says that jobs are meant to work here, so it is refused where there are no tools. */
  jobs: z.boolean().optional(),
});

const [role, group, exclusion, accessPolicy, assignment] = PROFILES;
export const profileSchema = z.discriminatedUnion('action', [
  commonProfileSchema.extend(role),
  commonProfileSchema.extend(group),
  commonProfileSchema.extend(exclusion),
  commonProfileSchema.extend(accessPolicy),
  commonProfileSchema.extend(assignment),
]);

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -');

const fieldsSchema = z.strictObject({
  version: z.literal(1),
  name: nameSchema,
  tenant_id: guidSchema,
  approval_window: durationSchema.default(1800),
  timebox: timeboxSchema.default({ default: 1800, max: MAX_TIMEBOX_SECONDS }),
  grace: durationSchema.refine((s) => s >= 300 && s <= 900, 'grace is 5m to 15m').default(600),
  approvals: approvalsSchema.optional(),
  responders: z.array(partySchema).default([]),
  rules: policyRulesSchema.optional(),
  limits: limitsSchema.optional(),
  standing: standingSchema.optional(),
  notices: noticeRoutesSchema.optional(),
  review_after: durationSchema
    .refine((s) => s <= MAX_REVIEW_AFTER_SECONDS, 'at most 744h, which is 31 days')
    .optional(),
  contract: contractSchema.optional(),
  profiles: z.record(nameSchema, profileSchema),
});

/**
 * A policy file. What a profile leaves out comes from the policy's own defaults. `grace` is how long after our deadline the
 * provider ends the grant by itself: the dead-man.
 *
 * What requests and approvals are bound to is the digest of what this parses to. So that a file keeps its digest when
 * Reseal learns more, members that came after the first release stay absent where the file says nothing of them.
 */
export const policySchema = fieldsSchema.superRefine((policy, context) => {
  const complain = (path: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path, message });
  if (policy.approvals?.immediate !== undefined)
    complain(
      ['approvals', 'immediate'],
      'is allowed only by name: in the approvals of the profile that it is meant for',
    );
  for (const [name, profile] of Object.entries(policy.profiles))
    for (const { path, message } of profileFaults(policy, profile)) complain(['profiles', name, ...path], message);
  if (policy.contract !== undefined)
    for (const { path, message } of contractFaults(policy, policy.contract)) complain(path, message);
  for (const list of ['rules', 'standing'] as const) {
    for (const [index, rule] of (policy[list] ?? []).entries())
      for (const [at, name] of rule.profiles.entries())
        if (!Object.hasOwn(policy.profiles, name))
          complain([list, index, 'profiles', at], `the policy has no profile ${name}`);
  }
});
export type Policy = z.output<typeof policySchema>;
export type Profile = Policy['profiles'][string];

function profileFaults(policy: z.output<typeof fieldsSchema>, profile: Profile): { path: string[]; message: string }[] {
  const approvals = profile.approvals ?? policy.approvals;
  const faults: { path: string[]; message: string }[] = [];
  const complain = (path: string[], message: string): void => void faults.push({ path, message });
  if (approvals === undefined) complain(['approvals'], 'no approvals here and no default: nobody could approve');
  else if (approvals.approvers.length === 0)
    complain(['approvals'], 'an empty approvers list means nobody can approve');
  if (approvals?.fallback !== undefined && approvals.fallback.after >= policy.approval_window) {
    const path = ['approvals', 'fallback', 'after'];
    complain(path, `never comes: the approval window is over after ${formatDuration(policy.approval_window)}`);
  }
  if (approvals?.delivery !== undefined && heardAndCounted(policy, approvals, 'requested').length === 0) {
    const path = ['approvals', 'delivery'];
    complain(path, 'no channel in notices that counts hears of `requested`: nothing could ever be approved');
  }
  if (profile.jobs === true && !hasJobTools(profile.action))
    complain(['jobs'], `there are no tools for ${profile.action}, so no job could do anything: leave it out`);
  if (approvals?.immediate === undefined) return faults;
  if (profile.tier0) complain(['tier0'], 'a tier-0 role is never granted with nobody asked: leave out immediate');
  const { max } = profile.timebox ?? policy.timebox;
  if (max > MAX_IMMEDIATE_SECONDS)
    complain(['timebox', 'max'], `is ${formatDuration(max)}: what nobody approved lasts at most 1h`);
  return faults;
}

/** The channels that hear of this, and whose word on its delivery counts. */
export function heardAndCounted(
  { notices }: Pick<z.output<typeof fieldsSchema>, 'notices'>,
  { delivery }: Pick<Approvals, 'delivery'>,
  type: NoticeType,
): string[] {
  return channelsFor(notices ?? [], type).filter((channel) => delivery?.channels?.includes(channel) ?? true);
}

const formerTermsSchema = z.looseObject({
  tenant_id: guidSchema,
  role: z.strictObject({ template_id: guidSchema, name: z.string() }),
  scope: z.string(),
  end_sessions: z.boolean(),
});

/** What one profile means once the policy's defaults are filled in. Carried by the ceremony; durations in seconds. */
const currentTermsSchema = z.strictObject({
  profile: z.string(),
  /** What a request under them must ask for. */
  effect: effectSchema,
  tier0: z.boolean(),
  timebox: z.strictObject({ default: z.number().int(), max: z.number().int() }),
  approval_window: z.number().int(),
  grace: z.number().int(),
  approvals: agreedApprovalsSchema,
  responders: z.array(z.string()),
  review_after: z.number().int().default(DEFAULT_REVIEW_AFTER_SECONDS),
  prerequisites: wantedPrerequisitesSchema.optional(),
  on_kill: onKillPolicySchema.optional(),
});
export type Terms = z.output<typeof currentTermsSchema>;

/** The same, also of a ceremony that an earlier version admitted: that knew roles alone, and said them member by member. */
export const termsSchema = z.preprocess((said) => {
  const former = formerTermsSchema.safeParse(said);
  if (!former.success) return said;
  const { tenant_id, role, scope, end_sessions, ...terms } = former.data;
  return { ...terms, effect: effectOf({ action: 'entra.directory_role', role, scope, end_sessions }, tenant_id) };
}, currentTermsSchema);

/** The terms of one profile, or undefined when the policy has no profile of that name. */
export function termsOf(policy: Policy, profileName: string): Terms | undefined {
  const profile = Object.hasOwn(policy.profiles, profileName) ? policy.profiles[profileName] : undefined;
  const approvals = profile?.approvals ?? policy.approvals;
  if (profile === undefined || approvals === undefined) return undefined;
  return {
    profile: profileName,
    effect: effectOf(profile, profile.tenant_id ?? policy.tenant_id),
    tier0: profile.tier0,
    timebox: profile.timebox ?? policy.timebox,
    approval_window: policy.approval_window,
    grace: policy.grace,
    // Each seat of a group takes a person of its own: said here, so that one approver more is one more than that.
    approvals: { ...approvals, min_approvers: wantedApprovers(approvals) },
    responders: policy.responders,
    review_after: policy.review_after ?? DEFAULT_REVIEW_AFTER_SECONDS,
    ...(profile.on_kill === undefined ? {} : { on_kill: profile.on_kill }),
    ...(profile.prerequisites === undefined ? {} : { prerequisites: profile.prerequisites }),
  };
}
