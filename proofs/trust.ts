import type { KeyObject } from 'node:crypto';

import { z } from 'zod';

import { digestSchema } from '../domain/identifiers.js';
import { SIGNING_ROLES, type SigningRole } from '../domain/roles.js';
import { rosterSchema, type Roster } from '../domain/roster.js';
import { canonicalJson } from './canonical-json.js';
import { contractRootsOf, contractRootsSchema, type ContractRoots, type ContractRootsFile } from './contract-roots.js';
import { modelReceiptKeySchema, type ModelReceiptKey } from './model-receipt.js';
import { exportRolePublicKey, importRolePublicKey, keyidOf } from './role-key.js';
import type { RoleKeys, TrustedKey } from './receipt.js';
import { parseStrictJson } from './strict-json.js';

/**
 * A trust-roots file: everything that an offline verifier takes for granted. `public_key` is base64 of the key's SPKI
 * DER. A role may have several keys (old ones stay for old bundles); a key has one role. `policies`, where present, lists
 * the digests of the policies that were ever in force. `contract_roots`, where present, is the contract-roots file: a policy
 * that its signers signed needs no listing. `model_receipt_keys`, where present, are those by which the receipts of model calls
 * in a bundle are verified again, as in the verifier's settings. Without either a bundle's policy is only shown, not vouched for.
 */
export const trustFileSchema = z
  .strictObject({
    schema: z.literal('reseal.trust.v1'),
    roles: z
      .array(
        z.strictObject({
          role: z.enum(SIGNING_ROLES as [SigningRole, ...SigningRole[]]),
          keyid: digestSchema,
          public_key: z.string().min(1).max(256),
        }),
      )
      .min(1)
      .max(1024),
    roster: rosterSchema,
    policies: z.array(digestSchema).max(10_000).optional(),
    contract_roots: contractRootsSchema.optional(),
    model_receipt_keys: z.array(modelReceiptKeySchema).max(64).optional(),
  })
  .superRefine((file, context) => {
    const seen = new Set<string>();
    for (const [index, { keyid, public_key }] of file.roles.entries()) {
      const issue = (message: string): void => context.addIssue({ code: 'custom', path: ['roles', index], message });
      const key = importRolePublicKey(public_key);
      if (!key.ok) issue(`public_key: ${key.reason}`);
      else if (key.keyid !== keyid) issue('keyid is not the SHA-256 of public_key');
      if (seen.has(keyid)) issue('the same key twice: a key has one role');
      seen.add(keyid);
    }
  });
export type TrustFile = z.output<typeof trustFileSchema>;

/** A trust-roots file, ready for use. */
export interface Trust {
  keyOf: RoleKeys;
  roster: Roster;
  /** Digests of the policies vouched for; undefined when the file does not say. */
  policies: ReadonlySet<string> | undefined;
  /** Who may sign contracts; undefined when the file does not say. */
  contractRoots: ContractRoots | undefined;
  /** Whose receipts of model calls count; undefined when the file does not say. */
  modelReceiptKeys?: readonly ModelReceiptKey[] | undefined;
}

/** Outcome of {@link parseTrust}. */
export type ParsedTrust =
  { ok: true; trust: Trust } | { ok: false; code: 'trust_not_json' | 'trust_malformed'; message: string };

/** Reads a trust-roots file (JSON). Somebody may have sent it along: never throws, and says what is wrong where. */
export function parseTrust(bytes: Uint8Array | string): ParsedTrust {
  const json = parseStrictJson(bytes, { maxBytes: 16 * 1024 * 1024 });
  if (!json.ok) return { ok: false, code: 'trust_not_json', message: `${json.reason}: ${json.detail ?? ''}` };
  const parsed = trustFileSchema.safeParse(json.value);
  if (parsed.success) return { ok: true, trust: trustOf(parsed.data) };
  const [issue] = parsed.error.issues;
  return { ok: false, code: 'trust_malformed', message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` };
}

/** The trust that a valid file expresses. */
export function trustOf(file: TrustFile): Trust {
  const keys = new Map<string, TrustedKey>();
  for (const { role, keyid, public_key } of file.roles) {
    const key = importRolePublicKey(public_key);
    if (key.ok) keys.set(keyid, { role, publicKey: key.publicKey });
  }
  const policies = file.policies === undefined ? undefined : new Set(file.policies);
  const contractRoots = file.contract_roots && contractRootsOf(file.contract_roots);
  const { roster, model_receipt_keys: modelReceiptKeys } = file;
  return { keyOf: (keyid) => keys.get(keyid), roster, policies, contractRoots, modelReceiptKeys };
}

/** The text of a trust-roots file for these keys, roster, policies and signers of contracts. */
export function trustFileText(input: {
  roles: readonly { role: SigningRole; publicKey: KeyObject }[];
  roster: Roster;
  policies?: readonly string[];
  contractRoots?: ContractRootsFile;
}): string {
  const roles = input.roles.map(({ role, publicKey }) => ({
    role,
    keyid: keyidOf(publicKey),
    public_key: exportRolePublicKey(publicKey),
  }));
  const { roster, contractRoots } = input;
  const roots = contractRoots === undefined ? {} : { contract_roots: contractRoots };
  const policies = input.policies === undefined ? {} : { policies: [...new Set(input.policies)].sort() };
  return canonicalJson({ schema: 'reseal.trust.v1', roles, roster, ...policies, ...roots });
}
