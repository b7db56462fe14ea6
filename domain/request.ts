import { z } from 'zod';
import { effectSchema, isSameEffect } from './effects/effects.js';
import { eventIdSchema, digestSchema, guidSchema, instantSchema } from './identifiers.js';
import { MIN_TIMEBOX_SECONDS, type Terms } from './policy.js';
import { missingPrerequisites, prerequisitesSchema } from './prerequisite.js';
import { REASON_CODES } from './reason-codes.js';

export { REASON_CODES };

/** Control and bidirectional-override characters, which could make a reader see another text, and halves of characters. */
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/u;

const upnSchema = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !CONTROL.test(text), 'control characters are not allowed');

/** 20 to 1,000 characters after trimming, none of them a control or bidirectional-override character. */
export const justificationSchema = z
  .string()
  .refine((text) => text === text.trim(), 'leading or trailing space: trim it')
  .refine((text) => !CONTROL.test(text), 'control characters are not allowed')
  .refine(
    (text) => [...text].length >= 20 && [...text].length <= 1000,
    'expected 20 to 1,000 characters after trimming',
  );

/**
 * What is asked, resolved to ids, frozen, and hashed: what approvers sign. The invoker signs it; `request_digest` is the
 * SHA-256 of its RFC 8785 form. The verifier confirms the ids in the directory before anything is granted.
 */
export const requestSchema = z.strictObject({
  event_id: eventIdSchema,
  profile: z.string().min(1).max(64),
  reason_code: z.enum(REASON_CODES),
  justification: justificationSchema,
  ticket: z
    .string()
    .regex(/^[A-Za-z0-9#/._:-]{1,64}$/, 'expected 1 to 64 of A-Z a-z 0-9 # / . _ : -')
    .nullable(),
  duration_seconds: z.number().int().positive(),
  invoker: z.strictObject({ person: z.string().min(1).max(64), upn: upnSchema }),
  principal: z.strictObject({ object_id: guidSchema, upn: upnSchema }),
  effect: effectSchema,
  policy_digest: digestSchema,
  requested_at: instantSchema,
  /** Approvals of outside control planes; absent where there are none, as before there were any. */
  prerequisites: prerequisitesSchema.optional(),
});
export type Request = z.output<typeof requestSchema>;

export const REQUEST_REFUSALS = [
  'profile_unknown',
  'policy_changed',
  'target_differs_from_policy',
  'duration_too_short',
  'duration_too_long',
  'invoker_unknown',
  'prerequisite_missing',
] as const;
export type RequestRefusal = (typeof REQUEST_REFUSALS)[number];

/** Why a request is not what its profile allows, or undefined. Pure: the same answer on the command line, in the workflow and at the authority. */
export function requestRefusal(
  request: Request,
  terms: Terms,
  policyDigest: string,
): { code: RequestRefusal; message: string } | undefined {
  if (request.policy_digest !== policyDigest) {
    return {
      code: 'policy_changed',
      message: `the request was made under policy ${request.policy_digest}, in force is ${policyDigest}: ask again`,
    };
  }
  if (!isSameEffect(request.effect, terms.effect))
    return {
      code: 'target_differs_from_policy',
      message: `profile ${terms.profile} names another tenant or target than the request`,
    };
  const [missing] = missingPrerequisites(terms.prerequisites, request.prerequisites);
  if (missing !== undefined)
    return {
      code: 'prerequisite_missing',
      message: `profile ${terms.profile} wants the id of an approval in ${missing}: name it with --prerequisite ${missing}=ID`,
    };
  if (request.duration_seconds < MIN_TIMEBOX_SECONDS) {
    return {
      code: 'duration_too_short',
      message: `${request.duration_seconds} s is under the 10 minutes that Graph's five-minute floor allows for: ask for 10m or more`,
    };
  }
  if (request.duration_seconds > terms.timebox.max) {
    return {
      code: 'duration_too_long',
      message: `${request.duration_seconds} s is over the ${terms.timebox.max} s that profile ${terms.profile} allows`,
    };
  }
  return undefined;
}
