/**
 * The seven y coordinates, little-endian with the sign bit cleared, that encode an edwards25519 point whose order
 * divides 8: 0, 1, the two of order 8, p-1, and the non-canonical p and p+1 (RFC 8032 §5.1, RFC 7748 §4.1).
 */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/**
 * Whether a 32-byte ed25519 public key is a point of small order.
 *
 * OpenSSL accepts such keys, and a signature that anybody can write down verifies under one for an eighth of all
 * messages or more, so whoever gets one enrolled can deny having signed, or let others sign.
 */
export function isSmallOrderEd25519(point: Uint8Array): boolean {
  const y = Buffer.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  return SMALL_ORDER_Y.has(y.toString('hex'));
}
