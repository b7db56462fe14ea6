import { readAttestationKey } from '../../proofs/tpm/attestation-key.js';
import { OBJECT_ATTRIBUTES, parsePublicArea, type PublicArea } from '../../proofs/tpm/public-area.js';
import { primaryName, qualifiedNameUnder } from '../../proofs/tpm/qualified-name.js';
import { isStrongHash, TPM_ALG } from '../../proofs/tpm/tpm-algorithms.js';
import { createEndorsementKey, createUnder } from './create-key.js';
import { AK_SCHEMES, akTemplate, EK_TEMPLATE, type AkScheme } from './key-templates.js';
import { EK_CERTIFICATE_INDEX, readKey, readNv } from './tpm-device.js';
import { TpmError } from './tpm-error.js';
import type { TpmTransport } from './tpm-transport.js';

/** Persistent handles of the owner (TCG Registry of Reserved TPM 2.0 Handles §2.3.1). */
export const OWNER_HANDLES = { first: 0x81000000, last: 0x817fffff } as const;

/** A key as it lies in the TPM. */
export interface KeptKey {
  handle: number;
  /** TPM2B_PUBLIC. */
  area: Buffer;
  /** TPM Name, hex. */
  name: string;
  /** Whether it was made now; false: it was there, and was left as it is. */
  created: boolean;
}

export type MadeKeys =
  | { ok: true; ek: KeptKey; ak: KeptKey & { scheme: AkScheme }; certificate: boolean }
  | { ok: false; code: 'handle_taken'; message: string };

/**
 * Has the TPM make an endorsement key and a restricted signing key under it, each persistent at its handle, where they are not
 * there yet. What is there is looked at and shown, and never replaced: a key that is something else is refused as
 * `handle_taken`, before anything is made. Called again it changes nothing; interrupted, it goes on where it was.
 *
 * @throws {TpmError} what the TPM refuses: `refused` with 0x9a2 or 0x98e where a hierarchy has a password.
 */
export async function makeKeys(
  tpm: TpmTransport,
  { ek, ak, scheme }: { ek: number; ak: number; scheme: AkScheme },
): Promise<MadeKeys> {
  const before = { ek: await keyAt(tpm, ek), ak: await keyAt(tpm, ak) };
  const against = before.ek === undefined ? orphan(before.ak) : endorsementObjection(before.ek);
  if (against !== undefined) return taken(before.ek === undefined ? ak : ek, against);
  if (before.ek !== undefined && before.ak !== undefined) {
    const objection = attestationObjection(before.ak, before.ek);
    if (objection !== undefined) return taken(ak, objection);
  }
  if (before.ek === undefined) await createEndorsementKey(tpm, EK_TEMPLATE, ek);
  if (before.ak === undefined) await createUnder(tpm, ek, akTemplate(scheme), ak);
  const [parent, key] = [before.ek ?? (await keyAt(tpm, ek)), before.ak ?? (await keyAt(tpm, ak))];
  const made = key && schemeOf(key);
  if (
    parent === undefined ||
    key === undefined ||
    made === undefined ||
    attestationObjection(key, parent) !== undefined
  )
    throw new TpmError('malformed', 'the TPM says that it made the keys, and shows others');
  return {
    ok: true,
    ek: kept(ek, parent, before.ek === undefined),
    ak: { ...kept(ak, key, before.ak === undefined), scheme: made },
    certificate: (await readNv(tpm, EK_CERTIFICATE_INDEX)) !== undefined,
  };
}

interface Key {
  bytes: Buffer;
  /** Undefined for what is neither an RSA nor an ECC key. */
  area: PublicArea | undefined;
  qualifiedName: Buffer;
}

const RC_NO_SUCH_HANDLE = 0x18b;

async function keyAt(tpm: TpmTransport, handle: number): Promise<Key | undefined> {
  try {
    const { area, qualifiedName } = await readKey(tpm, handle);
    const parsed = parsePublicArea(area);
    return { bytes: area, area: parsed.ok ? parsed.value : undefined, qualifiedName };
  } catch (error) {
    if (error instanceof TpmError && error.rc === RC_NO_SUCH_HANDLE) return undefined;
    throw error;
  }
}

const kept = (handle: number, { bytes, area }: Key, created: boolean): KeptKey => ({
  handle,
  area: bytes,
  name: area?.name.toString('hex') ?? '',
  created,
});

function taken(handle: number, why: string): MadeKeys {
  return { ok: false, code: 'handle_taken', message: `0x${handle.toString(16)} is taken: ${why}` };
}

/** Without its parent nothing can be said of a key that lies where the attestation key should. */
const orphan = (ak: Key | undefined): string | undefined =>
  ak && 'a key is there, and no endorsement key at the other handle that it could lie under';

const has = (area: PublicArea, ...names: (keyof typeof OBJECT_ATTRIBUTES)[]): boolean =>
  names.every((name) => (area.attributes & OBJECT_ATTRIBUTES[name]) !== 0);

function endorsementObjection({ area, qualifiedName }: Key): string | undefined {
  if (area === undefined) return 'by no RSA key, and so by no endorsement key';
  const { key, nameAlgorithm, symmetric } = area;
  if (!has(area, 'fixedTPM', 'fixedParent', 'restricted', 'decrypt') || has(area, 'sign'))
    return 'by a key that others cannot be made under';
  if (!primaryName(area).equals(qualifiedName)) return 'by a key that is no primary key of the endorsement hierarchy';
  const usual = key.type === 'rsa' && key.bits === 2048 && nameAlgorithm.name === 'sha256' && symmetric?.bits === 128;
  return usual ? undefined : 'by an endorsement key of another template than RSA 2048 with SHA-256 and AES-128';
}

function attestationObjection(key: Key, parent: Key): string | undefined {
  const { area } = key;
  if (area === undefined || !has(area, 'sign')) return 'by no key that signs';
  if (!has(area, 'fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'restricted') || has(area, 'decrypt'))
    return 'by a key that signs what it is given, or may leave the TPM';
  if (schemeOf(key) === undefined || !readAttestationKey(key.bytes).ok)
    return 'by a key of another scheme than rsassa, rsapss or ecdsa with SHA-256, SHA-384 or SHA-512';
  if (parent.area === undefined || !qualifiedNameUnder(parent.area, area).equals(key.qualifiedName))
    return 'by a key that was not made under the endorsement key';
  return undefined;
}

function schemeOf({ area }: Key): AkScheme | undefined {
  const { algorithm, hash = null } = area?.scheme ?? {};
  return hash !== null && isStrongHash(hash) ? AK_SCHEMES.find((scheme) => TPM_ALG[scheme] === algorithm) : undefined;
}
