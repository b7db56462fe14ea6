/** Thrown by {@link SshReader} only, and caught by the parser that owns the reader: it never leaves this folder. */
export class SshWireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SshWireError';
  }
}

/**
 * Reads the SSH wire types of RFC 4251 §5 out of untrusted bytes.
 *
 * Every length is attacker-controlled: it is compared with what remains before anything is read, and a `string` is a
 * view on the input, so that no length can make this allocate.
 */
export class SshReader {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** `length` bytes as they are. */
  take(length: number): Buffer {
    if (length > this.bytes.length - this.#at) throw new SshWireError('truncated');
    const taken = this.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  /** A length-prefixed `string` of at most `maxLength` bytes. */
  string(maxLength = Number.MAX_SAFE_INTEGER): Buffer {
    const length = this.uint32();
    if (length > maxLength) throw new SshWireError('string too long');
    return this.take(length);
  }

  /** A `string` of printable US-ASCII (names of algorithms, namespaces, FIDO applications). */
  ascii(maxLength = 255): string {
    const text = this.string(maxLength).toString('latin1');
    if (!/^[\x20-\x7e]*$/.test(text)) throw new SshWireError('not printable ASCII');
    return text;
  }

  /** A positive `mpint` as big-endian magnitude, in its one shortest encoding; zero and negative numbers are refused. */
  positiveMpint(maxBytes: number): Buffer {
    const bytes = this.string(maxBytes + 1);
    const [first, second] = bytes;
    if (first === undefined || first >= 0x80) throw new SshWireError('integer not positive');
    if (first !== 0) {
      if (bytes.length > maxBytes) throw new SshWireError('integer too large');
      return bytes;
    }
    if (second === undefined || second < 0x80) throw new SshWireError('integer not in its shortest form');
    return bytes.subarray(1);
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  /** Refuses trailing bytes. */
  end(): void {
    if (this.remaining !== 0) throw new SshWireError('trailing bytes');
  }
}

/** RFC 4251 `uint32`. */
export function sshUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 4251 `string`: a length and the bytes (of a text: its UTF-8 form). */
export function sshString(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Buffer.concat([sshUint32(bytes.length), bytes]);
}

/** RFC 4251 `mpint` of a non-negative big-endian magnitude, in its shortest encoding. */
export function sshMpint(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length && magnitude[start] === 0) start += 1;
  const shortest = magnitude.subarray(start);
  const first = shortest[0];
  return sshString(first !== undefined && first >= 0x80 ? Buffer.concat([Buffer.of(0), shortest]) : shortest);
}
