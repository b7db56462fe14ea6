import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AK_SCHEMES } from '../../../activities/tpm/key-templates.js';
import { makeKeys, OWNER_HANDLES, type KeptKey } from '../../../activities/tpm/make-keys.js';
import { TpmError, type TpmErrorCode } from '../../../activities/tpm/tpm-error.js';
import { MAKING_MS, openTpm } from '../../../activities/tpm/tpm-transport.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError, type ResealErrorCode } from '../../api/reseal-error.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { handleOf, tpmAt } from '../tpm-place.js';

export interface TpmMakeKeysOptions {
  tpm: string;
  ek: string;
  ak: string;
  scheme: string;
  out?: string;
}

const usage = (message: string): ResealError => new ResealError('usage', message);

/** `reseal tpm make-keys`: on the host, once. What is there already is shown, and stays. */
export async function makeTpmKeys(session: Session, options: TpmMakeKeysOptions): Promise<number> {
  const at = tpmAt(options.tpm);
  const [ek, ak] = [ownerHandle('--ek', options.ek), ownerHandle('--ak', options.ak)];
  if (ek === ak) throw usage('--ek and --ak are two keys: they cannot have one handle');
  const scheme = AK_SCHEMES.find((one) => one === options.scheme);
  if (scheme === undefined) throw usage(`--scheme is one of ${AK_SCHEMES.join(', ')}, not "${options.scheme}"`);
  const making = async () => {
    const tpm = await openTpm(at, MAKING_MS);
    return makeKeys(tpm, { ek, ak, scheme }).finally(() => tpm.close());
  };
  const made = await session.during(`waiting for ${options.tpm}`, making()).catch(inWords);
  if (!made.ok)
    throw new ResealError('refused', made.message, {
      hint: 'nothing was changed: name another handle, or look at what is there with tpm2_readpublic',
    });
  if (made.ak.scheme !== scheme)
    session.warn(
      `the attestation key that is there signs in ${made.ak.scheme}, not in ${scheme}: it was left as it is`,
    );
  if (options.out !== undefined)
    await keep(resolve(session.io.cwd, options.out), {
      'ek.tpm2b_public': made.ek.area,
      'ak.tpm2b_public': made.ak.area,
    });
  const said = {
    ek: shown(made.ek),
    ak: { ...shown(made.ak), scheme: made.ak.scheme },
    ek_certificate: made.certificate,
  };
  session.data((await structured(session.output, said)) ?? textOf(made));
  session.next(`reseal attest-agent --ak ${said.ak.handle} --ek ${said.ek.handle} --token-file FILE`);
  return EXIT.done;
}

/** The owner's: others are the platform's. */
function ownerHandle(flag: string, text: string): number {
  const handle = handleOf(flag, text);
  if (handle <= OWNER_HANDLES.last) return handle;
  throw usage(`${flag} is a handle of the owner, 0x81000000 to 0x817fffff: ${text} is the platform's`);
}

const hex = (handle: number): string => `0x${handle.toString(16)}`;
const shown = ({ handle, name, created }: KeptKey) => ({ handle: hex(handle), name, created });

function textOf({
  ek,
  ak,
  certificate,
}: {
  ek: KeptKey;
  ak: KeptKey & { scheme: string };
  certificate: boolean;
}): string {
  const state = ({ created }: KeptKey): string => (created ? 'made now' : 'there already, and left as it is');
  return [
    `endorsement key  ${hex(ek.handle)}  ${ek.name}  ${state(ek)}`,
    `attestation key  ${hex(ak.handle)}  ${ak.name}  ${state(ak)}, ${ak.scheme}`,
    `certificate of the endorsement key in the TPM: ${certificate ? 'yes' : 'no'}`,
  ].join('\n');
}

const CODES: Readonly<Record<TpmErrorCode, ResealErrorCode>> = {
  unreachable: 'no_answer',
  busy: 'no_answer',
  torn_read: 'no_answer',
  lockout: 'refused',
  refused: 'refused',
  malformed: 'refused',
};
/** TPM_RC_BAD_AUTH and TPM_RC_AUTH_FAIL of the first session. */
const WRONG_PASSWORD: readonly (number | undefined)[] = [0x9a2, 0x98e];
const RC_NV_SPACE = 0x14b;

function inWords(error: unknown): never {
  if (!(error instanceof TpmError)) throw error;
  const { code, rc, message, passes } = error;
  if (WRONG_PASSWORD.includes(rc))
    throw new ResealError('refused', `the owner or the endorsement hierarchy of this TPM has a password (${message})`, {
      hint: 'make the keys with tpm2_createek, tpm2_createak and tpm2_evictcontrol, which take passwords',
      cause: error,
    });
  const full =
    rc === RC_NV_SPACE
      ? 'the TPM has no room for another persistent key: remove one with tpm2_evictcontrol'
      : undefined;
  const hint = passes ? 'nothing was refused: run it again later, it goes on where it was' : full;
  throw new ResealError(CODES[code], message, { ...(hint && { hint }), cause: error });
}

async function keep(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ResealError('usage', `${folder} cannot be written: ${code ?? 'unknown error'}`, { cause });
  }
}
