import { parseTpmAddress, type TpmAddress } from '../../activities/tpm/tpm-transport.js';
import { ResealError } from '../api/reseal-error.js';

const usage = (message: string): ResealError => new ResealError('usage', message);

/** Where a TPM is, from `--tpm`. Throws ResealError `usage`. */
export function tpmAt(text: string): TpmAddress {
  const tpm = parseTpmAddress(text);
  if (tpm === undefined) throw usage(`--tpm is a device, unix:/path or tcp:host:port, not "${text}"`);
  return tpm;
}

/** The persistent handle that an option names. Throws ResealError `usage`. */
export function handleOf(flag: string, text: string): number {
  const handle = /^0x81[0-9a-f]{6}$/i.test(text) ? Number(text) : undefined;
  if (handle === undefined) throw usage(`${flag} is a persistent handle, 0x81000000 to 0x81ffffff, not "${text}"`);
  return handle;
}
