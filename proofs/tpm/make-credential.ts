import { constants, createCipheriv, createHmac, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { hashOfName, type PublicArea } from './public-area.js';
import { tpmSized, tpmUint32, type TpmParsed } from './tpm-wire.js';

/** What only the TPM with this endorsement key can open, and only for the key with this Name. */
export interface CredentialChallenge {
  /** TPMS_ID_OBJECT, without the length of the TPM2B around it. */
  credentialBlob: Buffer;
  /** The seed, encrypted to the endorsement key. */
  encryptedSecret: Buffer;
}

const MAX_SECRET_BYTES = 32;
const SEED_BYTES = 32;

/**
 * TPM2_MakeCredential without a TPM (TPM 2.0 Part 1 §24.4, §B.10.4), for endorsement keys of RSA with SHA-256 and AES-128,
 * which is the template that every TPM of a PC has (TCG EK Credential Profile, L-1). `akName` is the Name of the key under
 * test; `secret` has at most 32 bytes, and its return proves that both keys lie in one TPM. Never throws.
 */
export function makeCredential(ek: PublicArea, akName: Uint8Array, secret: Uint8Array): TpmParsed<CredentialChallenge> {
  const refuse = (detail: string): TpmParsed<never> => ({ ok: false, fault: 'not_a_key', detail });
  if (ek.key.type !== 'rsa' || ek.nameAlgorithm.name !== 'sha256' || ek.symmetric?.bits !== 128)
    return refuse('expected an endorsement key of RSA with SHA-256 and AES-128');
  if (hashOfName(akName) === undefined) return refuse('expected the Name of a key');
  if (secret.length < 1 || secret.length > MAX_SECRET_BYTES) return refuse('a secret has 1 to 32 bytes');
  const seed = randomBytes(SEED_BYTES);
  let encryptedSecret: Buffer;
  try {
    const n = ek.key.modulus.toString('base64url');
    const e = Buffer.from(ek.key.exponent.toString(16).padStart(8, '0'), 'hex').toString('base64url');
    const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n, e } });
    // The label is a C string with its zero.
    const oaepLabel = Buffer.from('IDENTITY\0', 'latin1');
    encryptedSecret = publicEncrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel },
      seed,
    );
  } catch {
    return refuse('the endorsement key encrypts nothing');
  }
  const cipher = createCipheriv('aes-128-cfb', kdfa(seed, 'STORAGE', akName, 128), Buffer.alloc(16));
  const sealed = Buffer.concat([cipher.update(tpmSized(secret)), cipher.final()]);
  const hmac = createHmac('sha256', kdfa(seed, 'INTEGRITY', new Uint8Array(), 256))
    .update(sealed)
    .update(akName);
  const credentialBlob = Buffer.concat([tpmSized(hmac.digest()), sealed]);
  return { ok: true, value: { credentialBlob, encryptedSecret } };
}

/** KDFa with SHA-256 for keys of at most 256 bits: one block (TPM 2.0 Part 1 §11.4.10.2). */
function kdfa(key: Uint8Array, label: string, context: Uint8Array, bits: 128 | 256): Buffer {
  const block = createHmac('sha256', key)
    .update(tpmUint32(1))
    .update(Buffer.from(`${label}\0`, 'latin1'))
    .update(context)
    .update(tpmUint32(bits));
  return block.digest().subarray(0, bits / 8);
}
