import { createHash } from 'node:crypto';
import { HASH_IDS, type HashName } from './software-quote.js';

const le16 = (value: number): Buffer => Buffer.of(value & 255, (value >> 8) & 255);
const le32 = (value: number): Buffer => Buffer.concat([le16(value & 0xffff), le16(value >>> 16)]);
const SIZES: Record<HashName, number> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

export interface LoggedEvent {
  pcr: number;
  type?: number;
  data: Buffer;
}

/** The first event of a crypto-agile log. */
export function header(banks: readonly HashName[], changed: { signature?: string; banks?: Buffer } = {}): Buffer {
  const list = banks.map((bank) => Buffer.concat([le16(HASH_IDS[bank]), le16(SIZES[bank])]));
  const event = Buffer.concat([
    Buffer.from(changed.signature ?? 'Spec ID Event03\0', 'latin1'),
    le32(0),
    Buffer.of(0, 2, 105, 2),
    changed.banks ?? Buffer.concat([le32(banks.length), ...list]),
    Buffer.of(0),
  ]);
  return Buffer.concat([le32(0), le32(3), Buffer.alloc(20), le32(event.length), event]);
}

/** A TCG_PCR_EVENT2 whose digests are those of its data. */
export function event(banks: readonly HashName[], { pcr, type = 0x80000001, data }: LoggedEvent): Buffer {
  const digests = banks.map((bank) =>
    Buffer.concat([
      le16(HASH_IDS[bank]),
      type === 3 ? Buffer.alloc(SIZES[bank]) : createHash(bank).update(data).digest(),
    ]),
  );
  return Buffer.concat([le32(pcr), le32(type), le32(banks.length), ...digests, le32(data.length), data]);
}

export const logOf = (banks: readonly HashName[], events: readonly LoggedEvent[]): Buffer =>
  Buffer.concat([header(banks), ...events.map((one) => event(banks, one))]);

export const startupLocality = (locality: number): LoggedEvent => ({
  pcr: 0,
  type: 3,
  data: Buffer.concat([Buffer.from('StartupLocality\0', 'latin1'), Buffer.of(locality)]),
});

/** What a TPM makes of the events, one PCR of one bank; hex. */
export function extended(bank: HashName, events: readonly LoggedEvent[], pcr: number, locality = 0): string {
  let value = Buffer.alloc(SIZES[bank]);
  if (pcr === 0) value.writeUInt8(locality, value.length - 1);
  for (const one of events.filter((each) => each.pcr === pcr && each.type !== 3)) {
    const digest = createHash(bank).update(one.data).digest();
    value = createHash(bank)
      .update(Buffer.concat([value, digest]))
      .digest();
  }
  return value.toString('hex');
}
