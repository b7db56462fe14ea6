/**
 * Decodes standard base64 in its one canonical spelling (RFC 4648 §4, padded, no whitespace, unused bits zero).
 *
 * The text is attacker-controlled: anything else answers `undefined`, so that no two texts stand for the same bytes.
 */
export function decodeCanonicalBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
