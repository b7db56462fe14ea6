import type { KeyObject } from 'node:crypto';

import { z } from 'zod';

import { momentSchema, seriesSchema } from '../domain/contract.js';
import { digestSchema, epochMs } from '../domain/identifiers.js';
import { SIGNED_KINDS, type SignedKind } from '../domain/signed-documents.js';
import { importRolePublicKey } from './role-key.js';
import { parseStrictJson } from './strict-json.js';

const rootKeySchema = z.strictObject({
  keyid: digestSchema,
  public_key: z.string().min(1).max(256),
  name: seriesSchema,
  valid_from: momentSchema,
  valid_until: momentSchema,
  revoked_at: momentSchema.optional(),
  signs: z.array(z.enum(SIGNED_KINDS)).min(1).max(SIGNED_KINDS.length),
});

/**
 * A contract-roots file (worker configuration, never evidence): who may sign contracts, rosters and lists of revocations.
 * `threshold` is how many signers it takes, two as a rule. `name` is the signer's, not the key's: whoever has an old and a
 * new key still counts once. `public_key` is base64 of the SPKI DER of an Ed25519 key, `keyid` its hex SHA-256.
 */
export const contractRootsSchema = z
  .strictObject({
    schema: z.literal('reseal.contract-roots.v1'),
    threshold: z.number().int().min(1).max(16).default(2),
    keys: z.array(rootKeySchema).min(1).max(256),
  })
  .superRefine(({ threshold, keys }, context) => {
    const complain = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const seen = new Set<string>();
    for (const [index, { keyid, public_key, valid_from, valid_until }] of keys.entries()) {
      const key = importRolePublicKey(public_key);
      if (!key.ok) complain(['keys', index, 'public_key'], key.reason);
      else if (key.keyid !== keyid) complain(['keys', index, 'keyid'], 'is not the SHA-256 of public_key');
      if (seen.has(keyid)) complain(['keys', index, 'keyid'], 'the same key twice: a key has one signer');
      if (valid_until <= valid_from) complain(['keys', index, 'valid_until'], 'is not after valid_from');
      seen.add(keyid);
    }
    const signers = new Set(keys.map(({ name }) => name)).size;
    if (signers < threshold)
      complain(['threshold'], `is ${threshold}, and there are ${signers} signers: nothing could ever be signed`);
  });
export type ContractRootsFile = z.output<typeof contractRootsSchema>;
export type ContractRootKey = ContractRootsFile['keys'][number];

/** A contract-roots file, ready for use. */
export interface ContractRoots {
  threshold: number;
  keys: ReadonlyMap<string, ContractRootKey & { publicKey: KeyObject }>;
}

/** Outcome of {@link parseContractRoots}. */
export type ParsedContractRoots =
  | { ok: true; roots: ContractRoots; file: ContractRootsFile }
  | { ok: false; code: 'roots_not_json' | 'roots_malformed'; message: string };

const MAX_BYTES = 1024 * 1024;

/** Reads a contract-roots file (JSON). Never throws, and says what is wrong where. */
export function parseContractRoots(bytes: Uint8Array | string): ParsedContractRoots {
  const json = parseStrictJson(bytes, { maxBytes: MAX_BYTES });
  if (!json.ok) return { ok: false, code: 'roots_not_json', message: `${json.reason}: ${json.detail ?? ''}` };
  const parsed = contractRootsSchema.safeParse(json.value);
  if (parsed.success) return { ok: true, roots: contractRootsOf(parsed.data), file: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, code: 'roots_malformed', message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}

/** The roots that a valid file expresses. */
export function contractRootsOf({ threshold, keys }: ContractRootsFile): ContractRoots {
  const known = new Map<string, ContractRootKey & { publicKey: KeyObject }>();
  for (const entry of keys) {
    const key = importRolePublicKey(entry.public_key);
    if (key.ok) known.set(entry.keyid, { ...entry, publicKey: key.publicKey });
  }
  return { threshold, keys: known };
}

/** The same roots without keys that a list of revocations takes back. */
export function withoutKeys(roots: ContractRoots, revoked: readonly string[]): ContractRoots {
  const gone = new Set(revoked);
  return { ...roots, keys: new Map([...roots.keys].filter(([keyid]) => !gone.has(keyid))) };
}

/**
 * Why signatures by this key do not count at a moment, or undefined when they do. A signature says nothing trustworthy of
 * when it was made: so a key that is over or revoked signs nothing any more, also what it signed before.
 */
export function rootKeyRefusal(
  key: Pick<ContractRootKey, 'valid_from' | 'valid_until' | 'revoked_at' | 'signs'>,
  kind: SignedKind,
  nowMs: number,
): 'key_signs_other_kinds' | 'key_revoked' | 'key_not_yet_valid' | 'key_expired' | undefined {
  if (!key.signs.includes(kind)) return 'key_signs_other_kinds';
  if (key.revoked_at !== undefined && epochMs(key.revoked_at) <= nowMs) return 'key_revoked';
  if (epochMs(key.valid_from) > nowMs) return 'key_not_yet_valid';
  if (epochMs(key.valid_until) <= nowMs) return 'key_expired';
  return undefined;
}
