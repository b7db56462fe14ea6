import { z } from 'zod';
import { durationSchema } from './duration.js';
import { guidSchema, instant } from './identifiers.js';

/** The longest that the warrant of a grant may live. */
export const MAX_TOKEN_TTL_SECONDS = 30 * 60;
/** Clocks differ by up to a minute: a warrant that lives no longer could be over before it is read. */
export const MIN_TOKEN_TTL_SECONDS = 60;
/** An elevated contract's grants last at most that long, and take at least that many approvers. */
export const MAX_ELEVATED_SECONDS = 3600;
export const MIN_ELEVATED_APPROVERS = 3;

/** The tools that break-glass itself uses. The names are those of the work policy contracts that Reseal takes after. */
export const TOOLS = {
  write: 'breakglass.microsoft_graph.write_role_assignment',
  read: 'breakglass.microsoft_graph.read_role_assignment',
  remove: 'breakglass.rollback.remove_role_assignment',
} as const;

/** What ends a ceremony by itself, and what is then done. Reseal acts on all of it, so a contract must say all of it. */
export const KILL_TRIGGERS = ['approval_revoked', 'timebox_expired', 'unexpected_target_detected'] as const;
export const KILL_ACTIONS = [
  'revoke_warrant',
  'halt_job',
  'reseal',
  'end_sessions',
  'report_granted',
  'rotate_credentials',
  'disable_account',
] as const;

/** In `allowed_principals` alone: everybody whom the roster has. Legal, and `lint` warns of it. */
export const ANY_PRINCIPAL = '*';

/** A whole number of versions that every JSON reader keeps exactly. */
export const contractVersionSchema = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1);

/** Series and names of signers: like the name of a policy. */
export const seriesSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -');

const MOMENT = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,3})?Z$';

/** RFC 3339 UTC to the millisecond, and one spelling from there on: `2026-11-21T00:00:00Z` is `2026-11-21T00:00:00.000Z`. */
export const momentSchema = z
  .string()
  .meta({ pattern: MOMENT, description: 'a time in UTC, such as 2026-11-21T00:00:00Z' })
  .transform((text, context) => {
    const ms = new RegExp(MOMENT).test(text) ? Date.parse(text) : NaN;
    // Date.parse takes 31 days in every month: what it answers must be what was written.
    if (!Number.isNaN(ms) && instant(ms).slice(0, 19) === text.slice(0, 19)) return instant(ms);
    context.addIssue({ code: 'custom', message: 'expected a time in UTC, such as 2026-11-21T00:00:00Z' });
    return z.NEVER;
  });

const toolSchema = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9_]+([.][a-z0-9_]+)+$/,
    'expected the full name of a tool, such as shell.exec: patterns are not taken',
  );

const GUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

const principalSchema = z
  .string()
  .min(1)
  .max(256)
  .refine(
    (text) => text === ANY_PRINCIPAL || GUID.test(text) || /^[^\s*@]+@[^\s*@]+$/.test(text),
    'expected an object id, a user principal name, or "*" for everybody on the roster',
  )
  .transform((text) => text.toLowerCase());

const constraintsSchema = z.strictObject({
  tenant_ids: z.array(guidSchema).max(10_000),
  allowed_principals: z.array(principalSchema).max(10_000),
  allowed_roles: z.array(guidSchema).max(1000),
  allowed_groups: z.array(guidSchema).max(1000).optional(),
  /** Of Conditional Access. */
  allowed_policies: z.array(guidSchema).max(1000).optional(),
});

const executionSchema = z
  .strictObject({
    runtime: z.string().min(1).max(100),
    tools_allowlist: z.array(toolSchema).max(200),
    tools_denylist: z.array(toolSchema).max(200).default([]),
    target_constraints: constraintsSchema,
    elevated: z.boolean().default(false),
  })
  .superRefine(({ tools_allowlist, tools_denylist }, context) => {
    const complain = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    for (const [index, tool] of tools_denylist.entries())
      if (tools_allowlist.includes(tool))
        complain(['tools_denylist', index], `${tool} is allowed too: say one of both`);
  });

const allOf = <Word extends string>(words: readonly [Word, ...Word[]], needed: readonly Word[]) =>
  z
    .array(z.enum(words))
    .max(words.length)
    .superRefine((listed, context) => {
      for (const word of needed)
        if (!listed.includes(word))
          context.addIssue({ code: 'custom', message: `${word} is missing: Reseal does it in any case, so say it` });
    });

/**
 * The `contract` section of a policy file. With it a policy is a work policy contract (WPC): one version of a series, that is
 * signed, valid for a time, and says which tools may be used on which targets.
 *
 * It is a member of the policy itself, so the policy's digest covers it and everything that pins `policy_digest` pins the
 * contract. Its hash is that digest written `b64u:` and base64url. Durations are seconds once parsed. Empty lists of targets
 * are nobody and nothing.
 */
export const contractSchema = z
  .strictObject({
    series: seriesSchema,
    version: contractVersionSchema,
    valid_from: momentSchema,
    valid_until: momentSchema,
    token_ttl: durationSchema
      .refine((seconds) => seconds <= MAX_TOKEN_TTL_SECONDS, 'a warrant lives at most 30m')
      .refine(
        (seconds) => seconds >= MIN_TOKEN_TTL_SECONDS,
        'a warrant under 1m is over before a clock that is off reads it',
      ),
    no_renew_without_reapproval: z.literal(true, 'nothing is renewed without new approvals: the only value is true'),
    execution: executionSchema,
    network: z
      .strictObject({
        model_calls_must_use: z.string().min(1).max(200),
        provider: z.string().min(1).max(200).optional(),
      })
      .optional(),
    kill_switch: z.strictObject({
      triggers: allOf(KILL_TRIGGERS, KILL_TRIGGERS),
      on_trigger: allOf(KILL_ACTIONS, ['revoke_warrant', 'reseal']),
    }),
    audit: z.strictObject({
      require_gateway_receipts: z.boolean(),
      emit_proof_bundle: z.literal(true, 'every ceremony ends with a proof bundle: the only value is true'),
    }),
  })
  .refine(({ valid_from, valid_until }) => valid_from < valid_until, {
    path: ['valid_until'],
    message: 'is not after valid_from',
  });
export type Contract = z.output<typeof contractSchema>;
