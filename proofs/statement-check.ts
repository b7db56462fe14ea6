import type { z } from 'zod';

import {
  MAX_PAYLOAD_BYTES,
  MAX_SIGNATURE_BYTES,
  STATEMENT_DOMAIN,
  signedStatementSchema,
  statementSchema,
  type RequestStatement,
  type SignedStatement,
  type Statement,
} from '../domain/statement.js';
import { STATEMENT_REFUSALS, type CheckedStatement, type StatementRefusal } from '../domain/verdict.js';
import type { Person, Roster } from '../domain/roster.js';
import type { PersonFacts } from '../domain/quorum.js';
import { canonicalJson, digestOf, sha256Hex } from './canonical-json.js';
import { parseCanonicalJson } from './strict-json.js';
import { parseSshPublicKey } from './ssh-public-key.js';
import type { SignatureMethod } from './ssh-signature.js';
import { verifySshsig } from './sshsig.js';

/**
 * What a sender asks by: hex SHA-256 of the RFC 8785 form of the envelope, whether or not anything in it is true.
 * Of two strings that form is what JSON.stringify writes, which unlike RFC 8785 has an answer for lone surrogates too.
 */
export function statementDigest(envelope: SignedStatement): string {
  return sha256Hex(JSON.stringify({ payload: envelope.payload, signature: envelope.signature }));
}

/**
 * Checks the bytes and the signature of one act; the rules are `objectionTo`'s.
 *
 * The envelope is attacker-controlled: never throws. `statement_digest` is the hex SHA-256 of the payload alone, so that
 * the same words under another signature (ECDSA is malleable) are still the same statement.
 */
export function checkStatement(envelope: SignedStatement, roster: Roster): CheckedStatement {
  const digest = statementDigest(envelope);
  const read = readStatement(envelope, roster);
  if (!read.ok) {
    const { reason, person } = read;
    return { ok: false, digest, reason, ...(person === undefined ? {} : { person }) };
  }
  const { statement, person, method } = read;
  if (statement.act === 'request' || statement.act === 'review') {
    return { ok: false, digest, reason: 'name_disagrees', person: person.id };
  }
  return { ok: true, digest, statement_digest: sha256Hex(envelope.payload), statement, person, method };
}

/** Why a request's own statement was refused, in stable codes. */
export type RequestStatementRefusal =
  | Extract<
      StatementRefusal,
      | 'malformed'
      | 'too_large'
      | 'unknown_person'
      | 'bad_signature'
      | 'name_disagrees'
      | 'foreign_event'
      | 'foreign_request'
      | 'foreign_policy'
    >
  | 'invoker_unknown';

/** Verdict on a request's statement; `request_digest` is the hex SHA-256 of the request's RFC 8785 form. */
export type CheckedRequestStatement =
  | { ok: true; statement: RequestStatement; request_digest: string; person: PersonFacts; method: SignatureMethod }
  | { ok: false; reason: RequestStatementRefusal; message: string };

/**
 * Checks a request's statement: bytes, signature, that statement and request agree with each other, and that the invoker
 * named in the request, by id and by user principal name, is who signed it.
 *
 * The envelope is attacker-controlled: never throws. Whether it is stale, or allowed by the policy, is asked elsewhere.
 */
export function checkRequestStatement(envelope: SignedStatement, roster: Roster): CheckedRequestStatement {
  const read = readStatement(envelope, roster);
  if (!read.ok) return { ok: false, reason: read.reason, message: STATEMENT_REFUSALS[read.reason] };
  const { statement, person, method } = read;
  if (statement.act !== 'request')
    return refused('name_disagrees', `it is an act of "${statement.act}", not a request`);
  const { request } = statement;
  const request_digest = digestOf(request);
  if (statement.event_id !== request.event_id) {
    return refused('foreign_event', 'statement and request name different events');
  }
  if (statement.request_digest !== request_digest) {
    return refused('foreign_request', `its request_digest is not that of its request, ${request_digest}`);
  }
  if (statement.policy_digest !== request.policy_digest) {
    return refused('foreign_policy', 'statement and request name different policies');
  }
  const { invoker } = request;
  if (invoker.person !== person.id || !person.aliases.includes(invoker.upn.toLowerCase())) {
    return refused('invoker_unknown', `the request names another invoker than ${person.id}, who signed it`);
  }
  return { ok: true, statement, request_digest, person, method };
}

const refused = (reason: RequestStatementRefusal, message: string): CheckedRequestStatement => ({
  ok: false,
  reason,
  message,
});

type ReadRefusal = 'malformed' | 'too_large' | 'unknown_person' | 'bad_signature';
/** What a signed statement says once its signature verified. */
export type ReadSigned<Said> =
  | { ok: true; statement: Said; person: PersonFacts; method: SignatureMethod }
  | { ok: false; reason: ReadRefusal; person?: string };
/** The same of a statement of whatever act. */
export type ReadStatement = ReadSigned<Statement>;

/**
 * Reads a statement of whatever act: its form, and whose signature it is.
 *
 * The envelope is attacker-controlled: never throws.
 */
export const readStatement = (envelope: SignedStatement, roster: Roster): ReadStatement =>
  readSigned(envelope, roster, statementSchema);

/**
 * The same of a statement of this shape, which nothing of another shape can pass for: both name their act.
 *
 * The envelope is attacker-controlled: never throws.
 */
export function readSigned<Said extends { person: string }>(
  envelope: SignedStatement,
  roster: Roster,
  shape: z.ZodType<Said>,
): ReadSigned<Said> {
  const { payload, signature } = envelope;
  if (typeof payload !== 'string' || typeof signature !== 'string') return { ok: false, reason: 'malformed' };
  if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES || Buffer.byteLength(signature) > MAX_SIGNATURE_BYTES) {
    return { ok: false, reason: 'too_large' };
  }
  if (!signedStatementSchema.safeParse(envelope).success) return { ok: false, reason: 'malformed' };
  const json = parseCanonicalJson(payload, { maxBytes: MAX_PAYLOAD_BYTES });
  if (!json.ok) return { ok: false, reason: 'malformed' };
  const parsed = shape.safeParse(json.value);
  // What was parsed must be what was signed: a schema that normalises (a GUID's case) would open a second spelling.
  if (!parsed.success || canonicalJson(parsed.data) !== payload) return { ok: false, reason: 'malformed' };
  const statement = parsed.data;
  const person = roster.people.find(({ id }) => id === statement.person);
  if (person === undefined) return { ok: false, reason: 'unknown_person' };
  const method = signatureMethod(person, signature, Buffer.from(payload, 'utf8'));
  if (method === undefined) return { ok: false, reason: 'bad_signature', person: person.id };
  return { ok: true, statement, person: factsOf(person), method };
}

/** How the person signed, or undefined when none of their keys on the roster made this signature. */
function signatureMethod(person: Person, armored: string, message: Uint8Array): SignatureMethod | undefined {
  for (const line of person.keys) {
    const parsed = parseSshPublicKey(line.trim());
    if (!parsed.ok) continue;
    const verdict = verifySshsig({ armored, message, namespace: STATEMENT_DOMAIN, key: parsed.key });
    if (verdict.ok) return verdict.method;
  }
  return undefined;
}

/** What the rules need to know of a person; keys stay behind. */
export function factsOf(person: Person): PersonFacts {
  const { keys: _keys, ...facts } = person;
  return facts;
}
