import { resolve } from 'node:path';
import { forensicKeyOf, MAX_FORENSIC_BYTES, verifyForensicBundle } from '../../../proofs/incidents/forensic-bundle.js';
import type { ForensicVerdict } from '../../../proofs/incidents/forensic-bundle.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import { oneLine } from '../printable.js';
import { block, structured } from '../render.js';
import type { Session } from '../session.js';

const MAX_KEY_BYTES = 1024;

/** `reseal incident verify-export FILE --key FILE`: from the two files alone; nothing is asked of anybody. */
export async function verifyExport(session: Session, file: string): Promise<number> {
  const key = await forensicKey(session);
  const verdict = verifyForensicBundle(await readBytes(resolve(session.io.cwd, file), MAX_FORENSIC_BYTES), key);
  session.data((await structured(session.output, verdict)) ?? verdictText(session, verdict));
  if (verdict.ok) session.say('who holds the key could have made it too: our own evidence is a recovery bundle');
  return verdict.ok ? EXIT.done : EXIT.unverified;
}

/** What the file holds appears in no message. */
async function forensicKey(session: Session): Promise<string> {
  const { key: named } = session.options;
  if (named === undefined)
    throw new ResealError('usage', '--key is missing: a forensic bundle is verified by its HMAC key', {
      hint: 'the file holds 64 hex characters, as the recorder that signed it has them',
    });
  const key = forensicKeyOf(await readBytes(resolve(session.io.cwd, named), MAX_KEY_BYTES));
  if (key !== undefined) return key;
  throw new ResealError('usage', `--key: ${named} does not hold 64 hex characters on one line`);
}

function verdictText(session: Session, verdict: ForensicVerdict): string {
  if (!verdict.ok) return `${session.style('red', 'NOT VERIFIED')}\n  ${verdict.code}: ${oneLine(verdict.detail)}`;
  const text = (value: unknown): string => (typeof value === 'string' ? oneLine(value) : '?');
  const told = verdict.incidents.map((incident) => {
    const { id, class: kind, severity, state } = { ...(incident as Record<string, unknown> | null) };
    return `  ${[id, kind, severity, state].map(text).join('  ')}`;
  });
  const facts = block([
    ['exported', oneLine(verdict.exported_at)],
    ['incidents', String(verdict.incidents.length)],
    ['hash', verdict.bundle_hash],
  ]);
  return [session.style('green', 'VERIFIED'), facts, ...told].join('\n');
}
