import type { Receipt } from './entry.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * What a receipt says, before anybody has looked at its signature: JSON in UTF-8 in standard base64 (RFC 4648 §4), as DSSE has it.
 * Throws where it is none. Workflow code has no decoder of its own, and holds no key.
 */
export function unverifiedPayload({ envelope }: Receipt): unknown {
  let [value, bits, escaped] = [0, 0, ''];
  for (const character of envelope.payload.replace(/=+$/, '')) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) throw new TypeError('not base64');
    value = (value << 6) | digit;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    escaped += `%${(value >> bits).toString(16).padStart(2, '0')}`;
    value &= (1 << bits) - 1;
  }
  return JSON.parse(decodeURIComponent(escaped)) as unknown;
}
