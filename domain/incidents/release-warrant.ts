import { z } from 'zod';
import { digestSchema } from '../identifiers.js';
import { containmentActionSchema } from './classes.js';
import { hostNameSchema, incidentIdSchema } from './incident-id.js';

/** The header's `typ`: no warrant to grant passes for one to release, nor the other way round. */
export const RELEASE_TYP = 'reseal-release+jwt';
/** How long a release warrant lives, in seconds; another is given while the gate is open. */
export const RELEASE_SECONDS = 120;
/** How old the register's word of what an incident is may be when it is judged, in ms. */
export const STANDING_MAX_AGE_MS = 10 * 60 * 1000;

/** What the authority lets the containment role undo: one settled containment, on the evidence of this digest. */
export const releaseClaimsSchema = z.strictObject({
  token_version: z.literal('1'),
  sub: z.string().regex(/^incident\/INC-[0-9]{8}-[0-9]{6}-[0-9]{4}$/),
  aud: z.literal('effect:containment'),
  scope: z.tuple([z.literal('containment.release')]),
  mission_id: incidentIdSchema,
  jti: z.uuid(),
  iat: z.number().int().min(0),
  exp: z.number().int().min(0),
  reseal: z.strictObject({
    direction: z.literal('restore'),
    generation: z.number().int().min(1),
    host: hostNameSchema,
    actions: z.array(containmentActionSchema),
    containment_binding: digestSchema,
    evidence_digest: digestSchema,
  }),
});
export type ReleaseClaims = z.output<typeof releaseClaimsSchema>;

/** Why nothing is released. Besides these: what the gate misses. */
export type ReleaseRefusal =
  | 'evidence_malformed'
  | 'standing_unproven'
  | 'standing_stale'
  | 'settled_unproven'
  | 'containment_changed'
  | 'playbook_differs'
  | 'gate_shut'
  | 'attestation_unproven'
  | 'attestation_superseded'
  | 'already_resolved'
  | 'warrant_malformed'
  | 'warrant_not_signed'
  | 'warrant_foreign'
  | 'warrant_expired';
