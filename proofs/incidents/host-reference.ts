import {
  enrolStatementSchema,
  hostReferenceSchema,
  MAX_REFERENCE_BYTES,
  signedReferenceSchema,
  type EnrolStatement,
  type HostReference,
} from '../../domain/incidents/host-reference.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { PersonFacts } from '../../domain/quorum.js';
import type { Roster } from '../../domain/roster.js';
import { canonicalJson, digestOf, sha256Hex } from '../canonical-json.js';
import { readSigned } from '../statement-check.js';
import { parseCanonicalJson, parseStrictJson } from '../strict-json.js';
import type { PcrPolicyInForce } from '../../domain/attestation-policy.js';
import { readAttestationKey, type AttestationKey } from '../tpm/attestation-key.js';
import { parsePublicArea, type PublicArea } from '../tpm/public-area.js';

const MAX_BYTES = 1024 * 1024;

/** A reference, ready to judge by. */
export interface HostReferenceInForce {
  reference: HostReference;
  /** Hex SHA-256 of its RFC 8785 form. */
  digest: string;
  ek: PublicArea;
  ak: AttestationKey & { area: PublicArea };
  policy: PcrPolicyInForce;
}

/** Verdict on a file that is said to hold a reference. */
export type ReadReference =
  | { ok: true; value: HostReferenceInForce; text: string; acceptances: SignedStatement[] }
  | { ok: false; message: string };

const refused = (message: string): { ok: false; message: string } => ({ ok: false, message });

/** Reads a signed reference (JSON) as far as its own form; who accepted it is asked of `readAcceptance`. Never throws. */
export function readSignedReference(bytes: Uint8Array | string): ReadReference {
  const json = parseStrictJson(bytes, { maxBytes: MAX_BYTES });
  if (!json.ok) return refused(`no JSON: ${json.reason}`);
  const parsed = signedReferenceSchema.safeParse(json.value);
  if (!parsed.success) return refused(issueOf(parsed.error));
  const { reference: text, acceptances } = parsed.data;
  const read = readHostReference(text);
  return read.ok ? { ok: true, value: read.value, text, acceptances } : read;
}

/** Reads the RFC 8785 text of a reference. Never throws. */
export function readHostReference(
  text: string,
): { ok: true; value: HostReferenceInForce } | { ok: false; message: string } {
  const json = parseCanonicalJson(text, { maxBytes: MAX_REFERENCE_BYTES });
  if (!json.ok) return refused(`the reference is no RFC 8785 text: ${json.reason}`);
  const parsed = hostReferenceSchema.safeParse(json.value);
  if (!parsed.success) return refused(issueOf(parsed.error));
  const reference = parsed.data;
  if (canonicalJson(reference) !== text) return refused('the reference is not spelt as it is meant: lower-case hex');
  const ek = parsePublicArea(Buffer.from(reference.ek, 'base64'));
  if (!ek.ok) return refused(`ek: ${ek.detail}`);
  const ak = readAttestationKey(Buffer.from(reference.ak, 'base64'));
  if (!ak.ok) return refused(`ak: ${ak.detail}`);
  const { area } = ak.value;
  if (area === null) return refused('ak: expected a TPM2B_PUBLIC');
  const [named] = reference.policy.aks ?? [];
  if (named === undefined || !('name' in named) || named.name !== area.name.toString('hex'))
    return refused('policy.aks: expected exactly the Name of ak');
  const policy = { policy: reference.policy, digest: digestOf(reference.policy) };
  return { ok: true, value: { reference, digest: sha256Hex(text), ek: ek.value, ak: { ...ak.value, area }, policy } };
}

/** Whose acceptance an envelope is, once its signature verified; the rules are `acceptanceObjection`'s. Never throws. */
export function readAcceptance(
  envelope: SignedStatement,
  roster: Roster,
): { statement: EnrolStatement; person: PersonFacts } | undefined {
  const read = readSigned(envelope, roster, enrolStatementSchema);
  return read.ok ? { statement: read.statement, person: read.person } : undefined;
}

function issueOf(error: { issues: { path: PropertyKey[]; message: string }[] }): string {
  const [issue] = error.issues;
  return `${issue?.path.map(String).join('.') || 'reference'}: ${issue?.message ?? 'not as expected'}`;
}
