import { setTimeout as sleep } from 'node:timers/promises';
import { isSentinelEntry, type AuditLine, type AuditPayload } from '../../../domain/audit-line.js';
import { unverifiedAuditLine } from '../../../proofs/audit-log.js';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import type { TailOptions } from '../audit-options.js';
import { parseFormat, writerOf, type AuditWriter } from '../audit-writer.js';
import { oneLine } from '../printable.js';
import { jsonText, yamlText } from '../render.js';
import type { Session } from '../session.js';

const PAGE = 200;
const POLL_MS = 1_000;

/** `reseal audit tail`: the last lines, and with `--follow` those that come, until Ctrl-C. */
export async function tailAudit(session: Session, options: TailOptions): Promise<number> {
  const last = linesOf(options.lines);
  const write =
    options.format === undefined
      ? await reader(session)
      : await writerOf(session, parseFormat(options.format), options);
  const api = await session.api();
  let after = 0;
  const tell = (lines: readonly AuditLine[]): void => {
    for (const line of lines) {
      after = line.seq;
      const text = write(line);
      if (text !== undefined) session.data(text);
    }
  };
  tell(last === 0 ? await newest(api, (seq) => (after = seq)) : await api.auditLines({ last, limit: last }));
  if (options.follow !== true) return EXIT.done;
  await follow(session, async () => {
    const lines = await api.auditLines({ after, limit: PAGE });
    tell(lines);
    return lines.length === PAGE;
  });
  return EXIT.done;
}

/** No line, but where the log ends. */
async function newest(api: ResealApi, at: (seq: number) => void): Promise<AuditLine[]> {
  const [line] = await api.auditLines({ last: 1 });
  if (line !== undefined) at(line.seq);
  return [];
}

/** Asks until Ctrl-C. What follows for hours outlives a restart of the gateway. */
async function follow(session: Session, ask: () => Promise<boolean>): Promise<void> {
  const { signal } = session.io;
  let away = false;
  while (signal?.aborted !== true) {
    const more = await ask().catch((error: unknown) => {
      if (!(error instanceof ResealError) || error.exit !== EXIT.unreachable) throw error;
      if (!away) session.warn(`${error.message}; still trying`);
      away = true;
      return undefined;
    });
    if (more !== undefined) away = false;
    if (more !== true) await sleep(POLL_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}

function linesOf(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 500) return Number(text);
  throw new ResealError('usage', `--lines is a whole number from 0 to 500, not "${text}"`);
}

/** What a line says, for reading: nothing is verified. */
async function reader(session: Session): Promise<AuditWriter> {
  const yaml = session.output === 'yaml' ? await import('yaml') : undefined;
  return ({ seq, line }) => {
    const payload = unverifiedAuditLine(line);
    if (session.output === 'json') return jsonText(payload ?? { seq, unreadable: true });
    if (yaml !== undefined) return `---\n${yamlText(yaml, payload ?? { seq, unreadable: true })}`;
    return payload === undefined ? `${seq}  unreadable` : sentence(payload);
  };
}

function sentence({ seq, at, entry, details }: AuditPayload): string {
  const known = isSentinelEntry(entry)
    ? {
        reason_code: entry.reason_code,
        expires_at: entry.expires_at,
        closed_by: entry.closed_by,
        closed_reason: entry.closed_reason,
      }
    : {};
  const says = Object.entries({ invoker: entry.invoker, profile: entry.profile, ...known, ...details })
    .filter(([name, value]) => value !== null && value !== undefined && !DIGESTS.test(name))
    .map(([name, value]) => `${name}=${String(value)}`);
  return oneLine([seq, at, entry.event, entry.event_id ?? '-', ...says].join('  '));
}

/** Nobody reads them, and they are in the line. */
const DIGESTS = /digest$/;
