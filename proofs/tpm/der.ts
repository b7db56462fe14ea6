/** One DER element: its identifier, its contents, and all its bytes. */
export interface DerElement {
  tag: number;
  body: Buffer;
  raw: Buffer;
}

/** Universal tags (X.690 §8.1.2), with the bit for constructed ones where they are. */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** Thrown by readers of DER here only; whoever reads somebody's bytes catches it. */
export class DerError extends Error {}

/**
 * Reads elements of DER (X.690 §10) one after another out of untrusted bytes: definite lengths in their shortest form, no tag
 * numbers above 30, every length held against what remains before anything is read. Bodies are views, never copies.
 */
export class DerReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.at === this.bytes.length;
  }

  /** The tag of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.bytes[this.at];
  }

  next(expected?: number): DerElement {
    const [from, tag, first] = [this.at, this.bytes[this.at], this.bytes[this.at + 1]];
    if (tag === undefined || first === undefined) throw new DerError('it ends in the middle');
    if ((tag & 0x1f) === 0x1f) throw new DerError('a tag that is not used here');
    if (expected !== undefined && tag !== expected) throw new DerError(`expected tag ${expected}, got ${tag}`);
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80 || more > 4) throw new DerError('a length that DER does not have');
    const start = from + 2 + more;
    if (start > this.bytes.length) throw new DerError('it ends in the middle');
    const length = more === 0 ? first : this.bytes.readUIntBE(from + 2, more);
    if (more > 0 && (length < 0x80 || this.bytes[from + 2] === 0)) throw new DerError('a length that is too long');
    if (length > this.bytes.length - start) throw new DerError('it ends in the middle');
    this.at = start + length;
    return { tag, body: this.bytes.subarray(start, this.at), raw: this.bytes.subarray(from, this.at) };
  }

  /** The next element when it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.next() : undefined;
  }

  end(): void {
    if (!this.done) throw new DerError('bytes follow its end');
  }
}

/** Dotted decimal. */
export function oidOf({ body }: DerElement): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of body) {
    if (value > 0xffffff) throw new DerError('an object identifier that is too long');
    value = value * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    numbers.push(value);
    value = 0;
  }
  const [first] = numbers;
  if (first === undefined || ((body.at(-1) ?? 0x80) & 0x80) !== 0) throw new DerError('no object identifier');
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...numbers.slice(1)].join('.');
}

/** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 allows them, in epoch milliseconds. */
export function timeOf({ tag, body }: DerElement): number {
  const text = body.toString('latin1');
  const short = tag === DER.utcTime ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text) : null;
  const long = tag === DER.generalizedTime ? /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text) : null;
  const parts = (short ?? long)?.slice(1).map(Number);
  if (parts === undefined) throw new DerError('a time that certificates do not have');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const full = short === null ? year : year + (year < 50 ? 2000 : 1900);
  return Date.UTC(full, month - 1, day, hour, minute, second);
}
