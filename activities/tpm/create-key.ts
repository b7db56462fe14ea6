import { tpmSized, tpmUint32 } from '../../proofs/tpm/tpm-wire.js';
import { flush, RH_ENDORSEMENT, withEndorsementSession } from './endorsement-session.js';
import { RS_PW, runTpm, TPM_CC } from './tpm-commands.js';
import type { TpmTransport } from './tpm-transport.js';

const RH_OWNER = 0x40000001;
const MAX_BYTES = 2048;
const none = tpmSized(Buffer.alloc(0));
/** TPM2B_SENSITIVE_CREATE with an empty password and no data. */
const NO_SECRET = tpmSized(Buffer.concat([none, none]));
const NO_PCRS = tpmUint32(0);

/** TPM2_CreatePrimary in the endorsement hierarchy, made persistent at `handle`. Throws TpmError. */
export async function createEndorsementKey(tpm: TpmTransport, template: Buffer, handle: number): Promise<void> {
  const parameters = Buffer.concat([NO_SECRET, tpmSized(template), none, NO_PCRS]);
  const command = {
    code: TPM_CC.createPrimary,
    handles: [RH_ENDORSEMENT],
    sessions: [RS_PW],
    handlesBack: 1,
    parameters,
  };
  const made = await runTpm(tpm, command, (reader) => {
    const object = reader.uint32();
    reader.take(reader.remaining);
    return object;
  });
  await keep(tpm, made, handle);
}

/** TPM2_Create and TPM2_Load under a persistent endorsement key, made persistent at `handle`. Throws TpmError. */
export async function createUnder(tpm: TpmTransport, ek: number, template: Buffer, handle: number): Promise<void> {
  const parameters = Buffer.concat([NO_SECRET, tpmSized(template), none, NO_PCRS]);
  // The policy of the endorsement key lets each command through once.
  const blob = await withEndorsementSession(tpm, (session) =>
    runTpm(tpm, { code: TPM_CC.create, handles: [ek], sessions: [session], parameters }, (reader) => {
      const parts = { private: reader.sized('outPrivate', MAX_BYTES), public: reader.sized('outPublic', MAX_BYTES) };
      reader.take(reader.remaining); // creation data, hash and ticket
      return Buffer.concat([tpmSized(parts.private), tpmSized(parts.public)]);
    }),
  );
  const loaded = await withEndorsementSession(tpm, (session) =>
    runTpm(
      tpm,
      { code: TPM_CC.load, handles: [ek], sessions: [session], handlesBack: 1, parameters: blob },
      (reader) => {
        const object = reader.uint32();
        reader.sized('name', MAX_BYTES);
        return object;
      },
    ),
  );
  await keep(tpm, loaded, handle);
}

/** TPM2_EvictControl by the owner; the object that was loaded for it goes, whatever happens. */
async function keep(tpm: TpmTransport, object: number, handle: number): Promise<void> {
  try {
    const parameters = tpmUint32(handle);
    const command = { code: TPM_CC.evictControl, handles: [RH_OWNER, object], sessions: [RS_PW], parameters };
    await runTpm(tpm, command, () => undefined);
  } finally {
    await flush(tpm, object).catch(() => undefined);
  }
}
