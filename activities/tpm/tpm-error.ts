/** Why a TPM did not do what it was asked. The first three pass by themselves; the others do not. */
export const TPM_ERRORS = {
  unreachable: 'no TPM answers there: ask again later',
  busy: 'the TPM is busy: ask again later',
  torn_read: 'PCRs kept changing while they were read: ask again later',
  lockout:
    'the TPM refuses authorisations for a while, because wrong ones were tried: do not ask again until that is over',
  refused: 'the TPM refused the command',
  malformed: 'what answered is no TPM, or the answer was damaged',
} as const;
export type TpmErrorCode = keyof typeof TPM_ERRORS;

/** A failure of a TPM with a stable code. */
export class TpmError extends Error {
  override readonly name = 'TpmError';
  /** TPM_RC, when the TPM gave one. */
  readonly rc: number | undefined;

  constructor(
    readonly code: TpmErrorCode,
    message: string,
    options: { rc?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.rc = options.rc;
  }

  /** Whether the same question may be answered later. */
  get passes(): boolean {
    return this.code === 'unreachable' || this.code === 'busy' || this.code === 'torn_read';
  }
}
