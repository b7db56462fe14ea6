import type { ImportBatch, ImportReport, LineReport } from '../../../domain/imported-history.js';
import { readSentinelFile, type NumberedLine } from '../../../proofs/sentinel-file.js';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import type { ImportOptions } from '../audit-options.js';
import { readHmacKey } from '../hmac-key.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { linesText, readAuditFile } from './audit-verify.js';

const BATCH_CHARACTERS = 128 * 1024;
const BATCH_LINES = 1000;

const NOTHING: ImportReport = { lines: 0, imported: 0, duplicates: 0, passed_over: [], refused: [] };

/**
 * `reseal audit import FILE`: every line is verified here, then by the register with its own keys, and only when all of
 * them hold is the first one kept. `--skip-invalid` keeps those that hold.
 */
export async function importAudit(session: Session, file: string, options: ImportOptions): Promise<number> {
  const key = await readHmacKey(session, options);
  const { lines, refused } = readSentinelFile(await readAuditFile(session, file), key);
  const skip_invalid = options.skipInvalid === true;
  const here: ImportReport = { ...NOTHING, lines: lines.length + refused.length, refused };
  if (here.lines === 0) throw new ResealError('usage', `there is no line in ${file}`);
  if (lines.length === 0 || (refused.length > 0 && !skip_invalid)) return tell(session, file, here, false);
  const api = await session.api();
  const batches = batchesOf(lines);
  const checked = sum(here, await sendAll(session, api, batches, { dry_run: true, skip_invalid }));
  if (checked.refused.length > 0 && !skip_invalid) {
    return tell(session, file, { ...checked, imported: 0, duplicates: 0 }, false);
  }
  const kept = sum(here, await sendAll(session, api, batches, { dry_run: false, skip_invalid }));
  const { imported, duplicates, passed_over } = kept;
  const held = imported + duplicates + passed_over.length > 0;
  return tell(session, file, kept, held && (kept.refused.length === 0 || skip_invalid));
}

/** Lines in parts that fit into a payload of Temporal's. */
function batchesOf(lines: readonly NumberedLine[]): ImportBatch['lines'][] {
  const batches: ImportBatch['lines'][] = [];
  let size = 0;
  for (const { number, text } of lines) {
    const batch = batches.at(-1);
    size += text.length;
    if (batch === undefined || size > BATCH_CHARACTERS || batch.length >= BATCH_LINES) {
      batches.push([{ line: number, text }]);
      size = text.length;
    } else batch.push({ line: number, text });
  }
  return batches;
}

async function sendAll(
  session: Session,
  api: ResealApi,
  batches: readonly ImportBatch['lines'][],
  how: Omit<ImportBatch, 'lines'>,
): Promise<ImportReport> {
  let all = NOTHING;
  for (const [index, lines] of batches.entries()) {
    const word = how.dry_run ? 'verifying' : 'importing';
    const answer = api.importHistory({ lines, ...how });
    all = sum(all, await session.during(`${word} part ${index + 1} of ${batches.length}`, answer));
  }
  return all;
}

/** Both together; `lines` stays what the first counts. */
const sum = (a: ImportReport, b: ImportReport): ImportReport => ({
  lines: a.lines,
  imported: a.imported + b.imported,
  duplicates: a.duplicates + b.duplicates,
  passed_over: [...a.passed_over, ...b.passed_over],
  refused: [...a.refused, ...b.refused].sort((one, other) => one.line - other.line),
});

async function tell(session: Session, file: string, report: ImportReport, done: boolean): Promise<number> {
  session.data((await structured(session.output, report)) ?? importText(report, done));
  if (done) {
    if (report.imported > 0) session.next('reseal breakglass list');
    return EXIT.done;
  }
  if (report.refused.some(({ code }) => code === 'key_unknown')) session.say(KEY_HINT);
  if (report.refused.length < report.lines) session.say(`--skip-invalid imports the rest of ${file}`);
  return EXIT.unverified;
}

const KEY_HINT =
  'the register believes its own keys alone: `sentinel_import_keys` in its settings, or .reseal/import-keys/KEY-ID of a local stack (mode 0600)';

function importText({ lines, imported, duplicates, passed_over, refused }: ImportReport, done: boolean): string {
  const counts = [
    `${imported} imported`,
    ...(duplicates > 0 ? [`${duplicates} known already`] : []),
    ...(passed_over.length > 0 ? [`${passed_over.length} passed over`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
  ];
  const head = done
    ? `${linesText(lines)}: ${counts.join(', ')}`
    : `NOTHING IMPORTED: ${refused.length} of ${linesText(lines)} refused`;
  return [head, ...refused.map(lineText), ...passed_over.map(lineText)].join('\n');
}

const lineText = ({ line, code, message }: LineReport): string => `  line ${line}: ${code}: ${oneLine(message)}`;
