/** Why bytes are not the TPM structure that they should be. */
export const TPM_FAULTS = {
  too_large: 'more bytes than such a structure ever has',
  truncated: 'it ends in the middle',
  trailing_bytes: 'bytes follow its end',
  wrong_magic: 'it was not made by a TPM: the magic number is another',
  wrong_type: 'it is an attestation of another kind than a quote, or a key of another kind than RSA or ECC',
  unknown_algorithm: 'it names an algorithm that TPM 2.0 does not define here',
  out_of_range: 'a member has a value that it may not have',
  duplicate_bank: 'a PCR bank is selected twice',
  empty_selection: 'no PCR is selected',
  not_a_key: 'it is no usable public key',
  not_pcr_values: 'it is not JSON of the form {bank: {index: hex}}',
} as const;
export type TpmFault = keyof typeof TPM_FAULTS;

/** What a parser makes of untrusted bytes; `detail` names the structure and the place, and holds none of the bytes. */
export type TpmParsed<T> = { ok: true; value: T } | { ok: false; fault: TpmFault; detail: string };

/** Thrown by readers of this folder only, and caught by {@link parseTpm}: it never leaves it. */
export class TpmWireError extends Error {
  constructor(
    readonly fault: TpmFault,
    message: string,
  ) {
    super(message);
    this.name = 'TpmWireError';
  }
}

/**
 * Reads the big-endian wire types of TPM 2.0 Part 2 out of untrusted bytes.
 *
 * Every length is attacker-controlled: it is compared with its bound and with what remains before anything is read, and
 * what is read is a view on the input, so that no length can make this allocate.
 */
export class TpmReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** `length` bytes as they are. */
  take(length: number): Buffer {
    return this.bytes.subarray(this.advance(length), this.#at);
  }

  uint8(): number {
    return this.bytes.readUInt8(this.advance(1));
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.advance(2));
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.advance(4));
  }

  uint64(): bigint {
    return this.bytes.readBigUInt64BE(this.advance(8));
  }

  private advance(length: number): number {
    if (length > this.remaining) throw new TpmWireError('truncated', `ends at byte ${this.bytes.length}`);
    const from = this.#at;
    this.#at += length;
    return from;
  }

  /** A TPM2B: a 16-bit length of at most `most`, and that many bytes. */
  sized(name: string, most: number): Buffer {
    const length = this.uint16();
    if (length > most) throw this.fault('out_of_range', `${name} has ${length} bytes, at most ${most} are possible`);
    return this.take(length);
  }

  /** An error that says where. */
  fault(fault: TpmFault, what: string): TpmWireError {
    return new TpmWireError(fault, `${what} (before byte ${this.#at})`);
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  get at(): number {
    return this.#at;
  }
}

/** Reads exactly one structure of at most `most` bytes; trailing bytes are refused. Never throws for any bytes. */
export function parseTpm<T>(
  structure: string,
  bytes: Uint8Array,
  most: number,
  read: (reader: TpmReader) => T,
): TpmParsed<T> {
  if (bytes.length > most) {
    return { ok: false, fault: 'too_large', detail: `${structure}: ${bytes.length} bytes, at most ${most} are read` };
  }
  const reader = new TpmReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    const value = read(reader);
    if (reader.remaining > 0) throw new TpmWireError('trailing_bytes', `${reader.remaining} bytes follow its end`);
    return { ok: true, value };
  } catch (error) {
    if (error instanceof TpmWireError)
      return { ok: false, fault: error.fault, detail: `${structure}: ${error.message}` };
    throw error;
  }
}

/** TPM 2.0 `UINT16`. */
export function tpmUint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** TPM 2.0 `UINT32`. */
export function tpmUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A TPM2B: 16-bit length and the bytes. */
export const tpmSized = (bytes: Uint8Array): Buffer => Buffer.concat([tpmUint16(bytes.length), bytes]);
