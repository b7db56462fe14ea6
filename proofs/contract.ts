import type { z } from 'zod';

import type { Contract } from '../domain/contract.js';
import type { SignedVersion } from '../domain/contract-standing.js';
import { policySchema, type Policy } from '../domain/policy.js';
import type { Roster } from '../domain/roster.js';
import {
  PAYLOAD_TYPES,
  revocationsSchema,
  signedRosterSchema,
  type Revocations,
  type SignedKind,
} from '../domain/signed-documents.js';
import { canonicalJson, sha256Hex } from './canonical-json.js';
import { rootKeyRefusal, type ContractRoots } from './contract-roots.js';
import { verifyDsse } from './dsse.js';
import { parseStrictJson } from './strict-json.js';

/** A policy that is a contract: its section is there. */
export type ContractPolicy = Policy & { contract: Contract };

/**
 * Why bytes are not a contract, a roster or a list of revocations. `malformed`: not the shape, not in its one serialisation,
 * or something that this version does not know. `changed`: a signer's signature is not of these bytes. `unsigned`: too few
 * of those who may sign signed.
 */
export type OpenReason = 'malformed' | 'changed' | 'unsigned';
export type OpenCode = `${SignedKind}_${OpenReason}`;

/** Who signed: the distinct signers that counted, by name, sorted, and the ids of their keys. */
type Signed = { signers: string[]; keyids: string[] };
type Refused = { ok: false; code: OpenCode; message: string };

export type OpenedContract = ({ ok: true; policy: ContractPolicy } & SignedVersion & Signed) | Refused;
export type OpenedRoster = ({ ok: true; roster: Roster } & SignedVersion & Signed) | Refused;
export type OpenedRevocations = ({ ok: true; revocations: Revocations; digest: string } & Signed) | Refused;

/** Bytes of a decoded payload: a roster of ten thousand people with their keys still fits. */
export const MAX_SIGNED_BYTES = 16 * 1024 * 1024;

const SCHEMAS = { contract: policySchema, roster: signedRosterSchema, revocations: revocationsSchema } as const;

/** What the payload of each kind parses to. */
export interface SignedPayloads {
  contract: Policy;
  roster: z.output<typeof signedRosterSchema>;
  revocations: Revocations;
}

/**
 * Opens a contract: enough distinct signers of the roots whose keys are good at `nowMs` (epoch milliseconds) signed exactly
 * these bytes, and they are the one serialisation of a policy with a contract section. Whether it is in force is another
 * question: see domain/contract-standing.ts.
 *
 * The envelope is attacker-controlled: never throws.
 */
export function openContract(envelope: unknown, roots: ContractRoots, nowMs: number): OpenedContract {
  const opened = openSigned('contract', envelope, roots, nowMs);
  if (!opened.ok) return opened;
  const { value, digest, signers, keyids } = opened;
  const { contract } = value;
  if (contract === undefined) return refused('contract', 'malformed', 'the policy has no contract section');
  const { series, version, valid_from, valid_until } = contract;
  return {
    ok: true,
    policy: { ...value, contract },
    digest,
    series,
    version,
    valid_from,
    valid_until,
    signers,
    keyids,
  };
}

/** Opens a signed roster, by the same rules as {@link openContract}. Never throws. */
export function openRoster(envelope: unknown, roots: ContractRoots, nowMs: number): OpenedRoster {
  const opened = openSigned('roster', envelope, roots, nowMs);
  if (!opened.ok) return opened;
  const { value, digest, signers, keyids } = opened;
  const { roster, series, version, valid_from, valid_until } = value;
  return { ok: true, roster, digest, series, version, valid_from, valid_until, signers, keyids };
}

/** Opens a list of revocations, by the same rules as {@link openContract}. Never throws. */
export function openRevocations(envelope: unknown, roots: ContractRoots, nowMs: number): OpenedRevocations {
  const opened = openSigned('revocations', envelope, roots, nowMs);
  if (!opened.ok) return opened;
  const { value: revocations, digest, signers, keyids } = opened;
  return { ok: true, revocations, digest, signers, keyids };
}

/** Signatures first, then the bytes: nothing that strangers wrote is parsed. */
function openSigned<Kind extends SignedKind>(
  kind: Kind,
  envelope: unknown,
  roots: ContractRoots,
  nowMs: number,
): ({ ok: true; value: SignedPayloads[Kind]; digest: string } & Signed) | Refused {
  const verified = verifyDsse(envelope, {
    payloadType: PAYLOAD_TYPES[kind],
    keys: (keyid) => {
      const key = roots.keys.get(keyid);
      return key !== undefined && rootKeyRefusal(key, kind, nowMs) === undefined ? key.publicKey : undefined;
    },
    maxBytes: MAX_SIGNED_BYTES,
  });
  if (!verified.ok) {
    const { reason, detail = '' } = verified;
    if (reason === 'signature_invalid') return refused(kind, 'changed', `not what was signed: ${detail}`);
    if (reason === 'threshold_not_met') return refused(kind, 'unsigned', missing(kind, [], roots));
    return refused(kind, 'malformed', `${reason} ${detail}`.trim());
  }
  const signers = [...new Set(verified.keyids.map((keyid) => roots.keys.get(keyid)?.name ?? ''))].sort();
  if (signers.length < roots.threshold) return refused(kind, 'unsigned', missing(kind, signers, roots));
  const read = readPayload(kind, verified.payload);
  return read.ok ? { ...read, signers, keyids: verified.keyids } : refused(kind, 'malformed', read.message);
}

/**
 * Reads a payload whose signatures are somebody else's question: one canonical JSON text, which its schema leaves exactly as
 * it is, so that what was signed is what is used. Never throws.
 */
export function readPayload<Kind extends SignedKind>(
  kind: Kind,
  payload: Uint8Array,
): { ok: true; value: SignedPayloads[Kind]; digest: string } | { ok: false; message: string } {
  const text = parseStrictJson(payload, { maxBytes: MAX_SIGNED_BYTES });
  if (!text.ok) return { ok: false, message: `${text.reason} ${text.detail ?? ''}`.trim() };
  const parsed = SCHEMAS[kind].safeParse(text.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
  }
  if (!Buffer.from(canonicalJson(parsed.data)).equals(payload))
    return { ok: false, message: 'not in its one serialisation (RFC 8785, with nothing left to fill in)' };
  return { ok: true, value: parsed.data as SignedPayloads[Kind], digest: sha256Hex(payload) };
}

const missing = (kind: SignedKind, have: readonly string[], { threshold }: ContractRoots): string =>
  `${have.length} of ${threshold} signers who may sign a ${kind === 'revocations' ? 'list of revocations' : kind}` +
  (have.length === 0 ? '' : `: ${have.join(', ')}`);

const refused = (kind: SignedKind, reason: OpenReason, message: string): Refused => ({
  ok: false,
  code: `${kind}_${reason}`,
  message,
});
