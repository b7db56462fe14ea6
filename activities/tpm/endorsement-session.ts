import { randomBytes } from 'node:crypto';
import { TPM_ALG } from '../../proofs/tpm/tpm-algorithms.js';
import { tpmSized, tpmUint16, tpmUint32 } from '../../proofs/tpm/tpm-wire.js';
import { RS_PW, runTpm, TPM_CC } from './tpm-commands.js';
import type { TpmTransport } from './tpm-transport.js';

const RH_NULL = 0x40000007;
export const RH_ENDORSEMENT = 0x4000000b;
const POLICY_SESSION = 1;
const ALG_SHA256 = 0x000b;
const MAX_BYTES = 2048;

/**
 * Works with a session that the EK's policy (TCG EK Credential Profile, PolicySecret of the endorsement hierarchy) accepts for
 * one command. It is flushed by its own handle, whatever happens: a TPM has few of them, and sessions of others are not ours
 * to end.
 */
export async function withEndorsementSession<T>(tpm: TpmTransport, work: (session: number) => Promise<T>): Promise<T> {
  const session = await startPolicySession(tpm);
  try {
    await policySecret(tpm, session);
    return await work(session);
  } finally {
    // The answer to the caller is that of the work, not of tidying up.
    await flush(tpm, session).catch(() => undefined);
  }
}

/** TPM2_ActivateCredential: opens what was sealed to this EK and the Name of this AK. */
export const activateCredential = (
  tpm: TpmTransport,
  keys: { ak: number; ek: number },
  { credentialBlob, encryptedSecret }: { credentialBlob: Uint8Array; encryptedSecret: Uint8Array },
): Promise<Buffer> =>
  withEndorsementSession(tpm, (session) =>
    runTpm(
      tpm,
      {
        code: TPM_CC.activateCredential,
        handles: [keys.ak, keys.ek],
        sessions: [RS_PW, session],
        parameters: Buffer.concat([tpmSized(credentialBlob), tpmSized(encryptedSecret)]),
      },
      (reader) => reader.sized('certInfo', MAX_BYTES),
    ),
  );

const startPolicySession = (tpm: TpmTransport): Promise<number> =>
  runTpm(
    tpm,
    {
      code: TPM_CC.startAuthSession,
      handles: [RH_NULL, RH_NULL],
      handlesBack: 1,
      parameters: Buffer.concat([
        tpmSized(randomBytes(32)),
        tpmSized(Buffer.alloc(0)),
        Buffer.of(POLICY_SESSION),
        tpmUint16(TPM_ALG.null),
        tpmUint16(ALG_SHA256),
      ]),
    },
    (reader) => {
      const handle = reader.uint32();
      reader.sized('nonceTPM', 64);
      return handle;
    },
  );

async function policySecret(tpm: TpmTransport, session: number): Promise<void> {
  const none = tpmSized(Buffer.alloc(0));
  const parameters = Buffer.concat([none, none, none, tpmUint32(0)]);
  const handles = [RH_ENDORSEMENT, session];
  await runTpm(tpm, { code: TPM_CC.policySecret, handles, sessions: [RS_PW], parameters }, (reader) => {
    reader.take(reader.remaining);
  });
}

/** TPM2_FlushContext of one handle. */
export async function flush(tpm: TpmTransport, handle: number): Promise<void> {
  await runTpm(tpm, { code: TPM_CC.flushContext, parameters: tpmUint32(handle) }, () => undefined);
}
