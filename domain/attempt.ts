import { z } from 'zod';

import { digestSchema, eventIdSchema, instantSchema } from './identifiers.js';
import { SIGNING_ROLES, type SigningRole } from './roles.js';

export const ATTEMPT_PAYLOAD_TYPE = 'application/vnd.reseal.attempt+json';

const codeSchema = z.string().regex(/^[a-z0-9_]{1,64}$/);
const nameSchema = z.string().max(200);

/**
 * One thing that a role was asked and did not do, as that role signs it in a ledger of its own: whoever asked may have no
 * ceremony, and no workflow of ours that would append it. Nothing of the input is kept but its digest.
 */
export const attemptSchema = z.strictObject({
  schema: z.literal('reseal.attempt.v1'),
  seq: z.number().int().min(1),
  /** Hex SHA-256 of the line before; of nothing, before the first. */
  prev_hash: digestSchema,
  at: instantSchema,
  role: z.enum(SIGNING_ROLES as [SigningRole, ...SigningRole[]]),
  /** What Temporal says of who asked, cut to 200 characters: anybody's words. */
  activity: nameSchema,
  workflow_id: nameSchema,
  workflow_type: nameSchema,
  /** The event that the input names, where it names one. */
  event_id: eventIdSchema.nullable(),
  code: codeSchema,
  /** Of the input's RFC 8785 form; null for what has none. */
  input_digest: digestSchema.nullable(),
  /** What was refused besides since the line before, and only counted. */
  only_counted: z
    .array(z.strictObject({ activity: nameSchema, code: codeSchema, count: z.number().int().min(1) }))
    .max(64),
});
export type Attempt = z.output<typeof attemptSchema>;

/** Errors by which a role refuses what it is asked, besides those that are final. */
const REFUSING: ReadonlySet<string> = new Set(['intent_not_authentic', 'grant_not_admitted']);
const OUTCOMES: Readonly<Record<string, string>> = {
  not_authentic: 'intent_not_authentic',
  warrant_expired: 'warrant_expired',
};

/** The code of an activity's answer that refuses, or undefined. */
export function refusalIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { outcome, code } = answer as { outcome?: unknown; code?: unknown };
  if (outcome === 'refused') return codeOr(code, 'refused');
  return typeof outcome === 'string' && Object.hasOwn(OUTCOMES, outcome) ? OUTCOMES[outcome] : undefined;
}

/** The same of what an activity throws. An error without a type of ours is about arguments of no known shape. */
export function refusalInError(error: unknown): string | undefined {
  const { name, type, nonRetryable } = (error ?? {}) as { name?: string; type?: unknown; nonRetryable?: boolean };
  if (name === 'ZodError' || name === 'TypeError') return 'input_malformed';
  if (typeof type !== 'string') return undefined;
  return nonRetryable === true || REFUSING.has(type) ? codeOr(type, 'refused') : undefined;
}

const codeOr = (code: unknown, otherwise: string): string => codeSchema.safeParse(code).data ?? otherwise;
