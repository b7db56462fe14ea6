import { TPM_ALG } from '../../proofs/tpm/tpm-algorithms.js';
import { tpmSized, tpmUint16, tpmUint32 } from '../../proofs/tpm/tpm-wire.js';

/** In which an attestation key may be made; ECDSA on P-256, RSA with 2048 bits, all with SHA-256. */
export const AK_SCHEMES = ['rsassa', 'rsapss', 'ecdsa'] as const;
export type AkScheme = (typeof AK_SCHEMES)[number];

const [SHA256, AES, CFB, P256] = [0x000b, 0x0006, 0x0043, 0x0003] as const;
const none = tpmSized(Buffer.alloc(0));

/** PolicySecret of the endorsement hierarchy (TCG EK Credential Profile 2.4 §B.6.2, PolicyA for SHA-256). */
const POLICY_A = Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex');

/**
 * TPMT_PUBLIC of the endorsement key that every TPM of a PC has: template L-1 of the TCG EK Credential Profile 2.4 §B.3.3, RSA
 * 2048. What is made by it is the same key each time, and the one that the vendor certified: fixedTPM, fixedParent,
 * sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
 */
export const EK_TEMPLATE = Buffer.concat([
  tpmUint16(TPM_ALG.rsa),
  tpmUint16(SHA256),
  tpmUint32(0x000300b2),
  tpmSized(POLICY_A),
  tpmUint16(AES),
  tpmUint16(128),
  tpmUint16(CFB),
  tpmUint16(TPM_ALG.null),
  tpmUint16(2048),
  tpmUint32(0),
  tpmSized(Buffer.alloc(256)),
]);

/**
 * TPMT_PUBLIC of an attestation key: fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign; and noDA,
 * since its password is empty: nobody who tries others' passwords can lock it.
 */
export function akTemplate(scheme: AkScheme): Buffer {
  const head = [tpmUint16(SHA256), tpmUint32(0x00050472), none, tpmUint16(TPM_ALG.null)];
  const bound = [tpmUint16(TPM_ALG[scheme]), tpmUint16(SHA256)];
  if (scheme === 'ecdsa')
    return Buffer.concat([
      tpmUint16(TPM_ALG.ecc),
      ...head,
      ...bound,
      tpmUint16(P256),
      tpmUint16(TPM_ALG.null),
      none,
      none,
    ]);
  return Buffer.concat([tpmUint16(TPM_ALG.rsa), ...head, ...bound, tpmUint16(2048), tpmUint32(0), none]);
}
