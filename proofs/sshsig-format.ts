import { createHash } from 'node:crypto';

import { decodeCanonicalBase64 } from './base64.js';
import { SshReader, sshString, sshUint32, SshWireError } from './ssh-wire.js';

/** The hashes that PROTOCOL.sshsig §2 allows for the message. */
export type SshsigHash = 'sha256' | 'sha512';

/** The fields of a signature blob, PROTOCOL.sshsig §2, as they were written: nothing about them is verified yet. */
export interface SshsigBlob {
  version: number;
  publicKey: Buffer;
  namespace: string;
  reserved: Buffer;
  hash: string;
  /** SSH wire signature: `string` algorithm, `string` blob, and for `sk-` keys flags and counter. */
  signature: Buffer;
}

const MAGIC = Buffer.from('SSHSIG', 'latin1');
const VERSION = 1;
const HEADER = '-----BEGIN SSH SIGNATURE-----\n';
const FOOTER = '\n-----END SSH SIGNATURE-----';
/** As ssh-keygen writes it; the protocol text says 76. */
const COLUMNS = 70;
const MAX_COLUMNS = 76;
/** An RSA 8192 signature with its key is under 4 KiB. */
const MAX_ARMORED_LENGTH = 16 * 1024;
const MAX_RESERVED_BYTES = 1024;

/** The bytes that a key signs, PROTOCOL.sshsig §3. `reserved` is empty in everything that is made today. */
export function sshsigToBeSigned(input: {
  message: Uint8Array;
  namespace: string;
  hash: SshsigHash;
  reserved?: Uint8Array;
}): Buffer {
  const digest = createHash(input.hash).update(input.message).digest();
  return Buffer.concat([
    MAGIC,
    sshString(input.namespace),
    sshString(input.reserved ?? Buffer.alloc(0)),
    sshString(input.hash),
    sshString(digest),
  ]);
}

/** The armored text of a signature, byte for byte as `ssh-keygen -Y sign` writes it, with its final newline. */
export function armorSshsig(input: {
  /** Wire form of the public key. */
  publicKey: Uint8Array;
  namespace: string;
  hash: SshsigHash;
  /** Wire form of the signature, as an agent answers it. */
  signature: Uint8Array;
}): string {
  const blob = Buffer.concat([
    MAGIC,
    sshUint32(VERSION),
    sshString(input.publicKey),
    sshString(input.namespace),
    sshString(''),
    sshString(input.hash),
    sshString(input.signature),
  ]).toString('base64');
  const lines = blob.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  return `${HEADER}${lines.join('\n')}${FOOTER}\n`;
}

/** Outcome of {@link parseSshsig}. */
export type SshsigParseResult =
  | { ok: true; blob: SshsigBlob }
  | {
      ok: false;
      reason: 'signature_too_large' | 'armor_malformed' | 'signature_malformed' | 'version_unsupported';
      detail?: string;
    };

/**
 * Reads an armored signature. The text is attacker-controlled: at most 16 KiB, lines of one width up to 76 columns
 * ended by LF, canonical base64, nothing before, between or after except one final newline, no trailing bytes inside.
 */
export function parseSshsig(armored: string): SshsigParseResult {
  if (armored.length > MAX_ARMORED_LENGTH) return { ok: false, reason: 'signature_too_large' };
  const bytes = dearmor(armored);
  if (bytes === undefined) return { ok: false, reason: 'armor_malformed' };
  try {
    const reader = new SshReader(bytes);
    if (!reader.take(MAGIC.length).equals(MAGIC)) throw new SshWireError('wrong magic');
    const version = reader.uint32();
    if (version !== VERSION) return { ok: false, reason: 'version_unsupported', detail: `version ${version}` };
    const blob = {
      version,
      publicKey: reader.string(),
      namespace: reader.ascii(),
      reserved: reader.string(MAX_RESERVED_BYTES),
      hash: reader.ascii(16),
      signature: reader.string(),
    };
    reader.end();
    return { ok: true, blob };
  } catch (error) {
    if (error instanceof SshWireError) return { ok: false, reason: 'signature_malformed', detail: error.message };
    throw error;
  }
}

function dearmor(armored: string): Buffer | undefined {
  const text = armored.endsWith('\n') ? armored.slice(0, -1) : armored;
  if (!text.startsWith(HEADER) || !text.endsWith(FOOTER)) return undefined;
  if (text.length < HEADER.length + FOOTER.length) return undefined;
  const lines = text.slice(HEADER.length, -FOOTER.length).split('\n');
  const width = lines[0]?.length ?? 0;
  const last = lines.length - 1;
  const even = lines.every((line, index) => (index < last ? line.length === width : line.length <= width));
  if (width > MAX_COLUMNS || !even) return undefined;
  return decodeCanonicalBase64(lines.join(''));
}
