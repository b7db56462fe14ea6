import { followUpStatementSchema, type FollowUpStatement } from '../../domain/follow-up.js';
import {
  actStatementSchema,
  MAX_PAYLOAD_BYTES,
  requestStatementSchema,
  reviewStatementSchema,
  signedStatementSchema,
  type ActStatement,
  type RequestStatement,
  type ReviewStatement,
  type SignedStatement,
} from '../../domain/statement.js';
import { parseCanonicalJson } from '../../proofs/strict-json.js';
import { ResealError } from './reseal-error.js';

/**
 * What a statement says, by its shape alone: nothing here looks at the signature, so nothing here may be believed.
 *
 * @throws {ResealError} `malformed`, naming the member.
 */
export function readRequestStatement(input: unknown): { envelope: SignedStatement; statement: RequestStatement } {
  const { envelope, value } = readEnvelope(input);
  const parsed = requestStatementSchema.safeParse(value);
  if (parsed.success) return { envelope, statement: parsed.data };
  throw malformed('the payload is not a request statement', parsed.error.issues);
}

/** The same for approve, deny, withdraw, close and kill. */
export function readActStatement(input: unknown): { envelope: SignedStatement; statement: ActStatement } {
  const { envelope, value } = readEnvelope(input);
  const parsed = actStatementSchema.safeParse(value);
  if (parsed.success) return { envelope, statement: parsed.data };
  throw malformed('the payload is not an act statement', parsed.error.issues);
}

/** The same for a review. */
export function readReviewStatement(input: unknown): { envelope: SignedStatement; statement: ReviewStatement } {
  const { envelope, value } = readEnvelope(input);
  const parsed = reviewStatementSchema.safeParse(value);
  if (parsed.success) return { envelope, statement: parsed.data };
  throw malformed('the payload is not a review statement', parsed.error.issues);
}

/** The same for a follow-up of a kill. */
export function readFollowUpStatement(input: unknown): { envelope: SignedStatement; statement: FollowUpStatement } {
  const { envelope, value } = readEnvelope(input);
  const parsed = followUpStatementSchema.safeParse(value);
  if (parsed.success) return { envelope, statement: parsed.data };
  throw malformed('the payload is not a statement of a follow-up', parsed.error.issues);
}

function readEnvelope(input: unknown): { envelope: SignedStatement; value: unknown } {
  const envelope = signedStatementSchema.safeParse(input);
  if (!envelope.success) throw malformed('expected {payload, signature}', envelope.error.issues);
  const json = parseCanonicalJson(envelope.data.payload, { maxBytes: MAX_PAYLOAD_BYTES });
  if (!json.ok) throw malformed(`the payload is not RFC 8785 JSON (${json.reason})`, []);
  return { envelope: envelope.data, value: json.value };
}

function malformed(what: string, issues: readonly { path: PropertyKey[]; message: string }[]): ResealError {
  const [first] = issues;
  const where = first === undefined ? '' : `: ${first.path.map(String).join('.') || 'it'}: ${first.message}`;
  return new ResealError('malformed', `${what}${where}`);
}
