import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** A quote and its signature as a TPM writes them, by a key of ordinary software: the verifier cannot tell the difference. */
export interface BenchQuote {
  quote: Buffer;
  signature: Buffer;
  /** The bare signature, for `crypto.verify`. */
  bare: Buffer;
  pem: string;
  /** JSON. */
  pcrs: string;
  nonce: Buffer;
}

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const sized = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const SHA256 = u16(0x000b);
const RSASSA = u16(0x0014);

/** Eight PCRs of SHA-256, signed by RSASSA with 2048 bits: what most hosts send. */
export function benchQuote(): BenchQuote {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const values = Array.from({ length: 8 }, (_, pcr) => createHash('sha256').update(String(pcr)).digest());
  const nonce = createHash('sha256').update('nonce').digest();
  const quote = Buffer.concat([
    Buffer.from('ff5443478018', 'hex'),
    sized(Buffer.concat([SHA256, Buffer.alloc(32, 1)])),
    sized(nonce),
    // clock, resetCount, restartCount, safe, firmwareVersion
    Buffer.from('00000000000f4240000000050000000201'.padEnd(50, '0'), 'hex'),
    Buffer.from('00000001000b03ff0000', 'hex'),
    sized(createHash('sha256').update(Buffer.concat(values)).digest()),
  ]);
  const bare = sign('sha256', quote, privateKey);
  return {
    quote,
    signature: Buffer.concat([RSASSA, SHA256, sized(bare)]),
    bare,
    pem: publicKey.export({ format: 'pem', type: 'spki' }) as string,
    pcrs: JSON.stringify({ sha256: Object.fromEntries(values.map((value, pcr) => [pcr, value.toString('hex')])) }),
    nonce,
  };
}

const le = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
};

/** An event log with digests of two banks, whose events are as long as those of real firmware are on average. */
export function benchEventLog(events: number, dataBytes: number): Buffer {
  const banks = Buffer.concat([le(2, 4), le(4, 2), le(20, 2), le(11, 2), le(32, 2)]);
  const spec = Buffer.concat([Buffer.from('Spec ID Event03\0', 'latin1'), Buffer.alloc(8), banks, Buffer.alloc(1)]);
  const first = Buffer.concat([le(0, 4), le(3, 4), Buffer.alloc(20), le(spec.length, 4), spec]);
  const rest = Array.from({ length: events }, (_, at) =>
    Buffer.concat([
      ...[le(at % 8, 4), le(13, 4), le(2, 4), le(4, 2), Buffer.alloc(20, at), le(11, 2), Buffer.alloc(32, at)],
      ...[le(dataBytes, 4), Buffer.alloc(dataBytes, at)],
    ]),
  );
  return Buffer.concat([first, ...rest]);
}
