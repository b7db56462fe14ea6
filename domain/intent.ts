import { z } from 'zod';
import { TUPLES, type Target, type Tuple } from './effects/effects.js';
import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { onKillSchema } from './on-kill.js';
import { QUORUM_KINDS } from './quorum.js';
import { roundSchema } from './round.js';

export type { Target, Tuple };

/** A DSSE envelope (https://github.com/secure-systems-lab/dsse): `payload` and `sig` are standard base64. */
export const dsseEnvelopeSchema = z.strictObject({
  payloadType: z.string().min(1).max(200),
  payload: z.string().max(256 * 1024),
  signatures: z
    .array(z.strictObject({ keyid: digestSchema, sig: z.string().max(200) }))
    .min(1)
    .max(8),
});
export type DsseEnvelope = z.output<typeof dsseEnvelopeSchema>;

/**
 * What Graph is told, so that an assignment can be recognised as this ceremony's and nobody else's. `ticket_number` names
 * event and deadline; `justification` repeats both and carries the authority's Ed25519 signature over them and the tuple.
 */
export const markerSchema = z.strictObject({
  ticket_system: z.literal('reseal'),
  ticket_number: z.string().max(64),
  justification: z.string().max(500),
});
export type Marker = z.output<typeof markerSchema>;

/** What every intent says, whatever its kind. */
const commonSchema = z.strictObject({
  schema: z.literal('reseal.intent.v1'),
  event_id: eventIdSchema,
  round: roundSchema,
  end_sessions: z.boolean(),
  /** Absent where the policy says nothing of it. */
  on_kill: onKillSchema.optional(),
  request_digest: digestSchema,
  policy_digest: digestSchema,
  evidence_digest: digestSchema,
  /** By which of the policy's quorums; anything but `full` owes a review. */
  quorum: z.enum(QUORUM_KINDS),
  issued_at: instantSchema,
  deadline: instantSchema,
  /** When the provider itself ends it; null where it never does. */
  dead_man: instantSchema.nullable(),
  marker: markerSchema,
});

const intentOf = <K extends keyof typeof TUPLES>(kind: K) =>
  commonSchema.extend({ kind: z.literal(kind), tuple: TUPLES[kind] });

/** Recorded by the authority before the provider is called, once per event and round. Payload of its DSSE envelope. */
export const intentSchema = z.discriminatedUnion('kind', [
  intentOf('entra.directory_role'),
  intentOf('entra.group_membership'),
  intentOf('entra.ca_exclusion'),
  intentOf('entra.ca_policy'),
  intentOf('entra.role_assignment'),
]);
export type Intent = z.output<typeof intentSchema>;
export type IntentOf<K extends Intent['kind']> = Extract<Intent, { kind: K }>;

/** An intent as it travels: what it says, and the authority's envelope that every effect checks for itself. */
export const signedIntentSchema = z.strictObject({ intent: intentSchema, envelope: dsseEnvelopeSchema });
export type SignedIntent = z.output<typeof signedIntentSchema>;

export const INTENT_PAYLOAD_TYPE = 'application/vnd.reseal.intent+json';
