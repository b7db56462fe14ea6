import { z } from 'zod';

/** 16 lower-case hex characters from a secure source, minted by the client that asks. */
export const eventIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'expected 16 lower-case hex characters');
/** Hex SHA-256. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex characters');
/** A directory object, tenant or role template id. Lower case, so that comparison is by bytes. */
export const guidSchema = z
  .string()
  .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'expected a GUID')
  .transform((guid) => guid.toLowerCase());
/** RFC 3339 UTC, as `Date.prototype.toISOString` prints it; fractions are optional on input. */
export const instantSchema = z.iso.datetime({ offset: false });

/** Workflow ids. One ceremony, one workflow id: a second start of the same event joins the first. */
export const ceremonyWorkflowId = (eventId: string): string => `breakglass/${eventId}`;
export const resealWorkflowId = (eventId: string): string => `reseal/${eventId}`;
/** By the statement's digest (hex SHA-256): the same statement again joins the first, and nobody's review waits for another's. */
export const reviewWorkflowId = (eventId: string, digest: string): string => `review/${eventId}/${digest.slice(0, 16)}`;

/**
 * By the report's digest (hex SHA-256), so that those who sign for the same meet; of things that are taken back by the
 * statement's, since one person's is enough.
 */
export const followUpWorkflowId = (eventId: string, id: string): string => `follow-up/${eventId}/${id}`;

/** Milliseconds since the epoch of an RFC 3339 time that a schema has already accepted. */
export const epochMs = (instant: string): number => Date.parse(instant);
/** RFC 3339 UTC with milliseconds. */
export const instant = (ms: number): string => new Date(ms).toISOString();
