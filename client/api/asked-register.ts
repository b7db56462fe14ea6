import type { RegisterReader } from './register-reader.js';
import { ResealError } from './reseal-error.js';

/** The register as readers ask it: there may be none, and it may be down. */
export class AskedRegister {
  constructor(private readonly register: RegisterReader | null) {}

  /** null when there is no register, it cannot be reached, or it holds nothing of the kind. */
  async mayHave<T>(read: (register: RegisterReader) => Promise<T | undefined>): Promise<T | null> {
    return this.register === null ? null : ((await read(this.register).catch(() => undefined)) ?? null);
  }

  /** Rejects with `needs_register` where none is configured, and `register_unreachable` where it does not answer. */
  async must<T>(read: (register: RegisterReader) => Promise<T>): Promise<T> {
    if (this.register === null) {
      throw new ResealError(
        'needs_register',
        'ledgers, notices and bundles are in the register, and none is configured here',
        { hint: 'set RESEAL_DATABASE_URL, or ask through the gateway (without --direct)' },
      );
    }
    return read(this.register).catch((cause: unknown) => {
      throw new ResealError('register_unreachable', 'no answer from the register: try again', { cause });
    });
  }
}
