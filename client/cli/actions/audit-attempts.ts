import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Attempt } from '../../../domain/attempt.js';
import { verifyAttempts, type AttemptsReport } from '../../../proofs/attempts-ledger.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { readTrust } from '../trust-file.js';

/**
 * `reseal audit attempts PLACE [--trust FILE]`: what roles refused, from their own ledgers in a file or a directory, each line
 * verified by the trust roots; nothing is asked of anybody.
 */
export async function showAttempts(session: Session, place: string, trustFlag: string | undefined): Promise<number> {
  const { trust, path } = await readTrust(session, trustFlag);
  session.say(`trust roots: ${path}`);
  const files: ({ file: string } & AttemptsReport)[] = [];
  for (const file of await filesAt(resolve(session.io.cwd, place)))
    files.push({ file, ...verifyAttempts(await readFile(file), trust.keyOf) });
  const ok = files.every((report) => report.ok);
  session.data((await structured(session.output, { ok, files })) ?? attemptsText(session, ok, files));
  return ok ? EXIT.done : EXIT.unverified;
}

async function filesAt(place: string): Promise<string[]> {
  try {
    if (!(await stat(place)).isDirectory()) return [place];
    const names = await readdir(place);
    return names
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .map((name) => join(place, name));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new ResealError('usage', `${place} cannot be read: ${code}`, { cause: error });
  }
}

function attemptsText(session: Session, ok: boolean, files: readonly ({ file: string } & AttemptsReport)[]): string {
  const attempts = files.flatMap((report) => report.attempts).sort((one, other) => (one.at < other.at ? -1 : 1));
  const faults = files.flatMap(({ file, faults: wrong }) =>
    wrong.map(({ line, message }) => `  ${oneLine(file)} line ${line}: ${oneLine(message)}`),
  );
  const verdict = ok
    ? session.style('green', `VERIFIED: ${attempts.length} in ${files.length} ledgers`)
    : session.style('red', 'NOT VERIFIED');
  return [verdict, ...faults, ...attempts.map(attemptText)].join('\n');
}

function attemptText({ at, role, activity, code, event_id, workflow_id, only_counted }: Attempt): string {
  const counted = only_counted.map((one) => `${one.count} more: ${oneLine(one.activity)} ${one.code}`).join(', ');
  const besides = counted === '' ? '' : `  (before it ${counted})`;
  return `${at}  ${role}  ${oneLine(activity)}  ${code}  ${event_id ?? '-'}  ${oneLine(workflow_id)}${besides}`;
}
