import { listText } from '../../domain/list-text.js';
import type { DocumentStanding } from '../contract/document-standing.js';
import { oneLine } from './printable.js';
import { block, columns } from './render.js';
import type { Session } from './session.js';

/** Hex to the form in which contracts are quoted: `b64u:` and base64url. */
export const contractHash = (digest: string): string => `b64u:${Buffer.from(digest, 'hex').toString('base64url')}`;

/** One document as a person reads it. */
export function documentText(session: Session, standing: DocumentStanding): string {
  const { kind, name, series, version, valid_from, valid_until, signers, threshold, code, message } = standing;
  const isList = kind === 'revocations';
  const stands = code === 'in_force' ? session.style('green', 'in force') : session.style('yellow', code);
  return block([
    [kind, isList ? `list ${name}` : name],
    ['hash', kind === 'contract' ? contractHash(name) : null],
    ['version', isList || series === null ? null : `${version ?? ''} of ${oneLine(series)}`],
    [isList ? 'issued' : 'valid from', valid_from],
    [isList ? 'fresh until' : 'valid until', valid_until],
    ['signed by', `${signers.length} of ${threshold}${signers.length === 0 ? '' : `: ${oneLine(listText(signers))}`}`],
    ['stands', `${stands}${message === '' ? '' : `: ${oneLine(message)}`}`],
  ]);
}

/** Documents as a table; the whole digest, since that is what the other commands are given. */
export function documentsText(session: Session, documents: readonly DocumentStanding[]): string {
  const rows = documents.map(({ kind, name, series, version, valid_until, signers, threshold, code }) => [
    kind,
    series === null ? '' : oneLine(series),
    String(version ?? ''),
    valid_until?.slice(0, 10) ?? '',
    `${signers.length} of ${threshold}`,
    code === 'in_force' ? 'in force' : code,
    kind === 'revocations' ? '' : name,
  ]);
  return columns(['KIND', 'SERIES', 'VERSION', 'UNTIL', 'SIGNED', 'STANDS', 'DIGEST'], rows, {
    widest: 64,
    style: (text, row, column) =>
      column === 5 && row >= 0 ? session.style(documents[row]?.code === 'in_force' ? 'green' : 'dim', text) : text,
  });
}
