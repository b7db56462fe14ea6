import { link, open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import type { ExportOptions } from '../audit-options.js';
import { parseFormat, writerOf, type AuditWriter } from '../audit-writer.js';
import { pastTime } from '../list-filter.js';
import type { Session } from '../session.js';
import { linesText } from './audit-verify.js';

const PAGE = 500;

/** `reseal audit export --out FILE`: whole, or not at all. The lines hold names and justifications: mode 0600. */
export async function exportAudit(session: Session, options: ExportOptions): Promise<number> {
  const { out, force } = options;
  if (out === undefined) {
    throw new ResealError('usage', '--out FILE is missing', { hint: '`--out -` is standard output' });
  }
  const format = parseFormat(options.format);
  const write = await writerOf(session, format, options);
  const range = {
    since: pastTime('--since', options.since, session.now()),
    until: pastTime('--until', options.until, session.now()),
  };
  const texts = linesOf(await session.api(), range, write);
  if (out === '-') {
    for await (const text of texts) session.io.stdout.write(`${text}\n`);
    return EXIT.done;
  }
  const count = await writeFile(resolve(session.io.cwd, out), texts, force === true);
  session.say(`wrote ${out}, ${linesText(count)}`);
  const key = format === 'sentinel' ? ` --key-file ${options.keyFile ?? ''}` : '';
  if (count > 0) session.next(`reseal audit verify ${out}${key}`);
  return EXIT.done;
}

/** Every line of the range, a page at a time. */
async function* linesOf(
  api: ResealApi,
  range: { since: string | undefined; until: string | undefined },
  write: AuditWriter,
): AsyncGenerator<string> {
  let after = 0;
  for (;;) {
    const lines = await api.auditLines({ ...range, after, limit: PAGE });
    for (const line of lines) {
      const text = write(line);
      if (text !== undefined) yield text;
    }
    const last = lines.at(-1);
    if (last === undefined || lines.length < PAGE) return;
    after = last.seq;
  }
}

/** Writes beside the file and puts it in place when it is whole; an existing file is replaced only by `force`. */
async function writeFile(path: string, texts: AsyncIterable<string>, force: boolean): Promise<number> {
  const draft = `${path}.${process.pid}.part`;
  const failed = (error: NodeJS.ErrnoException): never => {
    if (error.code === 'EEXIST') throw new ResealError('usage', `${path} exists`, { hint: '--force overwrites it' });
    throw new ResealError('usage', `${path} cannot be written: ${error.code ?? 'unknown error'}`, { cause: error });
  };
  const file = await open(draft, 'w', 0o600).catch(failed);
  try {
    let count = 0;
    for await (const text of texts) {
      await file.write(`${text}\n`);
      count += 1;
    }
    await file.close();
    await (force ? rename(draft, path) : link(draft, path)).catch(failed);
    return count;
  } finally {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
  }
}
